"""Move a contract's subject by a flow: submitted, cancelling, refunded by hand."""

from __future__ import annotations

from datetime import datetime

from contracts_app.queries.standing import Standing
from orchestration.models import SubjectState
from orchestration.rules.run_state import Move
from orchestration.services import correlation


def move_by_flow(move: Move, *, now: datetime) -> None:
    """Set where the subject stands because the flow did something."""
    keys = correlation.of_text(move.contract, move.subject, Standing.at(now), name="subject")
    SubjectState.objects.update_or_create(
        contract=move.contract,
        subject=kept_under(move.contract, keys),
        defaults={"state": move.to, "changed_at": now, "event_id": None},
    )


def kept_under(contract: str, keys: correlation.Keys) -> str:
    """Return under which key a subject's state is kept; under its own if there is none yet.

    Asks the database only where a subject is known by several keys.
    """
    if len(keys) == 1:
        return keys[0]
    rows = SubjectState.objects.filter(contract=contract, subject__in=keys)
    kept = set(rows.values_list("subject", flat=True))
    return next((key for key in keys if key in kept), keys[0])
