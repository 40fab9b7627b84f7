"""What a flow's expressions may read: the event, finished steps, the run, the customer."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from meshline.core.safejson import Json
from orchestration.models import Event, EventBody, Run
from orchestration.services import links


@dataclass(frozen=True)
class Facts:
    """The event that a run is about, with its mapped payload."""

    event: Event
    payload: Json


def load_facts(event_id: UUID) -> Facts:
    """Read the event and its payload. Raises: Event.DoesNotExist."""
    event = Event.objects.get(pk=event_id)
    body = EventBody.objects.filter(pk=event.pk).values_list("payload", flat=True).first()
    return Facts(event, body)


def of_event(event: Event, payload: Json) -> dict[str, Json]:
    """The scope before there is a run: for triggers, tickets and impact."""
    return {
        "event": payload,
        "ticket": ticket_scope(event.ticket),
        "customer": {
            "id": event.customer,
            "name": event.customer_name,
            "email": event.email,
        },
        "subject": {
            "key": event.subject or event.correlation,
            "before": event.state_before,
            "after": event.state_after,
        },
    }


def ticket_scope(key: str) -> Json:
    """A ticket as expressions see it: its key, its number, its system."""
    system, _, number = key.partition(":")
    return {"key": key, "id": number, "system": system}


def of_run(run: Run, facts: Facts) -> dict[str, Json]:
    """The scope of a run's step; finished steps and constants are added by the interpreter."""
    return {
        **of_event(facts.event, facts.payload),
        "ticket": ticket_scope(run.ticket),
        "run": {
            "id": str(run.pk),
            "flow": run.flow,
            "version": run.flow_version.number,
            "url": links.to("console:run", run.pk),
            "ticket": run.ticket,
            "customer": run.customer,
            "event_id": str(run.event_id),
            "ordinal": run.ordinal,
        },
    }
