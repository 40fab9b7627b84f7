"""Durations read and write ISO 8601, and refuse what has no fixed length."""

from __future__ import annotations

from datetime import timedelta

import pytest

from meshline.core.durations import format_duration, in_words, parse_duration
from meshline.core.errors import BadValue


@pytest.mark.parametrize(
    ("text", "length", "canonical"),
    [
        ("PT15M", timedelta(minutes=15), "PT15M"),
        ("P1D", timedelta(days=1), "P1D"),
        ("PT0.25S", timedelta(milliseconds=250), "PT0.25S"),
        ("P2W", timedelta(days=14), "P14D"),
        ("PT36H", timedelta(hours=36), "P1DT12H"),
        ("P1DT2H3M4.000005S", timedelta(days=1, hours=2, minutes=3, seconds=4.000005),
         "P1DT2H3M4.000005S"),
        ("PT0S", timedelta(0), "PT0S"),
    ],
)  # fmt: skip
def test_duration_reads_and_writes(text: str, length: timedelta, canonical: str) -> None:
    assert parse_duration(text) == length
    assert format_duration(length) == canonical
    assert parse_duration(canonical) == length


@pytest.mark.parametrize("text", ["P1M", "P1Y", "P1Y2M3DT4H"])
def test_months_and_years_are_refused_with_what_to_write_instead(text: str) -> None:
    with pytest.raises(BadValue) as refusal:
        parse_duration(text)
    assert "P30D" in refusal.value.remedy


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1DT", "15m", "-PT1S", "PT1.5H", "PT1S\n", "P999999D", "PT٣S"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse_duration(text)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=192), "3 min 12 s"),
        (timedelta(minutes=26), "26 min"),
        (timedelta(days=1, hours=2, minutes=3), "1 d 2 h"),
        (timedelta(milliseconds=380), "380 ms"),
        (timedelta(seconds=2.1), "2.1 s"),
        (timedelta(0), "0 s"),
    ],
)
def test_duration_is_said_in_its_two_largest_units(length: timedelta, words: str) -> None:
    assert in_words(length) == words
