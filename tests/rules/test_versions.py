"""Versions keep their text and compare by number; ranges mean what package users expect."""

from __future__ import annotations

from typing import Any

import pytest

from contracts_app.rules.versions import best, bump, matches, parse_range, parse_version
from meshline.core.errors import BadValue


@pytest.mark.parametrize(
    ("wanted", "version", "fits"),
    [
        ("^1", "1.9.9", True),
        ("^1", "2.0.0", False),
        ("^1.1", "1.0.9", False),
        ("^1.1", "1.10", True),
        ("^0.2", "0.2.5", True),
        ("^0.2", "0.3.0", False),
        ("^0", "0.9.0", True),
        ("^0.0.3", "0.0.4", False),
        ("~1.2", "1.2.9", True),
        ("~1.2", "1.3.0", False),
        ("1.2.0", "1.2", True),
        ("1.10", "1.1", False),
        ("*", "9.9.9", True),
    ],
)
def test_range_holds_the_versions_it_names(wanted: str, version: str, fits: bool) -> None:
    assert matches(wanted, version) is fits


def test_newest_fitting_version_is_found_as_it_was_written() -> None:
    assert best("^1", ["1.9.0", "1.10", "2.0.0"]) == "1.10"
    assert best("^3", ["1.9.0"]) is None
    assert parse_version("1.10") > parse_version("1.9.9")


def test_version_steps() -> None:
    assert [bump("1.10", step) for step in ("major", "minor", "patch")] == [
        "2.0.0",
        "1.11.0",
        "1.10.1",
    ]


@pytest.mark.parametrize("text", ["", "1.", "v1", "1.2.3.4", "^", "1.02", None, 1.1, "^*"])
def test_what_is_no_version_is_refused(text: Any) -> None:
    with pytest.raises(BadValue):
        parse_version(text)
    with pytest.raises(BadValue):
        parse_range(text)
