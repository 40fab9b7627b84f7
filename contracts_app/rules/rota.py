"""Who is on call at an instant: handoffs by wall clock and local date, overrides, gaps.

Daylight saving follows one rule: a handoff at a time that comes twice happens the first time; one
at a time that is skipped happens at the first instant after the gap. Shifts are counted in local
dates, so a week stays a week whatever the clocks do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from contracts_app.rules.business_time import offset_changes
from meshline.core.errors import ClockError
from meshline.core.zones import zone


@dataclass(frozen=True)
class Person:
    """Somebody who can be on call."""

    name: str
    email: str
    contact: str = ""


@dataclass(frozen=True)
class Rota:
    """People who take turns of `period_days`, from the local date `first_day` on.

    Units: `handoff_s` is the wall time of the handoff in seconds of the day.
    """

    zone: str
    handoff_s: int
    period_days: int
    first_day: date
    people: tuple[Person, ...]


@dataclass(frozen=True)
class Override:
    """Somebody else is on call from `start` up to `end`; the override made last wins."""

    start: datetime
    end: datetime
    person: Person


@dataclass(frozen=True)
class Shift:
    """One stretch on call; `person` is None in a gap."""

    start: datetime
    end: datetime
    person: Person | None


def on_call(rota: Rota, at: datetime, overrides: Sequence[Override] = ()) -> Person | None:
    """Return who is on call at an instant, or None before the rota begins or with nobody in it.

    Raises: ClockError if `at` carries no zone.
    """
    if at.utcoffset() is None:
        raise ClockError(f"{at.isoformat()} carries no zone.", remedy="Pass an aware datetime.")
    for override in reversed(overrides):
        if override.start <= at < override.end:
            return override.person
    return _by_turn(rota, at)


def shifts(
    rota: Rota, begin: datetime, end: datetime, overrides: Sequence[Override] = ()
) -> list[Shift]:
    """Return who is on call when in [begin, end), gaps included, neighbours joined."""
    edges = {begin, end, *_handoffs(rota, begin, end)}
    edges |= {edge for override in overrides for edge in (override.start, override.end)}
    cuts = sorted(edge for edge in edges if begin <= edge <= end)
    result: list[Shift] = []
    for start, stop in pairwise(cuts):
        person = on_call(rota, start, overrides)
        if result and result[-1].person == person:
            start = result.pop().start
        result.append(Shift(start, stop, person))
    return result


def gaps(
    rota: Rota, begin: datetime, end: datetime, overrides: Sequence[Override] = ()
) -> list[Shift]:
    """Return the stretches of [begin, end) in which nobody is on call."""
    return [shift for shift in shifts(rota, begin, end, overrides) if shift.person is None]


def handoff_instant(rota: Rota, day: date) -> datetime:
    """Return the instant at which the handoff of a local date happens, in UTC."""
    rules = zone(rota.zone)
    wall = datetime.combine(day, time()) + timedelta(seconds=rota.handoff_s)
    instant = wall.replace(tzinfo=rules, fold=0).astimezone(UTC)
    if instant.astimezone(rules).replace(tzinfo=None) == wall:
        return instant
    margin = timedelta(days=1)  # the wall time is skipped: the gap's end lies shortly before
    return max(offset_changes(rota.zone, instant - margin, instant + timedelta(seconds=1)))


def _by_turn(rota: Rota, at: datetime) -> Person | None:
    day = at.astimezone(zone(rota.zone)).date()
    if at < handoff_instant(rota, day):
        day -= timedelta(days=1)
    passed = (day - rota.first_day).days
    if passed < 0 or not rota.people:
        return None
    return rota.people[passed // rota.period_days % len(rota.people)]


def _handoffs(rota: Rota, begin: datetime, end: datetime) -> Iterator[datetime]:
    rules = zone(rota.zone)
    first = begin.astimezone(rules).date() - timedelta(days=1)
    ahead = -(first - rota.first_day).days % rota.period_days
    day = max(first + timedelta(days=ahead), rota.first_day)
    while (instant := handoff_instant(rota, day)) < end:
        yield instant
        day += timedelta(days=rota.period_days)
