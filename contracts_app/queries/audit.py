"""The audit trail of a ticket, contract, run, person or object, newest first, never counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from contracts_app.models import AuditEntry
from meshline.core.ids import uuid7_floor

PAGE = 50


@dataclass(frozen=True)
class Trail:
    """One page of entries; `older` is what to pass as `before` for the next page, or None."""

    entries: list[AuditEntry]
    older: UUID | None


def trail(
    *,
    ticket: str = "",
    contract: str = "",
    run_id: UUID | None = None,
    actor: str = "",
    action: str = "",
    object_type: str = "",
    object_id: str = "",
    contracts: Iterable[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: UUID | None = None,
    limit: int = PAGE,
) -> Trail:
    """Return the newest entries that fit every filter given; `action` may end in `*`.

    `contracts` keeps entries of these contracts only (what an owner may see). The time range is
    half open, and like the paging by `before` it is a range of ids: no count, no offset.
    """
    plain = {
        "ticket": ticket,
        "contract": contract,
        "run_id": run_id,
        "actor": actor,
        "object_type": object_type,
        "object_id": object_id,
    }
    rows = AuditEntry.objects.filter(**{name: value for name, value in plain.items() if value})
    if contracts is not None:
        rows = rows.filter(contract__in=list(contracts))
    rows = _in_range(_with_action(rows, action), since, until, before)
    found = list(rows.order_by("-id")[: limit + 1])
    return Trail(found[:limit], found[limit - 1].pk if len(found) > limit else None)


def _with_action(rows: QuerySet[AuditEntry], action: str) -> QuerySet[AuditEntry]:
    if action.endswith("*"):
        return rows.filter(action__startswith=action[:-1])
    return rows.filter(action=action) if action else rows


def _in_range(
    rows: QuerySet[AuditEntry],
    since: datetime | None,
    until: datetime | None,
    before: UUID | None,
) -> QuerySet[AuditEntry]:
    if since is not None:
        rows = rows.filter(id__gte=uuid7_floor(since))
    if until is not None:
        rows = rows.filter(id__lt=uuid7_floor(until))
    return rows if before is None else rows.filter(id__lt=before)
