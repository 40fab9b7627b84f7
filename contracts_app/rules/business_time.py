"""Due times and working time under a calendar, its zone, its holidays and pauses.

open(t): let local = t in the calendar's zone. Closed on a holiday's local date, whichever row it
belongs to. Otherwise open when a row of that weekday has open <= wall < close, or an overnight
row ("22:00", "06:00") has wall >= open, or yesterday's overnight row has wall < close. Rows are a
union. A repeated wall hour counts twice, a skipped one never.

How: the UTC axis is split where the zone's offset changes. Inside a piece local time is UTC plus
a constant, so rows and holidays map linearly, and no rule about folds and gaps is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from meshline.core.errors import BadValue, ClockError
from meshline.core.zones import zone

DAY_S = 86_400
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_SECOND_US = 1_000_000
_DAY_US = DAY_S * _SECOND_US
_HORIZON_US = 3_660 * _DAY_US  # ten years ahead without reaching the target is "never"

Row = tuple[int, int]  # seconds of the day: open, close; overnight when close <= open
_Span = tuple[int, int]  # microseconds since 1970, half-open


@dataclass(frozen=True)
class Calendar:
    """Opening hours by ISO weekday (Monday = 1) in one zone; holidays are local dates."""

    zone: str
    weekly_hours: Mapping[int, tuple[Row, ...]]
    holidays: frozenset[date] = frozenset()
    _days: tuple[tuple[Row, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        zone(self.zone)
        days = tuple(tuple(_open_spans(self.weekly_hours, weekday)) for weekday in range(1, 8))
        object.__setattr__(self, "_days", days)

    @classmethod
    def of(
        cls,
        zone_name: str,
        weekly_hours: Mapping[str, Iterable[Sequence[str]]],
        holidays: Iterable[str] = (),
    ) -> Calendar:
        """Build one from texts: {"mon": [["09:00", "17:00"]]}, ["2026-12-25"]. Raises BadValue."""
        rows = {
            weekday_number(name): tuple(parse_row(row) for row in rows)
            for name, rows in weekly_hours.items()
        }
        return cls(zone_name, rows, frozenset(parse_date(text) for text in holidays))

    @classmethod
    def always(cls, zone_name: str = "UTC") -> Calendar:
        """Return the calendar that is open at every instant."""
        return cls(zone_name, dict.fromkeys(range(1, 8), ((0, DAY_S),)))

    def is_open(self, moment: datetime) -> bool:
        """Say whether the calendar is open at an instant."""
        at = _microseconds(moment)
        return any(start <= at < end for start, end in _open(self, at, at + 1))


@dataclass(frozen=True)
class Pause:
    """A stretch of time that does not count; `end` None means that it lasts."""

    start: datetime
    end: datetime | None = None


def due_at(
    start: datetime, target: timedelta, calendar: Calendar, pauses: Sequence[Pause] = ()
) -> datetime | None:
    """Return the earliest instant by which `target` of open, unpaused time has passed.

    A target of zero is due at `start`; one that ends exactly at closing is due at closing. None
    when that instant never comes: paused without end, or no open hours in ten years.
    Raises: ClockError if a time carries no zone, BadValue if the target is negative.
    """
    wanted = target // _MICROSECOND
    if wanted < 0:
        raise BadValue(f"The target {target} is negative.", remedy="Promise a positive time.")
    begin = _microseconds(start)
    if wanted == 0:
        return _instant(begin)
    for span_start, span_end in _counted(calendar, begin, begin + _HORIZON_US, pauses):
        if span_end - span_start >= wanted:
            return _instant(span_start + wanted)
        wanted -= span_end - span_start
    return None


def elapsed(
    start: datetime, calendar: Calendar, pauses: Sequence[Pause] = (), *, until: datetime
) -> timedelta:
    """Return the open, unpaused time from `start` up to `until`.

    Raises: ClockError if `until` lies before the start, or a time carries no zone.
    """
    begin, end = _microseconds(start), _microseconds(until)
    if end < begin:
        raise ClockError(f"{until.isoformat()} lies before the start {start.isoformat()}.")
    return (
        sum(
            (
                span_end - span_start
                for span_start, span_end in _counted(calendar, begin, end, pauses)
            ),
            start=0,
        )
        * _MICROSECOND
    )


def weekday_number(name: str) -> int:
    """Return the ISO number of "mon" to "sun". Raises BadValue."""
    if name not in WEEKDAYS:
        raise BadValue(f"{name!r:.40} is no weekday.", remedy=f"Use {', '.join(WEEKDAYS)}.")
    return WEEKDAYS.index(name) + 1


def parse_row(row: Sequence[str]) -> Row:
    """Read ["09:00", "17:00"]; "24:00" is allowed, equal ends are not. Raises BadValue."""
    if len(row) != 2:
        raise BadValue("A row of hours has an opening and a closing time, no more and no less.")
    opening, closing = (parse_wall(text) for text in row)
    if opening in (closing, DAY_S):
        raise BadValue(
            f"The hours {row[0]} to {row[1]} are empty.",
            remedy="Write 00:00 to 24:00 for the whole day, or leave the row out.",
        )
    return opening, closing


def parse_wall(text: str) -> int:
    """Read a wall time "HH:MM" up to "24:00" as seconds of the day. Raises BadValue."""
    hours, colon, minutes = text.partition(":") if _is_text(text) else ("", "", "")
    digits = len(hours) == len(minutes) == 2 and (hours + minutes).isascii()
    if not (colon and digits and (hours + minutes).isdigit()):
        raise BadValue(f"{text!r:.40} is no time of day.", remedy="Write it like 08:30.")
    seconds = int(hours) * 3_600 + int(minutes) * 60
    if int(minutes) > 59 or seconds > DAY_S:
        raise BadValue(f"{text} is no time of day.", remedy="Use 00:00 to 24:00.")
    return seconds


def parse_date(text: str) -> date:
    """Read "2026-12-25". Raises BadValue."""
    try:
        if _is_text(text) and len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise BadValue(f"{text!r:.40} is no date.", remedy="Write it like 2026-12-25.")


def offset_changes(zone_name: str, begin: datetime, end: datetime) -> list[datetime]:
    """Return the instants in [begin, end) at which the zone's offset from UTC changes."""
    low, high = _microseconds(begin), _microseconds(end)
    years = range(begin.astimezone(UTC).year, end.astimezone(UTC).year + 1)
    changes = [at for year in years for at, _ in _changes_of_year(zone_name, year)]
    return [_instant(at) for at in changes if low <= at < high]


def _counted(calendar: Calendar, begin: int, end: int, pauses: Sequence[Pause]) -> Iterator[_Span]:
    """Yield the open, unpaused spans of [begin, end), rising and apart."""
    blocked = _merged(
        (_microseconds(pause.start), end if pause.end is None else _microseconds(pause.end))
        for pause in pauses
    )
    index = 0
    for start, stop in _open(calendar, begin, end):
        while index < len(blocked) and blocked[index][1] <= start:
            index += 1
        at = index
        while start < stop and at < len(blocked) and blocked[at][0] < stop:
            if start < blocked[at][0]:
                yield start, blocked[at][0]
            start = max(start, blocked[at][1])
            at += 1
        if start < stop:
            yield start, stop


def _open(calendar: Calendar, begin: int, end: int) -> Iterator[_Span]:
    """Yield the open spans of [begin, end): each piece of constant offset, day by local day."""
    if not any(calendar._days):
        return
    for piece_start, piece_end, offset in _pieces(calendar.zone, begin, end):
        day = (piece_start + offset) // _DAY_US
        last = (piece_end + offset - 1) // _DAY_US
        while day <= last:
            midnight = day * _DAY_US - offset
            for opening, closing in _rows_of(calendar, day):
                start = max(midnight + opening * _SECOND_US, piece_start)
                stop = min(midnight + closing * _SECOND_US, piece_end)
                if start < stop:
                    yield start, stop
            day += 1


def _rows_of(calendar: Calendar, day: int) -> tuple[Row, ...]:
    """Return the open spans of a local day (counted from 1970-01-01), in its own seconds."""
    if calendar.holidays and date.fromordinal(day + _EPOCH_DAY) in calendar.holidays:
        return ()
    return calendar._days[(day + 3) % 7]  # 1970-01-01 was a Thursday


def _open_spans(weekly: Mapping[int, tuple[Row, ...]], weekday: int) -> list[Row]:
    """Return one weekday's spans within its own 24 hours, the night before included."""
    spans = []
    for opening, closing in weekly.get(weekday, ()):
        spans.append((opening, closing if closing > opening else DAY_S))
    for opening, closing in weekly.get((weekday - 2) % 7 + 1, ()):
        if closing <= opening:
            spans.append((0, closing))
    return _merged(spans)


def _merged(spans: Iterable[_Span]) -> list[_Span]:
    """Return the union of spans, rising and apart; empty ones are dropped."""
    result: list[_Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _pieces(zone_name: str, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, offset) for the pieces of [begin, end) with one offset each."""
    at, offset = begin, _offset(zone_name, begin)
    year = _instant(begin).year
    while at < end:
        for change, new_offset in _changes_of_year(zone_name, year):
            if at < change < end:
                yield at, change, offset
                at = change
            if change <= at:
                offset = new_offset
        year += 1
        new_year = _microseconds(datetime(year, 1, 1, tzinfo=UTC))
        stop = min(end, new_year)
        if at < stop:
            yield at, stop, offset
            at = stop


@lru_cache(maxsize=4_096)
def _changes_of_year(zone_name: str, year: int) -> tuple[tuple[int, int], ...]:
    """Return (instant, new offset) of each change in a UTC year.

    Offsets are looked at every six hours, closer than any two real changes, then bisected.
    """
    step = 6 * 3_600 * _SECOND_US
    at = _microseconds(datetime(year, 1, 1, tzinfo=UTC))
    end = _microseconds(datetime(year + 1, 1, 1, tzinfo=UTC))
    found = []
    before = _offset(zone_name, at - _SECOND_US)
    at -= _SECOND_US  # a change at the very start of the year belongs to it
    while at < end - _SECOND_US:
        later = min(at + step, end - _SECOND_US)
        after = _offset(zone_name, later)
        if after != before:
            found.append((_bisect(zone_name, at, later, before), after))
            before = after
        at = later
    return tuple(found)


def _bisect(zone_name: str, low: int, high: int, before: int) -> int:
    """Return the first whole second in (low, high] whose offset is not `before`."""
    while high - low > _SECOND_US:
        middle = low + (high - low) // (2 * _SECOND_US) * _SECOND_US
        if _offset(zone_name, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(zone_name: str, at: int) -> int:
    offset = _instant(at).astimezone(zone(zone_name)).utcoffset()
    return (offset or timedelta(0)) // _MICROSECOND


def _microseconds(moment: datetime) -> int:
    if moment.utcoffset() is None:
        raise ClockError(f"{moment.isoformat()} carries no zone.", remedy="Pass an aware datetime.")
    return (moment - _EPOCH) // _MICROSECOND


def _instant(at: int) -> datetime:
    return _EPOCH + at * _MICROSECOND


def _is_text(value: object) -> bool:
    return isinstance(value, str)  # documents may hold anything where a time belongs
