"""Store a judged delivery: dedupe, facts and bytes, and what it starts; all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import F

from contracts_app.models import ContractVersion
from contracts_app.queries import registry
from contracts_app.queries.standing import Standing
from contracts_app.rules.validate import Violation
from contracts_app.services import audit
from meshline.core.ids import uuid7_at
from meshline.core.safejson import Json
from orchestration.models import DeliveryConflict, Event, EventBody, EventKey, EventState, Handoff
from orchestration.rules.source_spec import Mapped
from orchestration.services import acceptance, event_rows, holding, tallies, tolerating


@dataclass(frozen=True)
class Receipt:
    """What the sender is told: the event's id, and whether it was here already.

    `conflict` is the external id that was known with another body: refuse, once it is committed.
    `version` is the contract version that the delivery was judged by, None if none fits.
    """

    event_id: UUID
    duplicate: bool
    held: bool = False
    handoff: Handoff | None = None
    conflict: str = ""
    version: ContractVersion | None = None


@dataclass(frozen=True)
class Delivery:
    """One authenticated delivery, as received."""

    source: str
    raw: bytes
    content_type: str
    headers: Mapping[str, str]
    digest: str
    standing: Standing

    @property
    def now(self) -> datetime:
        """The database's time of receipt, UTC."""
        return self.standing.now


@dataclass(frozen=True)
class Judged:
    """A mapped delivery with the contract version it was held against, and what it breaks.

    `tolerated` is what it breaks and is let through, by which temporary `tolerances`.
    """

    mapped: Mapped
    version: ContractVersion | None
    problems: tuple[Violation, ...]
    tolerances: tuple[int, ...] = ()
    tolerated: tuple[Violation, ...] = ()

    @property
    def hold_reason(self) -> str:
        """Why it cannot go on, or an empty text."""
        if self.mapped.disposition == "unmatched":
            return "unmatched"
        return "violation" if self.problems else ""


def violations_of(version: ContractVersion, payload: Json) -> tuple[Violation, ...]:
    """Every point where a payload departs from a contract version."""
    return tuple(registry.spec_of(version).violations(payload))


def store(delivery: Delivery, judged: Judged) -> Receipt:
    """Store the delivery once and start what it starts, all in one commit."""
    with transaction.atomic(savepoint=False):
        event, body = _rows_of(delivery, judged)
        if event_rows.insert_once(event, body):
            count = partial(tallies.count, "received", now=delivery.now, source=event.source)
            if judged.hold_reason:
                handoff = holding.hold(event, judged.hold_reason, judged.problems, now=delivery.now)
                count(contract=event.contract)
                return Receipt(event.pk, duplicate=False, held=True, handoff=handoff)
            if judged.tolerances:
                tolerating.mark(event, judged.tolerances, judged.tolerated)
            if event.state == EventState.ACCEPTED and not event.own_write and judged.version:
                spec = registry.spec_of(judged.version)
                payload, standing = judged.mapped.payload, delivery.standing
                if why := acceptance.start(event, spec, payload, standing=standing):
                    opened = holding.hold_backward(event, why, now=delivery.now)
                    count(contract=event.contract)
                    return Receipt(event.pk, duplicate=False, held=True, handoff=opened)
            count(contract=event.contract)
            return Receipt(event.pk, duplicate=False)
        known = EventKey.objects.get(source=event.source, external_id=event.external_id)
        if known.digest == delivery.digest:
            _count_duplicate(known, delivery, judged)
            return Receipt(known.event_id, duplicate=True)
        _keep_conflict(known, delivery, judged)
        return Receipt(known.event_id, duplicate=False, conflict=known.external_id)


def _rows_of(delivery: Delivery, judged: Judged) -> tuple[Event, EventBody]:
    mapped = judged.mapped
    event = Event(
        id=uuid7_at(delivery.now),
        source=delivery.source,
        external_id=mapped.external_id[:200],
        kind=mapped.kind[:120],
        contract=mapped.contract,
        contract_version=judged.version.version if judged.version else "",
        state=EventState.HELD
        if judged.hold_reason
        else EventState.IGNORED
        if mapped.disposition == "ignored"
        else EventState.ACCEPTED,
        own_write=mapped.own_write,
        occurred_at=mapped.occurred_at,
        received_at=delivery.now,
        digest=delivery.digest,
    )
    if judged.version is not None:
        spec = registry.spec_of(judged.version)
        acceptance.name_subjects(event, spec, mapped.payload, standing=delivery.standing)
    body = EventBody(
        id=event.pk,
        raw=delivery.raw,
        content_type=delivery.content_type[:100],
        headers=dict(delivery.headers),
        payload=mapped.payload,
    )
    return event, body


def _count_duplicate(known: EventKey, delivery: Delivery, judged: Judged) -> None:
    EventKey.objects.filter(pk=known.pk).update(
        duplicates=F("duplicates") + 1, last_duplicate_at=delivery.now
    )
    tallies.count(
        "duplicate", now=delivery.now, contract=judged.mapped.contract, source=delivery.source
    )


def _keep_conflict(known: EventKey, delivery: Delivery, judged: Judged) -> None:
    DeliveryConflict.objects.bulk_create(
        [
            DeliveryConflict(
                source=known.source,
                external_id=known.external_id,
                event_id=known.event_id,
                digest=delivery.digest,
                raw=delivery.raw,
            )
        ],
        ignore_conflicts=True,
    )
    tallies.count(
        "conflict", now=delivery.now, contract=judged.mapped.contract, source=delivery.source
    )
    audit.record(
        action="event.conflict",
        actor=f"source:{known.source}",
        object_type="event",
        object_id=known.event_id,
        contract=judged.mapped.contract,
        before=known.digest,
        after=delivery.digest,
        detail={"external_id": known.external_id},
        now=delivery.now,
    )
