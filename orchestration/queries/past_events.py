"""The newest events of a contract or a source with their payloads, for a text to come."""

from __future__ import annotations

from datetime import datetime

from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.judged_traffic import JudgedTraffic, StoredEvent, judge_traffic
from meshline.core import safejson
from meshline.core.errors import MeshlineError
from meshline.core.safejson import Json
from orchestration.models import Event, EventBody, EventState

# Read and judged in about half a second; a page says so when there were more.
MOST_EVENTS = 5_000
MOST_PAYLOADS = 500
_TAKEN = (EventState.ACCEPTED, EventState.IGNORED)


def refused_traffic(spec: ContractSpec, since: datetime) -> JudgedTraffic:
    """Judge the events that a contract's versions accepted since then by another text.

    The newest 5,000 are judged; events whose payload was emptied by retention are left out.
    """
    newest = (
        Event.objects.filter(contract=spec.name, received_at__gte=since, state__in=_TAKEN)
        .order_by("-id")
        .values_list("id", "source")[: MOST_EVENTS + 1]
    )
    sources = dict(newest)
    judged = list(sources)[:MOST_EVENTS]
    bodies = EventBody.objects.filter(id__in=judged, payload__isnull=False).order_by("-id")
    events = (
        StoredEvent(str(pk), sources[pk], payload)
        for pk, payload in bodies.values_list("id", "payload").iterator(chunk_size=500)
    )
    return judge_traffic(events, spec, whole=len(sources) <= MOST_EVENTS)


def newest_payloads(contract: str, source: str) -> list[Json]:
    """Return the newest 500 payloads of a contract, or of what a source sent under none.

    What no contract fits was never mapped: there the body is the payload.
    """
    rows = Event.objects.filter(contract=contract)
    if not contract:
        rows = rows.filter(source=source)
    ids = list(rows.order_by("-id").values_list("id", flat=True)[:MOST_PAYLOADS])
    bodies = EventBody.objects.filter(id__in=ids).values_list("payload", "raw")
    return [payload for stored in bodies.iterator(chunk_size=100) for payload in _payload(*stored)]


def _payload(payload: Json, raw: bytes | memoryview | None) -> list[Json]:
    if payload is not None:
        return [payload]
    try:
        return [safejson.loads(bytes(raw))] if raw else []
    except MeshlineError:
        return []
