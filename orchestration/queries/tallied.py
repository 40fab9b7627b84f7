"""Sums over the per-minute tallies: in a period, and slice by slice; events are never counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.db.models import Min

from orchestration.models import Tally
from orchestration.queries.fresh import Fresh

_SUMS = """
SELECT metric, contract, width_bucket(minute, %s::timestamptz[]) - 1, sum(count)::bigint
FROM orchestration_tally
WHERE metric = ANY(%s) AND minute >= %s AND minute < %s
GROUP BY 1, 2, 3
"""
Key = tuple[str, str, int]  # metric, contract, slice


@dataclass(frozen=True)
class Counts:
    """Counts by metric, contract and slice of time."""

    slices: int
    found: Mapping[Key, int] = field(default_factory=dict)

    def total(self, metric: str, contract: str | None = None) -> int:
        """Return a metric's count, of all contracts unless one is named."""
        return sum(
            count
            for (name, of, _), count in self.found.items()
            if name == metric and contract in (None, of)
        )

    def by_contract(self, metric: str) -> dict[str, int]:
        """Return a metric's count for each contract that has one."""
        found: dict[str, int] = {}
        for (name, contract, _), count in self.found.items():
            if name == metric:
                found[contract] = found.get(contract, 0) + count
        return found

    def series(self, metric: str, contract: str | None = None) -> list[int]:
        """Return a metric's count in each slice, oldest first."""
        counted = [0] * self.slices
        for (name, of, at), count in self.found.items():
            if name == metric and contract in (None, of) and 0 <= at < self.slices:
                counted[at] += count
        return counted


_remembered: Fresh[Counts] = Fresh()


def counts(metrics: Sequence[str], edges: tuple[datetime, ...]) -> Counts:
    """Return the counts of some metrics between each two of these whole minutes; one query."""
    return _remembered.get((tuple(metrics), edges), lambda: _counts(metrics, edges))


def first_minute(since: datetime) -> datetime | None:
    """Return the first minute since then in which an event came in, or None."""
    rows = Tally.objects.filter(metric="received", minute__gte=since)
    found: datetime | None = rows.aggregate(at=Min("minute"))["at"]
    return found


def _counts(metrics: Sequence[str], edges: tuple[datetime, ...]) -> Counts:
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, [list(edges), list(metrics), edges[0], edges[-1]])
        rows = cursor.fetchall()
    return Counts(len(edges) - 1, {(row[0], row[1], row[2]): row[3] for row in rows})
