"""Who is reached when: in person by day, on call by night, and a gap where nobody is."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from contracts_app.rules.business_time import Calendar
from contracts_app.rules.contact_matrix import Hours, Seat, gaps, hours_at, matrix
from contracts_app.rules.rota import Person, Rota

OFFICE = Calendar.of("Europe/Berlin", {"mon": [["09:00", "17:00"]], "tue": [["09:00", "17:00"]]})
ROTA = Rota("UTC", 9 * 3600, 7, date(2026, 1, 5), (Person("Rui Vaz", "rui@x.example"),))
EMPTY = Rota("UTC", 9 * 3600, 7, date(2030, 1, 5), (Person("Rui Vaz", "rui@x.example"),))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)  # the 23rd is a Monday


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (at(23, 10), Hours(True, at(23, 16), at(23, 10), at(23, 16))),
        (at(23, 20), Hours(False, at(24, 8), at(24, 8), at(23, 20))),
        (at(25, 12), Hours(False, at(30, 8), at(30, 8), at(25, 12))),
    ],
)
def test_office_hours_as_seen_from_an_instant(now: datetime, hours: Hours) -> None:
    assert hours_at(OFFICE, now) == hours


def test_without_a_calendar_every_hour_is_outside_and_one_never_closed_has_no_outside() -> None:
    assert hours_at(None, at(23, 10)) == Hours(False, None, None, at(23, 10))
    assert hours_at(Calendar.always(), at(23, 10)) == Hours(True, None, at(23, 10), None)


@pytest.mark.parametrize(
    ("seat", "day", "night"),
    [
        (Seat("x", "T", "Lena", "l@x", rota="r"), ("Lena", "in person"), ("Rui Vaz", "on call, r")),
        (Seat("x", "T", "Lena"), ("Lena", "in person"), ("", "no rota answers")),
        (Seat("x", "T", deputy="Jo", rota="r"), ("Jo", "deputy"), ("Rui Vaz", "on call, r")),
        (Seat("x", "T", email="t@x"), ("T", "by mail"), ("", "no rota answers")),
        (Seat("x", "T", rota="r"), ("Rui Vaz", "on call, r"), ("Rui Vaz", "on call, r")),
        (Seat("x", "T", "Lena", rota="gone"), ("Lena", "in person"),
         ("", "the rota gone is not published")),
        (Seat("x", "T", "Lena", rota="empty"), ("Lena", "in person"),
         ("", "the rota empty has nobody then")),
        (Seat("x"), ("", "no rota answers"), ("", "no rota answers")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("now", [at(23, 10), at(23, 20)])
def test_who_is_reached_by_day_and_by_night(
    seat: Seat, day: tuple[str, str], night: tuple[str, str], now: datetime
) -> None:
    (line,) = matrix([seat], {"r": ROTA, "empty": EMPTY}, hours_at(OFFICE, now), now)

    assert (line.day.name, line.day.how) == day
    assert (line.night.name, line.night.how) == night
    current = day if now == at(23, 10) else night
    assert (line.now.name, line.now.how) == current
    assert line.night.gap == (not night[0])


def test_gaps_are_told_in_sentences() -> None:
    seats = [Seat("Producer, billing"), Seat("Product owner", "T", "Edda"), Seat("ok", rota="r")]

    said = gaps(matrix(seats, {"r": ROTA}, hours_at(OFFICE, at(23, 20)), at(23, 20)))

    assert said == [
        "Producer, billing: nobody, at any hour.",
        "Product owner: nobody outside office hours; no rota answers.",
    ]
