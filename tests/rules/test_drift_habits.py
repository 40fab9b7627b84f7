"""Named fields that stay away or change their type: told with evidence, and never too early."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts_app.rules.drift.evidence import Seen
from contracts_app.rules.drift.habits import (
    FEWEST,
    FEWEST_MISSED,
    MOST_FIELDS,
    Habits,
    habits_of,
    named_in,
)
from contracts_app.rules.drift.sightings import Sighting, is_known

START = datetime(2026, 3, 2, tzinfo=UTC)
SCHEMA: dict[str, Any] = {
    "properties": {
        "id": {"type": "string"},
        "data": {
            "type": "object",
            "properties": {"tip": {"type": ["string", "number", "null"]}, "note": {}},
        },
    }
}
PATHS = named_in(SCHEMA)


def taken(
    habits: Habits, data: Any, times: int, *, days: int = 1, after: float = 0, held: bool = False
) -> list[Sighting]:
    """So many events came, over so many days, the first `after` days from the start."""
    found: list[Sighting] = []
    for number in range(times):
        at = START + timedelta(days=after + days * number / times)
        payload = {"id": "1", "data": data}
        found += habits.look(PATHS, payload, Seen(f"e{number}", "shop", at, held))
    return found


def gone(habits: Habits, *, after: float) -> list[str]:
    return [one.path for _, one in habits.gone(START + timedelta(days=after))]


def test_schema_names_its_fields_and_their_number_is_bounded() -> None:
    assert PATHS == ["/id", "/data", "/data/tip", "/data/note"]
    many: dict[str, Any] = {"properties": {f"f{number}": {} for number in range(500)}}
    assert len(named_in(many)) == MOST_FIELDS
    circle = {"properties": {"next": {"$ref": "#"}}}
    assert named_in(circle)[-1] == "/next/next/next/next"


@pytest.mark.parametrize(
    ("came", "days", "missed", "waited", "told"),
    [
        (40, 5, 60, 7.0, True),
        (FEWEST - 1, 5, 60, 7.0, False),
        (40, 2, 60, 7.0, False),
        (40, 5, FEWEST_MISSED - 1, 7.0, False),
        (40, 5, 60, 5.5, False),
    ],
    ids=["regular", "too few", "too few days", "missed too little", "too short a time"],
)
def test_field_is_gone_only_after_it_was_regular_and_stayed_away_long_enough(
    came: int, days: int, missed: int, waited: float, told: bool
) -> None:
    habits = habits_of(None)
    taken(habits, {"tip": 1}, came, days=days)
    taken(habits, {}, missed, after=5)

    assert gone(habits, after=waited) == (["/data/tip"] if told else [])


def test_field_that_is_rare_may_stay_away_for_longer() -> None:
    habits = habits_of(None)
    for turn in range(FEWEST):
        taken(habits, {"tip": 1}, 1, after=turn)
        taken(habits, {}, 40, after=turn)
    taken(habits, {}, 100, after=FEWEST)
    assert gone(habits, after=FEWEST + 3) == []
    taken(habits, {}, 100, after=FEWEST + 3)
    assert gone(habits, after=FEWEST + 4) == ["/data/tip"]


def test_what_is_gone_is_told_once_with_its_last_event_and_again_after_it_was_back() -> None:
    habits = habits_of(None)
    taken(habits, {"tip": "x"}, 40, days=4)
    taken(habits, {}, 60, after=4)
    ((last, sighting),) = habits.gone(START + timedelta(days=6))
    assert (last.event, last.at.date().isoformat()) == ("e39", "2026-03-05")
    assert sighting.shape == "in 40 events on 4 days, in none of the 60 since"

    kept = habits_of(json.loads(json.dumps(habits.stored())))
    assert kept == Habits(habits.fields, set())
    assert gone(kept, after=7) == []
    taken(kept, {"tip": "x"}, 1, after=7)
    assert kept.back == {"/data/tip"}
    taken(kept, {}, 301, after=7)
    assert gone(kept, after=9) == ["/data/tip"]


def test_object_that_is_gone_takes_its_fields_along_without_telling_each() -> None:
    habits = habits_of(None)
    taken(habits, {"tip": "x", "note": "y"}, 40, days=4)
    for number in range(60):
        at = START + timedelta(days=5)
        habits.look(PATHS, {"id": "1"}, Seen(f"m{number}", "shop", at))
    assert gone(habits, after=8) == ["/data"]


def test_other_type_is_told_without_content_and_only_where_there_was_one() -> None:
    habits = habits_of(None)
    taken(habits, {"tip": 5, "note": "a"}, 20, days=2)
    assert taken(habits, {"tip": "Maja", "note": 1}, 1, after=2) == []  # too early: now mixed
    taken(habits, {"tip": 5, "note": "a"}, 40, days=4, after=3)
    assert taken(habits, {"tip": "Maja", "note": 1}, 1, after=8) == []

    habits.forget_types()
    taken(habits, {"tip": 5.5, "note": "a"}, FEWEST, after=9)
    assert taken(habits, {"tip": 5}, 1, after=10) == []  # whole numbers are numbers
    assert taken(habits, {"tip": None}, 1, after=10) == []
    (found,) = taken(habits, {"tip": "Maja"}, 1, after=10, held=True)
    assert (found.kind, found.path, found.value) == ("type", "/data/tip", "string")
    assert found.shape == f"string, 4 characters; number in {FEWEST + 1} events before"
    assert "Maja" not in repr(habits.stored())


def test_version_that_names_the_type_or_drops_the_field_settles_it() -> None:
    assert is_known(SCHEMA, "type", "/data/tip", "string")
    assert not is_known(SCHEMA, "type", "/data/tip", "array")
    assert not is_known(SCHEMA, "type", "/data/note", "string")
    assert not is_known(SCHEMA, "gone", "/data/tip", "")
    assert is_known({"properties": {"id": {}}}, "gone", "/tip", "")
