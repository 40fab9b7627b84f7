"""Builders of what the console shows: a refund that stopped, as the engine leaves it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group, User
from django.db import transaction

from contracts_app.queries import clock
from meshline.core.ids import uuid7_at
from orchestration.models import (
    Attempt,
    Effect,
    Expectation,
    Handoff,
    Run,
    RunOutcome,
    RunState,
    StepRecord,
)
from orchestration.services import handoffs, runs
from orchestration.services.handoffs import Trouble
from tests.builders import accepted, next_id, refund_requested, run_of

PAYLOADS = Path(__file__).resolve().parent.parent / "payloads"
SECOND = timedelta(seconds=1)


def given_reader(role: str = "support_agent", name: str = "Nadia Arslan") -> User:
    """Somebody who may sign in, with one role."""
    first, _, last = name.partition(" ")
    user = User.objects.create_user(
        username=first.lower(), first_name=first, last_name=last, email=f"{first}@harbour.example"
    )
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


def given_stuck_refund(*, at: datetime | None = None, **more: Any) -> Handoff:
    """A refund that billing took and never acknowledged: its run waits for a person."""
    start = at or clock.now() - timedelta(minutes=39)
    body: Any = refund_requested(**{"amount_minor": 21800, "ticket": "48213", **more})
    receipt = accepted("helpdesk", body, now=start)
    run = run_of(receipt)
    _sent(run, start + SECOND)
    _silent(run, body, start + 2 * SECOND)
    stopped = start + timedelta(minutes=20)
    Run.objects.filter(pk=run.pk).update(
        state=RunState.FAILED, step="billing_ack", wake_at=None, outcome=RunOutcome.PERSON
    )
    run.refresh_from_db()
    _attempt(run, "billing_ack", "handoff", stopped, reason="callback_timeout", outcome="noted")
    trouble = Trouble(
        reason="callback_timeout",
        detail="Billing took the refund and has not confirmed it.",
        step="billing_ack",
        runbook="refund-callback-failed",
    )
    with transaction.atomic():
        handoff, _ = handoffs.open_for_run(run=run, trouble=trouble, risk="critical", now=stopped)
    return handoff


def given_opened(
    *, ticket: str = "48213", subject: str = "Parcel arrived crushed", at: datetime | None = None
) -> None:
    """The desk tells of a new ticket."""
    body = _desk("ticket.created")
    body["detail"] |= {"id": ticket, "subject": subject}
    accepted("helpdesk", body, now=at or clock.now() - timedelta(minutes=80))


def given_status(status: str, *, ticket: str = "48213", previous: str = "open") -> None:
    """The desk tells that a ticket has changed its state."""
    body = _desk("ticket.status_changed")
    body["detail"] |= {"id": ticket, "status": status.upper()}
    body["event"] |= {"current": status.upper(), "previous": previous.upper()}
    accepted("helpdesk", body)


def _desk(kind: str) -> Any:
    body = json.loads((PAYLOADS / f"helpdesk/{kind}.json").read_text())
    return body | {"id": next_id("zen")}


def given_finished(run_id: UUID | None, *, now: datetime | None = None) -> None:
    """The run has succeeded; handoffs that follow it are resolved."""
    assert run_id is not None
    run = Run.objects.get(pk=run_id)
    with transaction.atomic():
        runs.end(run=run, state=RunState.SUCCEEDED, now=now or clock.now())


def _sent(run: Run, at: datetime) -> None:
    done = {"id": "re_8812aaaabbbbcccc", "status": "pending"}
    key = f"{run.event_id}:{run.flow}:refund"
    Effect.objects.create(
        scope="billing.create_refund",
        key=key,
        event_id=run.event_id,
        run_id=run.pk,
        last_run_id=run.pk,
        path="refund",
        flow=run.flow,
        contract=run.contract,
        ticket=run.ticket,
        digest="0" * 64,
        request={"amount_minor": run.amount_minor, "charge": "ch_1"},
        state="done",
        result=done,
        attempts=1,
        created_at=at,
        settled_at=at + SECOND,
    )
    _attempt(
        run, "refund", "call", at, operation="billing.create_refund", effect_key=key,
        outcome="done", detail=done,
    )  # fmt: skip
    _step(run, "refund", 0, "done", at, at + SECOND)


def _silent(run: Run, body: Any, at: datetime) -> None:
    due = at + timedelta(minutes=5)
    Expectation.objects.create(
        run=run,
        path="billing_ack",
        contract="billing.refund.completed",
        key=body["refund_id"],
        ticket=run.ticket,
        opened_at=at,
        due_at=due,
        overdue_at=due,
    )
    _attempt(run, "billing_ack", "deadline", due, outcome="noted", reason="silent")
    for n in range(5):
        _attempt(
            run, "billing_ack", "probe", due + timedelta(minutes=1 + 2 * n),
            operation="billing.get_refund", outcome="transient", reason="status 503",
        )  # fmt: skip
    _step(run, "billing_ack", 1, "failed", at, due, error="silent until its deadline")


def _attempt(run: Run, path: str, kind: str, at: datetime, **more: Any) -> None:
    Attempt.objects.create(
        id=uuid7_at(at), run=run, path=path, kind=kind, started_at=at,
        ended_at=at + timedelta(milliseconds=412), **more,
    )  # fmt: skip


def _step(
    run: Run, path: str, position: int, state: str, started: datetime, ended: datetime, **more: Any
) -> None:
    StepRecord.objects.create(
        run=run,
        path=path,
        position=position,
        state=state,
        facts={"state": state},
        started_at=started,
        ended_at=ended,
        **more,
    )
