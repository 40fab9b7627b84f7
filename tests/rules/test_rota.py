"""Who is on call follows the wall clock and the local date, through every change of offset."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from contracts_app.rules.rota import (
    Override,
    Person,
    Rota,
    Shift,
    gaps,
    handoff_instant,
    on_call,
    shifts,
)
from contracts_app.rules.rota_spec import parse_rota
from meshline.core.errors import ClockError, DocumentRefused
from meshline.core.yaml12 import load

LENA, JONAS, RUI = (Person(n, f"{n.lower()}@example.com") for n in ("Lena", "Jonas", "Rui"))
WEEKLY = Rota("Europe/Berlin", 9 * 3600, 7, date(2026, 1, 5), (LENA, JONAS, RUI))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("moment", "person"),
    [
        ("2026-01-05T07:59:59+00:00", None),
        ("2026-01-05T08:00:00+00:00", LENA),
        ("2026-01-12T07:59:59+00:00", LENA),
        ("2026-01-12T08:00:00+00:00", JONAS),
        ("2026-03-30T06:59:59+00:00", RUI),  # summer time: nine o'clock is an hour earlier
        ("2026-03-30T07:00:00+00:00", LENA),
    ],
)
def test_weekly_turns_change_at_nine_by_the_wall_clock(moment: str, person: Person | None) -> None:
    assert on_call(WEEKLY, at(moment)) == person


@pytest.mark.parametrize(
    ("handoff_s", "day", "instant"),
    [
        (2 * 3600 + 1800, date(2026, 3, 29), "2026-03-29T01:00:00+00:00"),  # 02:30 is skipped
        (2 * 3600 + 1800, date(2026, 10, 25), "2026-10-25T00:30:00+00:00"),  # 02:30 comes twice
        (3 * 3600, date(2026, 3, 29), "2026-03-29T01:00:00+00:00"),
        (9 * 3600, date(2026, 7, 1), "2026-07-01T07:00:00+00:00"),
    ],
)
def test_handoff_at_an_odd_hour_follows_the_written_rule(
    handoff_s: int, day: date, instant: str
) -> None:
    rota = Rota("Europe/Berlin", handoff_s, 1, date(2026, 1, 1), (LENA,))
    assert handoff_instant(rota, day) == at(instant)


def test_override_made_last_wins_and_ends() -> None:
    start = at("2026-01-06T12:00:00+00:00")
    swaps = [
        Override(start, start + timedelta(hours=8), JONAS),
        Override(start, start + timedelta(hours=2), RUI),
    ]
    moments = [start, start + timedelta(hours=2), start + timedelta(hours=8)]
    assert [on_call(WEEKLY, moment, swaps) for moment in moments] == [RUI, JONAS, LENA]


def test_shifts_agree_with_who_is_on_call_every_hour() -> None:
    begin, end = at("2026-03-20T00:00:00+00:00"), at("2026-04-20T00:00:00+00:00")
    swap = Override(begin + timedelta(days=3), begin + timedelta(days=4), RUI)
    listed = shifts(WEEKLY, begin, end, [swap])
    assert listed[0].start == begin
    assert listed[-1].end == end
    hour = begin
    while hour < end:
        (shift,) = [each for each in listed if each.start <= hour < each.end]
        assert shift.person == on_call(WEEKLY, hour, [swap])
        hour += timedelta(hours=1)


def test_gap_before_the_rota_begins_is_found() -> None:
    begin, end = at("2026-01-05T00:00:00+00:00"), at("2026-01-20T00:00:00+00:00")
    assert gaps(WEEKLY, begin, end) == [Shift(begin, at("2026-01-05T08:00:00+00:00"), None)]


def test_time_without_zone_is_refused() -> None:
    with pytest.raises(ClockError):
        on_call(WEEKLY, datetime(2026, 1, 6))  # noqa: DTZ001


ROTA = """\
meshline: rota/v1
name: support-primary
version: 1
zone: Europe/Berlin
handoff: {time: 09:00, every_days: 7, from: 2026-01-05}
people:
  - {name: Lena, email: lena@example.com}
  - {name: Jonas, email: jonas@example.com}
"""


def test_rota_document_is_read() -> None:
    spec = parse_rota(load(ROTA))
    assert spec.rota == Rota("Europe/Berlin", 9 * 3600, 7, date(2026, 1, 5), (LENA, JONAS))
    assert on_call(spec.rota, datetime(2026, 1, 6, tzinfo=UTC)) == LENA


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("09:00", "24:00", "/handoff/time"),
        ("2026-01-05", "soon", "/handoff/from"),
        ("Europe/Berlin", "Europe/Nowhere", "/zone"),
        ("jonas@", "lena@", "/people/1"),
        ("every_days: 7", "every_days: 0", "/handoff/every_days"),
        ("jonas@example.com", "jonas", "/people/1/email"),
    ],
)
def test_mistaken_rota_is_refused_at_its_place(old: str, new: str, path: str) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        parse_rota(load(ROTA.replace(old, new)))
    assert [finding.path for finding in refusal.value.findings] == [path]
