"""Smoke tests as pages show them: those of one contract, and those that call for its owner."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from contracts_app.models import Contract, SmokeResult, SmokeTestRow

MOST_ALERTS = 20
SHOWN = 5  # results of one test


@dataclass(frozen=True)
class ShownSmoke:
    """One smoke test with its newest results, the newest first."""

    row: SmokeTestRow
    results: tuple[SmokeResult, ...]

    @property
    def last(self) -> SmokeResult | None:
        """What it came to last, None if it has not run yet."""
        return self.results[0] if self.results else None


@dataclass(frozen=True)
class SmokeAlert:
    """A smoke test that has failed too often in a row; `mine`: the reader owns the contract."""

    contract: str
    name: str
    failures: int
    since: datetime
    mine: bool


def smoke_of(contract: Contract) -> tuple[ShownSmoke, ...]:
    """Return a contract's smoke tests with what they came to; two queries."""
    rows = list(SmokeTestRow.objects.filter(contract=contract).order_by("name"))
    found: dict[int, list[SmokeResult]] = {row.pk: [] for row in rows}
    for result in SmokeResult.objects.filter(test__in=found).order_by("-id"):
        if len(found[result.test_id]) < SHOWN:
            found[result.test_id].append(result)
    return tuple(ShownSmoke(row, tuple(found[row.pk])) for row in rows)


def smoke_alerts(mine: Collection[str]) -> list[SmokeAlert]:
    """Return the newest alerts, those of the reader's own contracts first; by a partial index."""
    rows = SmokeTestRow.objects.filter(alerted_at__isnull=False).order_by("-alerted_at")
    columns = rows.values_list("contract__name", "name", "failures", "alerted_at")
    found = [
        SmokeAlert(contract, name, failures, since, contract in mine)
        for contract, name, failures, since in columns[:MOST_ALERTS]
        if since is not None
    ]
    return sorted(found, key=lambda alert: not alert.mine)
