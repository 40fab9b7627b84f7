"""The newest accepted events of a contract with their payloads, for a text that may replace it."""

from __future__ import annotations

from datetime import datetime

from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.judged_traffic import JudgedTraffic, StoredEvent, judge_traffic
from orchestration.models import Event, EventBody, EventState

# Read and judged in about half a second; a page says so when there were more.
MOST_EVENTS = 5_000
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
