"""Whom one reaches about a contract: now, in office hours and outside of them; a gap is named.

In office hours the person who answers is there, else the deputy. Outside only who is on call is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from contracts_app.rules.business_time import Calendar, due_at
from contracts_app.rules.rota import Rota, Shift, shifts

_TICK = timedelta(microseconds=1)
_A_MOMENT = timedelta(minutes=1)
_STEP = timedelta(minutes=30)
_AHEAD = timedelta(days=14)


@dataclass(frozen=True)
class Seat:
    """One who answers: a role, a system's team or the target of an exception route.

    `person` is "" where nobody holds the seat; `rota` is the name that was written down.
    """

    what: str
    team: str = ""
    person: str = ""
    email: str = ""
    deputy: str = ""
    deputy_email: str = ""
    rota: str = ""


@dataclass(frozen=True)
class Reach:
    """Who is reached, and how; without a name it is a gap, and `how` says why."""

    name: str = ""
    how: str = ""
    email: str = ""
    until: datetime | None = None

    @property
    def gap(self) -> bool:
        """Whether nobody is reached."""
        return not self.name


@dataclass(frozen=True)
class Line:
    """One row of the matrix."""

    seat: Seat
    now: Reach
    day: Reach
    night: Reach


@dataclass(frozen=True)
class Hours:
    """Office hours as seen from an instant: open now, and when that changes next.

    `day_at` and `night_at` are instants within and outside of them: now, or the next ones. None:
    there are none in the next fortnight.
    """

    open: bool
    changes_at: datetime | None
    day_at: datetime | None
    night_at: datetime | None


def hours_at(calendar: Calendar | None, now: datetime) -> Hours:
    """Return how office hours stand. Without a calendar every hour is outside of them."""
    if calendar is None:
        return Hours(False, None, None, now)
    if not calendar.is_open(now):
        counted = due_at(now, _TICK, calendar)  # the first moment of open time has passed by then
        opens = counted - _TICK if counted else None
        return Hours(False, opens, opens, now)
    at = now
    while at < now + _AHEAD:
        at += _STEP
        if not calendar.is_open(at):
            while not calendar.is_open(at - _A_MOMENT):
                at -= _A_MOMENT
            closes = at.replace(second=0, microsecond=0)
            return Hours(True, closes, now, max(at, closes))
    return Hours(True, None, now, None)


def matrix(
    seats: Iterable[Seat], rotas: Mapping[str, Rota], hours: Hours, now: datetime
) -> list[Line]:
    """Return one line for each seat; `rotas` are the published ones, by name."""
    lines = []
    for seat in seats:
        day = _by_day(seat, rotas, hours.day_at)
        night = _on_call(seat, rotas, hours.night_at) if hours.night_at else Reach(how=_NEVER)
        current = day if hours.open else _on_call(seat, rotas, now)
        lines.append(Line(seat, current, day, night))
    return lines


def gaps(lines: Iterable[Line]) -> list[str]:
    """Return a sentence for each seat that nobody can be reached about at some time."""
    said = []
    for line in lines:
        if line.day.gap and line.night.gap:
            said.append(f"{line.seat.what}: nobody, at any hour.")
        elif line.night.gap and line.night.how != _NEVER:
            said.append(f"{line.seat.what}: nobody outside office hours; {line.night.how}.")
    return said


_NEVER = "it is never closed"


def _by_day(seat: Seat, rotas: Mapping[str, Rota], at: datetime | None) -> Reach:
    if at is None:
        return Reach(how="no office hours are written down")
    if seat.person:
        return Reach(seat.person, "in person", seat.email)
    if seat.deputy:
        return Reach(seat.deputy, "deputy", seat.deputy_email)
    if seat.email:
        return Reach(seat.team, "by mail", seat.email)
    return replace(_on_call(seat, rotas, at), until=None)


def _on_call(seat: Seat, rotas: Mapping[str, Rota], at: datetime) -> Reach:
    if not seat.rota:
        return Reach(how="no rota answers")
    if seat.rota not in rotas:
        return Reach(how=f"the rota {seat.rota} is not published")
    shift = _shift(rotas[seat.rota], at)
    if shift is None or shift.person is None:
        return Reach(how=f"the rota {seat.rota} has nobody then")
    person = shift.person
    return Reach(person.name, f"on call, {seat.rota}", person.email, shift.end)


def _shift(rota: Rota, at: datetime) -> Shift | None:
    ahead = timedelta(days=rota.period_days + 1)
    return next(iter(shifts(rota, at, at + ahead)), None)
