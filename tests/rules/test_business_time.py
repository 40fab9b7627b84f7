"""Due times agree with the public examples and with counting minute by minute."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts_app.rules.business_time import (
    DAY_S,
    Calendar,
    Pause,
    Row,
    due_at,
    elapsed,
    offset_changes,
    parse_row,
)
from meshline.core.errors import BadValue, ClockError
from meshline.core.zones import zone

EXAMPLES = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "sla-examples.json"
OFFICE = {day: [("09:00", "17:00")] for day in ("mon", "tue", "wed", "thu", "fri")}
MINUTE = timedelta(minutes=1)


def examples() -> list[Any]:
    if not EXAMPLES.exists():
        skip = pytest.mark.skip(reason="the shared examples are not beside this checkout")
        return [pytest.param(None, marks=skip)]
    return [pytest.param(case, id=case["id"]) for case in json.loads(EXAMPLES.read_text())]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("case", examples())
def test_due_time_is_as_the_public_example_says(case: dict[str, Any]) -> None:
    given = case["calendar"]
    calendar = Calendar.of(given["timezone"], given["weekly_hours"], given["holidays"])
    pauses = [Pause(at(start), at(end)) for start, end in case["pauses"]]
    start, target = at(case["start"]), timedelta(minutes=case["target_minutes"])

    due = due_at(start, target, calendar, pauses)

    assert due == at(case["expected_due_at"])
    assert due is not None
    assert elapsed(start, calendar, pauses, until=due) == target


def is_open(calendar: Calendar, moment: datetime) -> bool:
    """The normative predicate, word for word."""
    local = moment.astimezone(zone(calendar.zone))
    if local.date() in calendar.holidays:
        return False
    wall = local.hour * 3600 + local.minute * 60 + local.second
    today = calendar.weekly_hours.get(local.isoweekday(), ())
    yesterday = calendar.weekly_hours.get((local.isoweekday() - 2) % 7 + 1, ())
    return any(
        (opening <= wall < closing) or (closing <= opening and wall >= opening)
        for opening, closing in today
    ) or any(closing <= opening and wall < closing for opening, closing in yesterday)


def random_row(rng: random.Random) -> Row:
    opening, closing = rng.sample(range(0, DAY_S + 1, 900), 2)
    return (opening, closing) if opening < DAY_S else (closing, opening)


def random_calendar(rng: random.Random, zone_name: str, around: date) -> Calendar:
    weekly = {day: tuple(random_row(rng) for _ in range(rng.randrange(3))) for day in range(1, 8)}
    near = [around + timedelta(days=rng.randrange(-2, 3)) for _ in range(rng.randrange(3))]
    return Calendar(zone_name, weekly, frozenset(near))


@pytest.mark.parametrize(
    ("zone_name", "year"),
    [
        ("Europe/Berlin", 2025),
        ("America/New_York", 2026),
        ("Australia/Lord_Howe", 2026),  # half an hour of summer time
        ("Africa/Casablanca", 2026),
        ("America/Santiago", 2025),  # midnight is skipped
        ("Asia/Kolkata", 2026),
    ],
)
def test_due_time_agrees_with_counting_every_minute(zone_name: str, year: int) -> None:
    rng = random.Random(f"{zone_name}{year}")  # noqa: S311 - repeatable cases, no secret
    begin, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    changes = offset_changes(zone_name, begin, end) or [begin + timedelta(days=59)]
    for _ in range(6):
        near = rng.choice(changes)
        calendar = random_calendar(rng, zone_name, near.date())
        start = near - MINUTE * rng.randrange(1500)
        paused = start + MINUTE * rng.randrange(600)
        resumed = paused + MINUTE * rng.randrange(300)
        pauses = [Pause(paused, resumed)]
        minutes = [start + MINUTE * n for n in range(2400)]
        counted = [m for m in minutes if is_open(calendar, m) and not paused <= m < resumed]
        if not counted:
            continue
        target = rng.randrange(1, len(counted) + 1)

        assert due_at(start, MINUTE * target, calendar, pauses) == counted[target - 1] + MINUTE
        assert elapsed(start, calendar, pauses, until=minutes[-1]) == MINUTE * sum(
            m < minutes[-1] for m in counted
        )


def test_target_of_zero_is_due_at_once_even_when_closed() -> None:
    saturday = at("2026-02-07T12:00:00Z")
    assert due_at(saturday, timedelta(0), Calendar.of("UTC", OFFICE)) == saturday


def test_timer_is_never_due_while_paused_without_end_or_without_open_hours() -> None:
    start = at("2026-02-03T10:00:00Z")
    assert due_at(start, MINUTE, Calendar("UTC", {})) is None
    assert due_at(start, MINUTE * 90, Calendar.always(), [Pause(start + MINUTE)]) is None


def test_overlapping_pauses_count_once() -> None:
    start = at("2026-02-03T10:00:00Z")
    pauses = [
        Pause(at("2026-02-03T10:10:00Z"), at("2026-02-03T10:30:00Z")),
        Pause(at("2026-02-03T10:20:00Z"), at("2026-02-03T10:40:00Z")),
        Pause(at("2026-02-03T09:00:00Z"), at("2026-02-03T09:30:00Z")),
    ]
    assert due_at(start, MINUTE * 15, Calendar.always(), pauses) == at("2026-02-03T10:45:00Z")


def test_seconds_and_microseconds_are_exact() -> None:
    start = at("2026-02-03T16:59:59.750000Z")
    due = due_at(start, timedelta(milliseconds=500), Calendar.of("UTC", OFFICE))
    assert due == at("2026-02-04T09:00:00.250000Z")


@pytest.mark.parametrize(
    "row",
    [["09:00", "09:00"], ["24:00", "06:00"], ["9:00", "17:00"], ["09:60", "10:00"], ["09:00"],
     ["24:30", "25:00"], [540, 1020]],
)  # fmt: skip
def test_row_that_is_no_opening_time_is_refused(row: list[Any]) -> None:
    with pytest.raises(BadValue):
        parse_row(row)


def test_times_that_contradict_each_other_are_refused() -> None:
    start = at("2026-02-03T10:00:00Z")
    with pytest.raises(ClockError):
        elapsed(start, Calendar.always(), until=start - MINUTE)
    with pytest.raises(ClockError):
        due_at(datetime(2026, 2, 3), MINUTE, Calendar.always())  # noqa: DTZ001
