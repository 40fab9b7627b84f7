"""Take, extend and give up the right to advance a run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from meshline.core.errors import LeaseLost
from orchestration.models import Run

# How many candidates of each contract are looked at for each run wanted: other workers may be
# taking the first of them at the same moment.
REACH = 4

# Round-robin over contracts, so that one backlog does not starve the rest. The contracts that have
# waiting runs are found by hopping through a partial index, one probe each; of every contract only
# its oldest due runs are read, however many there are. Each is numbered by age, and the lowest
# numbers of all contracts are taken first. No contract gets more than `share` of one worker, with
# those counted that it drives already: a system that hangs fills its share and no more.
_CLAIM = """
WITH RECURSIVE backlog AS (
    (SELECT contract FROM orchestration_run
      WHERE state IN ('ready', 'waiting') AND wake_at IS NOT NULL
      ORDER BY contract LIMIT 1)
    UNION ALL
    SELECT (SELECT contract FROM orchestration_run
             WHERE state IN ('ready', 'waiting') AND wake_at IS NOT NULL AND contract > b.contract
             ORDER BY contract LIMIT 1)
      FROM backlog b WHERE b.contract IS NOT NULL
), due AS (
    SELECT d.* FROM backlog b CROSS JOIN LATERAL (
        SELECT id, contract, wake_at AS since FROM orchestration_run
         WHERE state IN ('ready', 'waiting') AND contract = b.contract AND wake_at <= %(now)s
         ORDER BY wake_at LIMIT %(reach)s) d
    UNION ALL
    (SELECT id, contract, lease_until AS since FROM orchestration_run
      WHERE state = 'running' AND lease_until < %(now)s
      ORDER BY lease_until LIMIT %(reach)s)
), held AS (
    SELECT * FROM unnest(%(contracts)s::text[], %(counts)s::int[]) AS h(contract, n)
), fair AS (
    SELECT id, since, row_number() OVER (PARTITION BY due.contract ORDER BY since)
           + coalesce(held.n, 0) AS turn
      FROM due LEFT JOIN held USING (contract) WHERE coalesce(held.n, 0) < %(share)s
), locked AS (
    SELECT r.id, r.contract, fair.turn FROM orchestration_run r JOIN fair USING (id)
     WHERE (r.state IN ('ready', 'waiting') AND r.wake_at <= %(now)s)
        OR (r.state = 'running' AND r.lease_until < %(now)s)
     ORDER BY fair.turn, fair.since
     LIMIT %(limit)s
     FOR UPDATE OF r SKIP LOCKED
), picked AS (
    SELECT id, row_number() OVER (PARTITION BY locked.contract ORDER BY turn)
           + coalesce(held.n, 0) AS place
      FROM locked LEFT JOIN held USING (contract)
)
UPDATE orchestration_run r
   SET state = 'running', fence = r.fence + 1, lease_until = %(until)s, lease_by = %(worker)s,
       lapses = r.lapses + (r.state = 'running')::int
  FROM picked WHERE r.id = picked.id AND picked.place <= %(share)s
RETURNING r.id, r.fence, r.contract
"""


@dataclass(frozen=True)
class Lease:
    """The right to advance one run, valid while `fence` is the run's current number."""

    run_id: UUID
    fence: int
    contract: str = ""


def claim_due(
    *,
    limit: int,
    worker: str,
    now: datetime,
    lease_s: float,
    share: int | None = None,
    held: Mapping[str, int] | None = None,
) -> Sequence[Lease]:
    """Lease up to `limit` runs that are due or whose lease lapsed, fair over contracts.

    `share`: how many of one contract the worker may hold; `held`: how many it holds already.
    """
    held = held or {}
    values: dict[str, Any] = {
        "now": now,
        "until": now + timedelta(seconds=lease_s),
        "limit": limit,
        "reach": limit * REACH,
        "worker": worker,
        "share": limit if share is None else share,
        "contracts": list(held),
        "counts": list(held.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        return [Lease(*row) for row in cursor.fetchall()]


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
    """Keep the leases of runs that are still being driven."""
    until = now + timedelta(seconds=lease_s)
    # One by one: a statement over many rows would lock them in an order of its own.
    for lease in leases:
        Run.objects.filter(pk=lease.run_id, fence=lease.fence, state="running").update(
            lease_until=until
        )


def give_up(lease: Lease, *, wake_at: datetime) -> bool:
    """Return a run to the others, due at `wake_at` or when news comes; False if it was lost."""
    return (
        Run.objects.filter(pk=lease.run_id, fence=lease.fence, state="running").update(
            state="waiting", wake_at=wake_at, lease_until=None, lease_by=""
        )
        == 1
    )
