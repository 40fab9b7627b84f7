"""UUIDv7 made from a given time: ids of growing tables, whose ranges are ranges of time."""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

from meshline.core.errors import BadValue, ClockError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TAIL_BITS = 62
_VERSION = 7 << 76
_VARIANT = 2 << 62


class _Last:
    """The newest (time, tail) given out, so that ids made at one instant still rise."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.ticks = -1
        self.tail = 0

    def next_tail(self, ticks: int) -> int:
        """Return a random tail; within one instant each is larger than the one before."""
        with self.lock:
            tail = secrets.randbits(_TAIL_BITS - 1)  # the upper half is room to rise
            if ticks == self.ticks:
                tail = self.tail + 1 + secrets.randbits(40)
            self.ticks, self.tail = ticks, tail
            return tail & ((1 << _TAIL_BITS) - 1)


_last = _Last()


def uuid7_at(now: datetime) -> UUID:
    """Return a new UUIDv7 of the instant `now`, with a random tail.

    Ids made in one process for the same instant rise; ids of later instants are always larger.
    Raises: ClockError if `now` carries no zone or lies before 1970.
    """
    ticks = _ticks(now)
    return _assemble(ticks, _last.next_tail(ticks))


def uuid7_floor(moment: datetime) -> UUID:
    """Return the lowest UUIDv7 of an instant: `id >= floor(a) and id < floor(b)` is [a, b).

    Raises: ClockError if `moment` carries no zone or lies before 1970.
    """
    return _assemble(_ticks(moment), 0)


def instant_of(identifier: UUID) -> datetime:
    """Return the instant in a UUIDv7, exact to the microsecond for ids made by `uuid7_at`.

    Raises: BadValue if it is a UUID of another version.
    """
    if identifier.version != 7:
        raise BadValue(f"{identifier} is not a UUID of version 7, so it tells no time.")
    milliseconds, fraction = identifier.int >> 80, (identifier.int >> 64) & 0xFFF
    return _EPOCH + timedelta(milliseconds=milliseconds, microseconds=-(-fraction * 1000 // 4096))


def _ticks(moment: datetime) -> int:
    """Return the instant in 1/4096 ms since 1970, the 60 bits that a UUIDv7 has for time."""
    if moment.utcoffset() is None:
        raise ClockError(f"{moment.isoformat()} carries no zone.", remedy="Pass an aware datetime.")
    microseconds = (moment - _EPOCH) // _MICROSECOND
    if microseconds < 0:
        raise ClockError(f"{moment.isoformat()} lies before 1970.")
    milliseconds, rest = divmod(microseconds, 1000)
    return (milliseconds << 12) | (rest * 4096 // 1000)


def _assemble(ticks: int, tail: int) -> UUID:
    milliseconds, fraction = ticks >> 12, ticks & 0xFFF
    return UUID(int=(milliseconds << 80) | _VERSION | (fraction << 64) | _VARIANT | tail)
