"""Meshline's own events: what the engine tells the flows that people wrote for it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from orchestration.models import Handoff, Run
from orchestration.services import internal, links


def handoff_opened(handoff: Handoff, *, now: datetime) -> None:
    """Emit `handoff.opened`, whose flow writes an internal note on the ticket, if it has one."""
    if not handoff.ticket:
        return
    internal.accept_internal(
        contract="handoff.opened",
        external_id=f"handoff-{handoff.pk}",
        data={
            "handoff_id": handoff.reference,
            "ticket_id": handoff.ticket,
            "reason": handoff.reason,
            "cause": handoff.cause,
            "runbook": handoff.runbook,
            "link": links.to("console:handoff", handoff.pk),
        },
        now=now,
    )


def escalated(
    *,
    intervention_id: int,
    ticket: str,
    rota: str,
    by: str,
    reason: str,
    handoff: Handoff | None,
    now: datetime,
) -> UUID | None:
    """Emit `handoff.escalated`, whose flow pages until somebody answers; its event's id.

    None if nobody has published the contract.
    """
    receipt = internal.accept_internal(
        contract="handoff.escalated",
        external_id=f"escalation-{intervention_id}",
        data={
            "escalation_id": f"escalation-{intervention_id}",
            "handoff_id": handoff.reference if handoff else "",
            "ticket_id": ticket,
            "cause": handoff.cause if handoff else "Escalated by a person",
            "rota": rota,
            "by": by[:120],
            "reason": reason[:500],
            "link": links.to("console:handoff", handoff.pk)
            if handoff
            else links.to("console:today"),
        },
        now=now,
    )
    return receipt.event_id if receipt else None


def run_of(event_id: UUID) -> UUID | None:
    """The run that one of our own events has started."""
    return Run.objects.filter(event_id=event_id).values_list("pk", flat=True).first()
