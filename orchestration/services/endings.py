"""How a run is put down: waiting, handed to a person, or at its end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Case, F, Value, When

from contracts_app.queries import oncall
from contracts_app.services import audit
from meshline.core.safejson import Json
from orchestration.models import Attempt, Run, RunOutcome, RunState
from orchestration.queries import objectives
from orchestration.rules.advance import handed_over
from orchestration.rules.causes import cause_of
from orchestration.rules.flow_spec import acknowledges
from orchestration.rules.run_state import HandOver, Perform
from orchestration.services import (
    announcements,
    effects,
    expectations,
    handoffs,
    steps,
    tallies,
    timers,
)
from orchestration.services.ground import Ground
from orchestration.services.handoffs import Trouble

SMOOTH = {"done", "noted", ""}


def put_down(ground: Ground, *, wake_at: datetime, step: str) -> None:
    """Let the run wait until `wake_at`; news that came while it was driven wakes it at once."""
    run = ground.run
    due = min(wake_at, run.deadline_at) if run.deadline_at else wake_at
    if run.deadline_at and run.deadline_at <= ground.now:
        due = wake_at  # the deadline has been dealt with; do not spin on it
    Run.objects.filter(pk=run.pk).update(
        state=RunState.WAITING,
        step=step,
        wake_at=Case(When(pokes=run.pokes, then=Value(due)), default=Value(ground.now)),
        lease_until=None,
        lease_by="",
    )


def hand_over(ground: Ground, decision: HandOver) -> None:
    """Open a handoff; unless the flow goes on, the run stands still until somebody acts."""
    run, now = ground.run, ground.now
    ground.state = handed_over(ground.state, decision)
    steps.note(
        run=run,
        path=decision.path,
        kind="handoff",
        reason=decision.reason,
        detail={"detail": decision.detail},
        now=now,
    )
    effects.doubt(run=run, paths=acknowledges(ground.spec.step(decision.path)))
    Run.objects.filter(pk=run.pk).update(outcome=RunOutcome.PERSON)
    if decision.goes_on:
        run.outcome = RunOutcome.PERSON
    else:
        Run.objects.filter(pk=run.pk).update(
            state=RunState.FAILED, step=decision.path, wake_at=None, lease_until=None, lease_by=""
        )
    trouble = Trouble(
        reason=decision.reason,
        detail=decision.detail,
        step=decision.path,
        runbook=decision.runbook,
    )
    handoff, fresh = handoffs.open_for_run(run=run, trouble=trouble, risk=ground.spec.risk, now=now)
    if fresh and not run.internal:
        announcements.handoff_opened(handoff, now=now)
    timers.explain(run=run, why=cause_of(decision.reason))


def finish(ground: Ground, state: RunState) -> None:
    """End the run; handoffs that follow it are resolved, promises it keeps are stopped."""
    run, now = ground.run, ground.now
    run.outcome = _outcome(run)
    Run.objects.filter(pk=run.pk).update(
        state=state,
        outcome=run.outcome,
        step="",
        wake_at=None,
        lease_until=None,
        lease_by="",
        finished_at=now,
    )
    expectations.close(run=run, state="cancelled")
    if state != RunState.SUCCEEDED:
        return
    handoffs.settle_followers(run=run, now=now)
    if not run.internal:
        _count(ground)


def _count(ground: Ground) -> None:
    run = ground.run
    took = ground.now - ground.facts.event.received_at
    if run.outcome != RunOutcome.PERSON:
        tallies.count(run.outcome, now=ground.now, contract=run.contract, flow=run.flow)
    tallies.count(
        "finished",
        now=ground.now,
        contract=run.contract,
        flow=run.flow,
        ms=int(took.total_seconds() * 1000),
    )
    promised = objectives.threshold_of(run.contract, run.contract_version)
    if promised is not None and took > promised:
        tallies.count("late", now=ground.now, contract=run.contract, flow=run.flow)


def _outcome(run: Run) -> RunOutcome:
    """Straight through only if nothing had to be tried, asked or awaited twice."""
    if run.outcome == RunOutcome.PERSON or run.replay_of:
        return RunOutcome.PERSON
    rough = Attempt.objects.filter(run=run).exclude(outcome__in=SMOOTH).exists()
    late = Attempt.objects.filter(run=run, kind__in=["probe", "deadline"]).exists()
    return (
        RunOutcome.RECOVERED
        if rough or late or run.fence > _usual_leases(run)
        else (RunOutcome.STRAIGHT)
    )


def _usual_leases(run: Run) -> int:
    """A run is leased once, and once more for each time it was put down; more: a worker died."""
    return 1 + run.pokes + Attempt.objects.filter(run=run).count()


def with_person(wanted: Perform, now: datetime) -> dict[str, Json]:
    """The call's arguments; a page gets the person who is on call at this instant."""
    args: dict[str, Any] = dict(wanted.args)
    if wanted.operation == "pager.page" and "to" not in args:
        person = oncall.on_call(str(args.get("rota", "")), now)
        if person is not None:
            args["to"] = {"name": person.name, "email": person.email}
    return args


def cancel(*, run: Run, by: Any, reason: str, now: datetime) -> None:
    """Stop a run at its next checkpoint, whoever drives it: its fence is raised."""
    expectations.close(run=run, state="cancelled")
    Run.objects.filter(pk=run.pk).exclude(state__in=["succeeded", "cancelled"]).update(
        state=RunState.CANCELLED,
        wake_at=None,
        lease_until=None,
        finished_at=now,
        fence=F("fence") + 1,
    )
    audit.record(
        action="run.cancel",
        actor=by,
        object_type="run",
        object_id=run.pk,
        contract=run.contract,
        contract_version=run.contract_version,
        ticket=run.ticket,
        run_id=run.pk,
        reason=reason,
        now=now,
    )
