"""Which promise to a ticket's customer breaks next."""

from __future__ import annotations

from datetime import datetime

from orchestration.models import SlaTimer, TimerState


def next_due(ticket: str) -> datetime | None:
    """When the ticket's next running promise breaks, or None if none is running."""
    if not ticket:
        return None
    return (
        SlaTimer.objects.filter(ticket=ticket, state=TimerState.RUNNING, due_at__isnull=False)
        .order_by("due_at")
        .values_list("due_at", flat=True)
        .first()
    )
