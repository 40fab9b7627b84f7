"""Drive runs as a worker's loop does, and ask the vendors for things to be refunded."""

from __future__ import annotations

import time
from typing import Any

from orchestration.models import Run, StepRecord
from orchestration.services import driver
from orchestration.services.storing import Receipt
from tests.builders import refund_requested, run_of
from tests.sandbox_process import Sandbox


def given_request(sandbox: Sandbox, **more: Any) -> Any:
    """A refund request whose ticket and charge exist at the vendors."""
    made = sandbox.act("refund_request", **more)
    return refund_requested(
        ticket=str(made["ticket_id"]),
        refund_id=made["refund_id"],
        charge_id=made["charge_id"],
        customer_id=made["customer_id"],
        requester_email=made.get("email", "maja@example.com"),
        order_id=str(made["order_id"]),
        amount_minor=made.get("amount_minor", 2500),
    )


def drained_until(receipt: Receipt, *states: str, seconds: float = 20.0) -> Run:
    """Drain, as a worker's loop does, until the event's run stands in one of `states`."""
    ends_at = time.monotonic() + seconds
    while (run := run_of(receipt)).state not in states and time.monotonic() < ends_at:
        driver.drain(seconds=1)
        time.sleep(0.05)
    return run


def drained_to_step(receipt: Receipt, step: str, *, seconds: float = 20.0) -> Run:
    """Drain until the event's run waits at `step`."""
    ends_at = time.monotonic() + seconds
    while (run := run_of(receipt)).step != step and time.monotonic() < ends_at:
        driver.drain(seconds=1)
        time.sleep(0.05)
    return run


def silence_passes(receipt: Receipt, *, times: int) -> None:
    """Let the deadline of the run's open wait pass, so often, without waiting for it."""
    for _ in range(times):
        run = run_of(receipt)
        for record in StepRecord.objects.filter(run_id=run.pk, state="waiting"):
            facts = record.facts | {"due_at": run.created_at.isoformat()}
            StepRecord.objects.filter(run_id=run.pk, path=record.path).update(facts=facts)
        Run.objects.filter(pk=run.pk, state="waiting").update(wake_at=run.created_at)
        driver.drain()
