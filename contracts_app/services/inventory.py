"""The inventory's changes: add, edit, remove and import flows; who may is asked by the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q

from contracts_app.models import Contract, InventoryFlow
from contracts_app.queries import inventory
from contracts_app.rules.inventory.entry import FlowEntry
from contracts_app.rules.inventory.import_plan import ImportPlan, changes
from contracts_app.rules.inventory.risk import rule_digest
from contracts_app.rules.inventory.sheet import read_sheet
from contracts_app.services import audit
from contracts_app.services.people import COMMAND
from meshline.core.errors import Conflict, NotFound

OBJECT = "inventory"


@dataclass(frozen=True)
class Imported:
    """What an import did, in numbers of flows."""

    added: int
    changed: int
    same: int
    refused: int


@transaction.atomic
def add_flow(*, entry: FlowEntry, by: User | None = None, now: datetime) -> InventoryFlow:
    """Write a new flow down. Raises: Conflict if the name is taken."""
    flow = InventoryFlow(created_at=now)
    _store(flow, entry, now)
    _told("inventory.add", entry.name, by=by, now=now, after=entry.digest)
    return flow


@transaction.atomic
def edit_flow(
    *, name: str, read: str, entry: FlowEntry, by: User | None = None, now: datetime
) -> InventoryFlow:
    """Change a flow; `read` is the digest of what the person had before them.

    Raises: Conflict if somebody else changed it since, if the new name is taken, or if a contract
    has the old one; NotFound.
    """
    flow = _held(name, read)
    before = flow.entry
    if entry.digest == before.digest:
        return flow
    if entry.name != name and Contract.objects.filter(name=name).exists():
        raise Conflict(
            f"The contract {name} has this name, and a contract is never renamed.",
            remedy=f"Keep the name {name}, or add the other flow as a row of its own.",
        )
    _store(flow, entry, now)
    changed = [cell.column for cell in changes(before, entry)]
    _told(
        "inventory.edit",
        entry.name,
        by=by,
        now=now,
        before=before.digest,
        after=entry.digest,
        detail={"columns": changed} | ({"was": name} if name != entry.name else {}),
    )
    return flow


@transaction.atomic
def remove_flow(
    *, name: str, read: str, reason: str, by: User | None = None, now: datetime
) -> None:
    """Take a flow out of the inventory; its contract stays. Raises: Conflict, NotFound."""
    flow = _held(name, read)
    _told(
        "inventory.remove",
        name,
        by=by,
        now=now,
        before=flow.digest,
        reason=reason,
        detail={"title": flow.title, "kind": flow.kind, "owner": flow.owner},
    )
    flow.delete()


def apply_import(*, text: str, digest: str, by: User | None = None, now: datetime) -> Imported:
    """Do what the preview with this digest showed: all of it, or nothing.

    Raises: Conflict if the file or the flows that it names are not as they were shown; BadValue
    and TooLarge for a file that cannot be read.
    """
    sheet = read_sheet(text)
    try:
        with transaction.atomic():
            plan = inventory.plan(sheet, lock=True)
            if plan.digest != digest:
                raise _moved_on()
            _apply(plan, by=by, now=now)
    except IntegrityError:  # a flow of the same name was added a moment ago
        raise _moved_on() from None
    return Imported(len(plan.new), len(plan.changed), len(plan.same), plan.refused_rows)


def assess_anew(now: datetime, batch: int = 200) -> int:
    """Assess flows that another rule assessed, so many at a time; returns how many.

    Who changes a row meanwhile does it themselves. A class that moved is told in the audit log.
    """
    rule = rule_digest()
    # As two ranges the index finds nothing at once, where nothing is left to do.
    others = InventoryFlow.objects.filter(Q(risk_rule__lt=rule) | Q(risk_rule__gt=rule))
    if not others.exists():
        return 0
    with transaction.atomic():
        flows = list(others.order_by("pk").select_for_update(skip_locked=True)[:batch])
        for flow in flows:
            before, flow.risk, flow.risk_rule = flow.risk, flow.entry.assessment.risk_class, rule
            if flow.risk != before:
                _moved(flow, before, now)
        InventoryFlow.objects.bulk_update(flows, ["risk", "risk_rule"])
    return len(flows)


def _moved(flow: InventoryFlow, before: str, now: datetime) -> None:
    audit.record(
        action="inventory.assess",
        actor=audit.ENGINE,
        object_type=OBJECT,
        object_id=flow.name,
        contract=flow.name,
        reason="The rule of the risk class has changed.",
        detail={"risk": flow.risk, "was": before},
        now=now,
    )


def _apply(plan: ImportPlan, *, by: User | None, now: datetime) -> None:
    new = [InventoryFlow(created_at=now, updated_at=now) for _ in plan.new]
    for flow, planned in zip(new, plan.new, strict=True):
        flow.fill(planned.entry)
    InventoryFlow.objects.bulk_create(new)
    rows = InventoryFlow.objects.in_bulk(
        [one.entry.name for one in plan.changed], field_name="name"
    )
    for one in plan.changed:
        rows[one.entry.name].fill(one.entry)
        rows[one.entry.name].updated_at = now
    InventoryFlow.objects.bulk_update(rows.values(), _COLUMNS, batch_size=200)
    for flow in new:
        _told("inventory.add", flow.name, by=by, now=now, after=flow.digest, reason="Import")
    for one in plan.changed:
        _told(
            "inventory.edit",
            one.entry.name,
            by=by,
            now=now,
            before=one.before.digest,
            after=one.entry.digest,
            reason="Import",
            detail={"columns": [cell.column for cell in one.cells]},
        )
    figures = {"added": len(plan.new), "changed": len(plan.changed)}
    figures |= {"same": len(plan.same), "refused": plan.refused_rows}
    _told("inventory.import", "file", by=by, now=now, after=plan.digest, detail=figures)


_COLUMNS = [
    field.name
    for field in InventoryFlow._meta.get_fields()
    if field.name not in ("id", "name", "created_at")
]


def _held(name: str, read: str) -> InventoryFlow:
    flow = InventoryFlow.objects.select_for_update().filter(name=name).first()
    if flow is None:
        raise NotFound(f"The inventory has no flow {name} any more.", remedy="Somebody removed it.")
    if flow.digest != read:
        raise Conflict(
            f"Somebody else changed {name} while you had it open.",
            remedy="What you typed is below; compare it with what stands there, and save again.",
        )
    return flow


def _store(flow: InventoryFlow, entry: FlowEntry, now: datetime) -> None:
    flow.fill(entry)
    flow.updated_at = now
    try:
        with transaction.atomic():
            flow.save()
    except IntegrityError:
        raise Conflict(
            f"The inventory has a flow {entry.name} already.",
            remedy="Choose another name, or edit that flow.",
        ) from None


def _moved_on() -> Conflict:
    return Conflict(
        "The inventory has changed since you looked at the preview, so nothing was done.",
        remedy="Look at the new preview, and press again.",
    )


def _told(
    action: str,
    name: str,
    *,
    by: User | None,
    now: datetime,
    before: str = "",
    after: str = "",
    reason: str = "",
    detail: Mapping[str, object] | None = None,
) -> None:
    audit.record(
        action=action,
        actor=by or COMMAND,
        object_type=OBJECT,
        object_id=name,
        contract=name if name != "file" else "",
        before=before,
        after=after,
        reason=reason,
        detail=detail,
        now=now,
    )
