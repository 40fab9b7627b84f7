"""The demo's pace: waits become short, promises to measure by stay as they are written."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import meshline.pilot
from meshline.core import yaml12
from meshline.core.durations import parse_duration
from meshline.core.errors import BadValue
from meshline.pilot.pace import scale_durations

PILOT = Path(meshline.pilot.__file__).parent
DEMO = 1 / 200


@pytest.mark.parametrize(
    ("real", "scaled"),
    [
        ("PT15M", "PT4.5S"),
        ("PT4H", "PT1M12S"),
        ("P1D", "PT7M12S"),
        ("PT1S", "PT0.25S"),  # the floor
        ("PT0.1S", "PT0.1S"),  # never longer than it was
        ("PT0S", "PT0S"),
    ],
)
def test_a_wait_is_shortened_down_to_the_floor(real: str, scaled: str) -> None:
    assert scale_durations(f"within: {real}\n", DEMO) == f"within: {scaled}\n"


def test_comments_quotes_and_layout_stay_as_they_are() -> None:
    text = 'steps:\n  - {within: "PT15M", until: "x"}   # PT15M is the promise\n  - wait: PT30M\n'

    assert scale_durations(text, DEMO) == (
        'steps:\n  - {within: "PT4.5S", until: "x"}   # PT15M is the promise\n  - wait: PT9S\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "slo:\n  - {name: fast, threshold: PT5S, window: P30D}\n",
        "risk: {data: {retention_days: 400}}\n",
        "review_every_days: 90\n",
        "lifecycle: {sunset_on: P30D}\n",
        "manual_fallback: {retire_by: P90D}\n",
        "examples: {valid: [{payload: {wait: PT15M}}]}\n",
        "steps:\n  - {text: PT15M, title: PT15M}\n",
    ],
)
def test_objectives_retention_review_sunset_and_words_are_left_alone(text: str) -> None:
    assert scale_durations(text, DEMO) == text


@pytest.mark.parametrize("factor", [0, -1, 1.5])
def test_a_pace_that_is_not_a_share_of_real_time_is_refused(factor: float) -> None:
    with pytest.raises(BadValue, match="pace"):
        scale_durations("within: PT15M\n", factor)


@pytest.mark.parametrize("path", sorted(PILOT.rglob("*.yaml")), ids=lambda path: path.stem)
def test_a_pilot_document_says_the_same_at_the_demos_pace_but_for_its_waits(path: Path) -> None:
    text = path.read_text("utf-8")

    changed = list(
        _differences(yaml12.load(text).value, yaml12.load(scale_durations(text, DEMO)).value)
    )

    for at, before, after in changed:
        assert "/slo/" not in at
        assert parse_duration(after) <= parse_duration(before), at
        assert parse_duration(after) <= timedelta(hours=1), at


def _differences(one: Any, other: Any, at: str = "") -> Any:
    """Yield (path, before, after) of every leaf that differs."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), at
        for key in one:
            yield from _differences(one[key], other[key], f"{at}/{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), at
        for index, item in enumerate(one):
            yield from _differences(item, other[index], f"{at}/{index}")
    elif one != other:
        yield at, one, other
