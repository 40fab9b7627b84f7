"""Accept an event: map, judge, dedupe, store, match, start runs; all or nothing, in one commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from contracts_app.models import ContractVersion, Source
from contracts_app.queries import registry
from contracts_app.rules.validate import Violation, violations
from contracts_app.services import audit
from meshline.core.canonical import digest as digest_of
from meshline.core.errors import Conflict, ContractViolation, NotFound
from meshline.core.ids import uuid7_at
from meshline.core.safejson import Json
from orchestration import wake
from orchestration.models import DeliveryConflict, Event, EventBody, EventKey, EventState
from orchestration.queries import documents
from orchestration.rules.source_spec import Mapped, map_delivery
from orchestration.services import acceptance, quarantine, tallies

INTERNAL = "meshline"


@dataclass(frozen=True)
class Receipt:
    """What the sender is told: the event's id, and whether it was here already."""

    event_id: UUID
    duplicate: bool
    held: bool = False


@dataclass(frozen=True)
class Delivery:
    """One authenticated delivery, as received."""

    source: str
    raw: bytes
    content_type: str
    headers: Mapping[str, str]
    digest: str
    now: datetime


@dataclass(frozen=True)
class Judged:
    """A mapped delivery with the contract version it was held against, and what it breaks."""

    mapped: Mapped
    version: ContractVersion | None
    problems: tuple[Violation, ...]

    @property
    def hold_reason(self) -> str:
        """Why it cannot go on, or an empty text."""
        if self.mapped.disposition == "unmatched":
            return "unmatched"
        return "violation" if self.problems else ""


def accept_event(
    *,
    source: Source,
    headers: Mapping[str, str],
    raw: bytes,
    body: Json,
    delivery_id: str,
    now: datetime,
) -> Receipt:
    """Store an authenticated delivery once, and start what it starts.

    `headers` have lower-case names; `delivery_id` is the signature scheme's own id, used where the
    source's mapping finds none. An event that breaks its contract is held where the source says so.
    Raises: ContractViolation if the source rejects; Conflict if the id is known with another body.
    """
    spec = documents.source_spec(source)
    mapped = map_delivery(spec, headers=headers, body=body, delivery_id=delivery_id)
    fingerprint = digest_of(body, without=spec.volatile)
    if not mapped.external_id:
        mapped = replace(mapped, external_id=f"sha256:{fingerprint[:40]}")
    judged = _judge(mapped)
    if judged.hold_reason and source.on_violation == "reject":
        tallies.count("rejected", now=now, source=source.name, contract=mapped.contract)
        raise ContractViolation(
            f"The event does not keep contract {mapped.contract or '(none matches)'}.",
            violations=judged.problems,
            remedy="Mend what is listed and send it again under the same id.",
        )
    content_type = headers.get("content-type", "")
    kept = {name: headers[name] for name in spec.headers if name in headers}
    delivery = Delivery(source.name, raw, content_type, kept, fingerprint, now)
    return _store(delivery, judged)


def accept_internal(
    *, contract: str, external_id: str, data: Mapping[str, Any], now: datetime
) -> Receipt | None:
    """Store one of Meshline's own events; None if nobody has published its contract."""
    try:
        version = registry.published_version(contract)
    except NotFound:
        return None
    payload: dict[str, Any] = {
        "specversion": "1.0",
        "id": external_id,
        "source": "/meshline",
        "type": contract,
        "time": now.isoformat(),
        "data": dict(data),
    }
    mapped = Mapped(
        external_id=external_id,
        kind=contract,
        occurred_at=now,
        disposition="event",
        contract=contract,
        version_range="*",
        payload=payload,
        own_write=False,
        problems=(),
    )
    judged = Judged(mapped, version, _violations(version, payload))
    delivery = Delivery(INTERNAL, b"", "application/json", {}, digest_of(payload["data"]), now)
    return _store(delivery, judged)


def judge_again(event: Event, body: EventBody) -> Judged:
    """Map and judge a stored event with today's source and contract; for Release."""
    from meshline.core.safejson import loads

    source = registry.source_named(event.source)
    spec = documents.source_spec(source)
    mapped = map_delivery(spec, headers=body.headers, body=loads(bytes(body.raw or b"")))
    return _judge(replace(mapped, external_id=event.external_id))


def _judge(mapped: Mapped) -> Judged:
    if mapped.disposition != "event":
        return Judged(mapped, None, tuple(mapped.problems))
    try:
        version = registry.published_version(mapped.contract, mapped.version_range)
    except NotFound as error:
        missing = Violation(path="", rule="contract", sentence=str(error))
        return Judged(mapped, None, (*mapped.problems, missing))
    found = tuple(mapped.problems) or _violations(version, mapped.payload)
    return Judged(mapped, version, found)


def _violations(version: ContractVersion, payload: Json) -> tuple[Violation, ...]:
    spec = registry.spec_of(version)
    return tuple(violations(spec.schema, payload, dialect=spec.dialect, formats=spec.formats))


def _store(delivery: Delivery, judged: Judged) -> Receipt:
    with transaction.atomic():
        event_id = uuid7_at(delivery.now)
        known = _claim_key(delivery, judged.mapped.external_id, event_id)
        if known is None:
            event = _write(delivery, judged, event_id)
            tallies.count(
                "received", now=delivery.now, contract=event.contract, source=event.source
            )
            if judged.hold_reason:
                quarantine.hold(event, judged.hold_reason, judged.problems, now=delivery.now)
            elif event.state == EventState.ACCEPTED and not event.own_write:
                acceptance.start(event, judged.mapped.payload, now=delivery.now)
                wake.nudge_after_commit()
            return Receipt(event_id, duplicate=False, held=bool(judged.hold_reason))
        if known.digest == delivery.digest:
            _count_duplicate(known, delivery, judged)
            return Receipt(known.event_id, duplicate=True)
        _keep_conflict(known, delivery, judged)
    raise Conflict(
        f"{delivery.source} sent {known.external_id} before with another body; the first stands.",
        remedy="Send a changed event under an id of its own.",
    )


def _claim_key(delivery: Delivery, external_id: str, event_id: UUID) -> EventKey | None:
    """Claim (source, external id) for this event; the key that was there first otherwise."""
    key = EventKey(
        source=delivery.source,
        external_id=external_id[:200],
        digest=delivery.digest,
        event_id=event_id,
    )
    EventKey.objects.bulk_create([key], ignore_conflicts=True)
    first = EventKey.objects.get(source=delivery.source, external_id=key.external_id)
    return None if first.event_id == event_id else first


def _write(delivery: Delivery, judged: Judged, event_id: UUID) -> Event:
    mapped = judged.mapped
    event = Event(
        id=event_id,
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
        acceptance.name_subjects(event, registry.spec_of(judged.version), mapped.payload)
    event.save(force_insert=True)
    EventBody.objects.create(
        id=event_id,
        raw=delivery.raw,
        content_type=delivery.content_type[:100],
        headers=dict(delivery.headers),
        payload=mapped.payload,
    )
    return event


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
