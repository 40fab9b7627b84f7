"""Accepted events with their bytes: raw and mapped payloads, masked before anybody sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts_app.queries import registry
from meshline.core import pointers, redact, safejson
from meshline.core.errors import MeshlineError
from meshline.core.safejson import Json
from orchestration.models import DeliveryConflict, Event, EventBody, EventKey, ToleratedEvent

SHORTEST_SECRET = 3
MAX_RAW_BYTES = 1 << 20


@dataclass(frozen=True)
class ShownEvent:
    """One event as a page shows it: both payloads masked, and how often it came again."""

    event: Event
    received: Json | str
    mapped: Json
    duplicates: int
    conflicts: int
    tolerated: ToleratedEvent | None = None

    @property
    def data(self) -> Mapping[str, Any]:
        """The mapped payload's data, masked; empty if there is none."""
        data = self.mapped.get("data") if isinstance(self.mapped, dict) else None
        return data if isinstance(data, dict) else {}


def shown_event(event_id: UUID | None) -> ShownEvent | None:
    """Return an event with its masked payloads, or None if there is no such event."""
    event = Event.objects.filter(pk=event_id).first() if event_id else None
    if event is None:
        return None
    body = EventBody.objects.filter(pk=event.pk).first()
    key = EventKey.objects.filter(event_id=event.pk).first()
    conflicts = DeliveryConflict.objects.filter(source=event.source, external_id=event.external_id)
    marks = marks_of(event.contract, event.contract_version)
    payload = body.payload if body else None
    personal = personal_values(payload, marks)
    return ShownEvent(
        event=event,
        received=received_body(bytes(body.raw or b"") if body else b"", personal),
        mapped=redact.mask(payload, marks) if payload is not None else None,
        duplicates=key.duplicates if key else 0,
        conflicts=conflicts.count() if key else 0,
        tolerated=ToleratedEvent.objects.filter(event_id=event.pk).first(),
    )


def marks_of(contract: str, version: str) -> dict[str, str]:
    """Return a contract's marks of personal data; none if it is not published (any more)."""
    if not contract:
        return {}
    try:
        spec = registry.spec_of(registry.published_version(contract, version or "*"))
    except MeshlineError:
        return {}
    return redact.marks_for(spec.schema, spec.risk.pii)


def masked(payload: Json, *, contract: str = "", version: str = "") -> Json:
    """Return a payload without readable personal data."""
    return redact.mask(payload, marks_of(contract, version))


def received_body(raw: bytes, personal: Mapping[str, str]) -> Json | str:
    """The vendor's body: what the contract marks after mapping is masked before it as well."""
    if not raw:
        return ""
    try:
        return _without(redact.mask(safejson.loads(raw[:MAX_RAW_BYTES])), personal)
    except MeshlineError:
        return redact.mask_text(raw.decode("utf-8", "replace"))


def personal_values(payload: Json, marks: Mapping[str, str]) -> dict[str, str]:
    """Return each marked text of the payload with what it is shown as."""
    found: dict[str, str] = {}
    for pattern, kind in marks.items():
        for pointer in pointers.matching(payload, pattern):
            value = pointers.get(payload, pointer)
            for text in _texts(value):
                if len(text) >= SHORTEST_SECRET:
                    found[text] = str(redact.mask_kind(text, kind))
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def _texts(value: Json) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for child in value.values():
            yield from _texts(child)
    elif isinstance(value, list):
        for child in value:
            yield from _texts(child)


def _without(value: Json, personal: Mapping[str, str]) -> Json:
    if isinstance(value, str):
        for text, shown in personal.items():
            value = value.replace(text, shown)
        return value
    if isinstance(value, dict):
        return {key: _without(child, personal) for key, child in value.items()}
    if isinstance(value, list):
        return [_without(child, personal) for child in value]
    return value
