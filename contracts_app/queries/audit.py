"""The audit trail of a ticket, contract, run, person or object, newest first, never counted."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from contracts_app.models import AuditEntry
from meshline.core.ids import uuid7_floor

PAGE = 50


@dataclass(frozen=True)
class Trail:
    """One page of entries, the newest first.

    `older` is what to pass as `before` for the next page, `newer` what to pass as `after` for the
    page before this one; None where there is none.
    """

    entries: list[AuditEntry]
    older: UUID | None
    newer: UUID | None = None


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
    own: str = "",
    q: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    before: UUID | None = None,
    after: UUID | None = None,
    limit: int = PAGE,
) -> Trail:
    """Return the newest entries that fit every filter given; `action` may end in `*`.

    `contracts` and `own` bound what is seen: entries of these contracts, or by this person. `q` is
    one thing that may stand in several places: an id, a name, an action, words of the reason. The
    time range is half open, and like the paging it is a range of ids: no count, no offset. With
    `after` the page is the one just newer than that entry.
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
    rows = _visible(rows, contracts, own)
    rows = _in_range(_with_action(rows, action), since, until, before)
    if q:
        rows = rows.filter(_anywhere(q))
    return _newer_page(rows, after, limit) if after else _older_page(rows, before, limit)


def entry_with_id(
    identifier: UUID, *, contracts: Iterable[str] | None = None, own: str = ""
) -> AuditEntry | None:
    """Return one entry, or None if there is none that may be seen."""
    return _visible(AuditEntry.objects.filter(pk=identifier), contracts, own).first()


def _older_page(rows: QuerySet[AuditEntry], before: UUID | None, limit: int) -> Trail:
    found = list(rows.order_by("-id")[: limit + 1])
    shown = found[:limit]
    return Trail(
        shown,
        older=shown[-1].pk if len(found) > limit else None,
        newer=shown[0].pk if before is not None and shown else None,
    )


def _newer_page(rows: QuerySet[AuditEntry], after: UUID, limit: int) -> Trail:
    found = list(rows.filter(id__gt=after).order_by("id")[: limit + 1])
    shown = found[:limit][::-1]
    return Trail(
        shown,
        older=shown[-1].pk if shown else None,
        newer=shown[0].pk if len(found) > limit else None,
    )


def _visible(
    rows: QuerySet[AuditEntry], contracts: Iterable[str] | None, own: str
) -> QuerySet[AuditEntry]:
    if contracts is None:
        return rows.filter(actor=own) if own else rows
    owned = Q(contract__in=list(contracts))
    return rows.filter(owned | Q(actor=own) if own else owned)


def _anywhere(q: str) -> Q:
    """An id or reference where ids stand; anything else as a name, an action, or a reason."""
    with suppress(ValueError):
        identifier = UUID(q)
        return Q(run_id=identifier) | Q(object_id=str(identifier)) | Q(pk=identifier)
    if q.isdigit():
        return Q(ticket=f"desk:{q}") | Q(object_id__in=[f"H-{q}", f"BF-{q}"])
    plain = Q(actor__iexact=q) | Q(object_id__iexact=q) | Q(action__istartswith=q)
    return plain | Q(ticket=q) | Q(contract__icontains=q) | Q(reason__icontains=q)


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
