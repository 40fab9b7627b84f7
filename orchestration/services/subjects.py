"""Move a contract's subject by a flow: submitted, cancelling, refunded by hand."""

from __future__ import annotations

from datetime import datetime

from orchestration.models import SubjectState
from orchestration.rules.run_state import Move


def move_by_flow(move: Move, *, now: datetime) -> None:
    """Set where the subject stands because the flow did something."""
    SubjectState.objects.update_or_create(
        contract=move.contract,
        subject=move.subject,
        defaults={"state": move.to, "changed_at": now, "event_id": None},
    )
