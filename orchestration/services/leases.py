"""Take, extend and give up the right to advance a run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F

from meshline.core.errors import LeaseLost
from orchestration.models import Run

# Round-robin over contracts, so that one backlog does not starve the rest: each contract's due runs
# are numbered by age, and the lowest numbers of all contracts are taken first. Both branches walk
# partial indexes; `reach` bounds how far, so the cost follows what is due, not what exists.
_CLAIM = """
WITH due AS (
    (SELECT id, contract, wake_at AS since FROM orchestration_run
      WHERE state IN ('ready', 'waiting') AND wake_at <= %(now)s
      ORDER BY wake_at LIMIT %(reach)s)
    UNION ALL
    (SELECT id, contract, lease_until AS since FROM orchestration_run
      WHERE state = 'running' AND lease_until < %(now)s
      ORDER BY lease_until LIMIT %(reach)s)
), fair AS (
    SELECT id, row_number() OVER (PARTITION BY contract ORDER BY since) AS turn, since FROM due
), picked AS (
    SELECT r.id FROM orchestration_run r JOIN fair USING (id)
     WHERE (r.state IN ('ready', 'waiting') AND r.wake_at <= %(now)s)
        OR (r.state = 'running' AND r.lease_until < %(now)s)
     ORDER BY fair.turn, fair.since
     LIMIT %(limit)s
     FOR UPDATE OF r SKIP LOCKED
)
UPDATE orchestration_run r
   SET state = 'running', fence = r.fence + 1, lease_until = %(until)s, lease_by = %(worker)s
  FROM picked WHERE r.id = picked.id
RETURNING r.id, r.fence
"""


@dataclass(frozen=True)
class Lease:
    """The right to advance one run, valid while `fence` is the run's current number."""

    run_id: UUID
    fence: int


def claim_due(*, limit: int, worker: str, now: datetime, lease_s: float) -> Sequence[Lease]:
    """Lease up to `limit` runs that are due or whose lease lapsed, fair over contracts."""
    values: dict[str, Any] = {
        "now": now,
        "until": now + timedelta(seconds=lease_s),
        "limit": limit,
        "reach": limit * 8,
        "worker": worker,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        return [Lease(run_id, fence) for run_id, fence in cursor.fetchall()]


def hold(lease: Lease, *, now: datetime) -> Run:
    """Lock the run's row for this lease and return it; call it first in every writing transaction.

    Raises: LeaseLost if another worker holds the run now.
    """
    held = Run.objects.filter(pk=lease.run_id, fence=lease.fence, state="running").update(
        advanced_at=now
    )
    if held != 1:
        raise LeaseLost(
            f"Run {lease.run_id}: fence {lease.fence} is no longer current.",
            remedy="Nothing: the worker that holds the run now goes on with it.",
        )
    return Run.objects.get(pk=lease.run_id)


def extend(leases: Collection[Lease], *, now: datetime, lease_s: float) -> None:
    """Keep the leases of runs whose calls are still under way."""
    until = now + timedelta(seconds=lease_s)
    for lease in leases:
        Run.objects.filter(pk=lease.run_id, fence=lease.fence, state="running").update(
            lease_until=until
        )


def give_up(lease: Lease, *, wake_at: datetime) -> bool:
    """Return a run that was not advanced, for another try at `wake_at`; False if it was lost."""
    return (
        Run.objects.filter(pk=lease.run_id, fence=lease.fence, state="running").update(
            state="waiting", wake_at=wake_at, lease_until=None, pokes=F("pokes")
        )
        == 1
    )
