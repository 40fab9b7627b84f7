"""Periods of dashboards: half-open ranges of instants cut at the reader's midnight, and buckets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = {"today": 1, "7d": 7, "28d": 28, "90d": 90}
TITLES = {"today": "Today", "7d": "7 days", "28d": "28 days", "90d": "90 days"}
_STEPS = tuple(
    timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30, 60, 180, 360, 720, 1440, 4320)
)
MINUTE = timedelta(minutes=1)
MOST_BUCKETS = 30
LEAST_BUCKETS = 8


@dataclass(frozen=True)
class Period:
    """[start, end): from a local midnight up to now."""

    key: str
    start: datetime
    end: datetime
    zone: ZoneInfo

    @property
    def title(self) -> str:
        """The period's name: "Today", "7 days"."""
        return TITLES[self.key]

    @property
    def within(self) -> str:
        """The period inside a sentence: "today", "in 7 days"."""
        return "today" if self.key == "today" else f"in {self.title}"

    def day_edges(self) -> tuple[datetime, ...]:
        """Return the midnights between which the local days lie, first and last included."""
        first = self.start.astimezone(self.zone).date()
        return tuple(
            _midnight(first + timedelta(days=n), self.zone) for n in range(DAYS[self.key] + 1)
        )


@dataclass(frozen=True)
class Buckets:
    """`count` equal slices from `start` on, the last of which holds now."""

    start: datetime
    step: timedelta
    count: int

    def edges(self) -> tuple[datetime, ...]:
        """Return the instants between which the slices lie, first and last included."""
        return tuple(self.start + self.step * n for n in range(self.count + 1))


def period_of(
    key: str, *, now: datetime, zone: ZoneInfo, offered: Sequence[str] = ("today", "7d", "28d")
) -> Period:
    """Return the period of a key; a key that is not offered gives the first of those offered."""
    chosen = key if key in offered else offered[0]
    today = now.astimezone(zone).date()
    return Period(chosen, _midnight(today - timedelta(days=DAYS[chosen] - 1), zone), now, zone)


def buckets(period: Period, *, since: datetime | None) -> Buckets:
    """Return slices for a small chart of what happened since `since`, whole minutes each.

    A period in which little time has passed gets short slices, so that its first minutes show.
    """
    first = max(period.start, since) if since else period.start
    first = first.replace(second=0, microsecond=0)
    span = period.end - first
    step = next((s for s in _STEPS if span / s <= MOST_BUCKETS), _STEPS[-1])
    needed = span // step + 1
    earlier = min(max(LEAST_BUCKETS - needed, 0), (first - period.start) // step)
    return Buckets(first - step * earlier, step, needed + earlier)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
