"""How a run is put down: waiting, handed to a person, or at its end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Case, Value, When

from contracts_app.queries import oncall
from meshline.core.safejson import Json
from orchestration.models import Attempt, HeldEvent, Run, RunOutcome, RunState
from orchestration.queries import objectives
from orchestration.rules.advance import handed_over
from orchestration.rules.causes import cause_of
from orchestration.rules.flow_spec import HandoffStep, acknowledges
from orchestration.rules.run_state import READY, HandOver, Perform
from orchestration.services import (
    announcements,
    effects,
    expectations,
    handoffs,
    journal,
    steps,
    tallies,
    timers,
)
from orchestration.services.ground import Ground
from orchestration.services.handoffs import Trouble

SMOOTH = {"done", "noted"}
UNKNOWN = "unknown_outcome"


def put_down(ground: Ground, *, wake_at: datetime, step: str) -> None:
    """Let the run wait until `wake_at`; news that came while it was driven wakes it at once."""
    run, deadline_at = ground.run, ground.state.deadline_at  # a late answer sets a new one
    due = min(wake_at, deadline_at) if deadline_at else wake_at
    if deadline_at and deadline_at <= ground.now:
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
    before = ground.before.of(decision.path)
    if before.state == "failed" and before == ground.state.of(decision.path):
        _stand_still(run, decision.path)  # woken by news that changed nothing: people have it
        return
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
        _stand_still(run, decision.path)
    if decision.reason == UNKNOWN:
        effects.unanswered(run=run)
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


def _stand_still(run: Run, step: str) -> None:
    Run.objects.filter(pk=run.pk).update(
        state=RunState.FAILED, step=step, wake_at=None, lease_until=None, lease_by=""
    )


def finish(ground: Ground, state: RunState) -> None:
    """End the run; handoffs that follow it are resolved."""
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
        journal.run_changed(run, "run.cancel", now=now, reason="at its checkpoint")
        _tell_of_doubts(ground)
        return
    # A handoff beside a flow that went on is no trouble of the run's: its work is still to do.
    kept = [
        step.id
        for step in ground.spec.steps
        if isinstance(step, HandoffStep) and step.goes_on and ground.state.of(step.id) != READY
    ]
    handoffs.settle_followers(run=run, now=now, but=kept)
    journal.run_changed(run, "run.succeed", now=now, detail={"outcome": str(run.outcome)})
    if not run.internal:
        _count(ground)


def _tell_of_doubts(ground: Ground) -> None:
    """A run that was cancelled in the middle of a call may leave what nobody knows the end of."""
    doubtful = effects.unanswered(run=ground.run)
    if not doubtful:
        return
    named = ", ".join(f"{effect.scope} ({effect.path})" for effect in doubtful)
    detail = f"The run was cancelled, and nobody knows what came of {named}."
    runbook = ground.spec.route.runbook if ground.spec.route else ""
    trouble = Trouble(UNKNOWN, detail, doubtful[0].path, runbook)
    handoffs.open_for_run(run=ground.run, trouble=trouble, risk=ground.spec.risk, now=ground.now)


def _count(ground: Ground) -> None:
    run = ground.run
    if run.replay_of and _finished_before(run):
        return
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


def _finished_before(run: Run) -> bool:
    """The journey of one event through one flow is counted when it ends for the first time."""
    earlier = Run.objects.filter(event_id=run.event_id, flow=run.flow, ordinal__lt=run.ordinal)
    return earlier.filter(state=RunState.SUCCEEDED).exists()


def _outcome(run: Run) -> RunOutcome:
    """Straight through only if nothing had to be tried, asked or awaited twice."""
    if run.outcome == RunOutcome.PERSON or run.replay_of:
        return RunOutcome.PERSON
    if HeldEvent.objects.filter(event_id=run.event_id).exists():
        return RunOutcome.PERSON  # somebody released it; that was counted when it was held
    attempts = Attempt.objects.filter(run=run)
    rough = attempts.exclude(outcome__in=SMOOTH).exists()  # an open one: its answer was lost
    late = attempts.filter(kind__in=["probe", "deadline"]).exists()
    return RunOutcome.RECOVERED if rough or late or run.lapses else RunOutcome.STRAIGHT


def with_person(wanted: Perform, now: datetime) -> dict[str, Json]:
    """The call's arguments; a page gets the person who is on call at this instant."""
    args: dict[str, Any] = dict(wanted.args)
    if wanted.operation == "pager.page" and "to" not in args:
        person = oncall.on_call(str(args.get("rota", "")), now)
        if person is not None:
            args["to"] = f"{person.name} <{person.email}>"
    return args
