"""A run whose step cannot even be computed: a person sees it, the queue goes on."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from meshline.core.errors import LeaseLost
from orchestration.models import Run, RunOutcome, RunState
from orchestration.queries import documents
from orchestration.services import announcements, effects, handoffs, leases, steps
from orchestration.services.handoffs import Trouble
from orchestration.services.leases import Lease


@transaction.atomic
def put_aside(lease: Lease, error: Exception, *, now: datetime) -> None:
    """Stop the run with a handoff that names the error's kind, never the payload."""
    try:
        run = leases.hold(lease, now=now)
    except LeaseLost:
        return
    what = str(error) if hasattr(error, "remedy") else type(error).__name__
    steps.note(run=run, path=run.step, kind="error", reason=what, now=now)
    steps.close_lost(run=run, now=now)
    effects.unanswered(run=run)
    Run.objects.filter(pk=run.pk).update(
        state=RunState.FAILED,
        outcome=RunOutcome.PERSON,
        wake_at=None,
        lease_until=None,
        lease_by="",
        lapses=0,  # whoever presses "retry" starts to count anew
    )
    try:
        spec = documents.flow_spec(run.flow_version)
        risk, runbook = spec.risk, spec.route.runbook if spec.route else ""
    except Exception:  # noqa: BLE001 the document itself may be what is broken
        risk, runbook = "high", ""
    trouble = Trouble("step_error", detail=what, step=run.step, runbook=runbook)
    handoff, fresh = handoffs.open_for_run(run=run, trouble=trouble, risk=risk, now=now)
    if fresh and not run.internal:
        announcements.handoff_opened(handoff, now=now)
