"""Advance one run by one transaction: apply what is known, decide, reserve what comes next."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never
from uuid import UUID

from django.db import transaction

from meshline.core.errors import MeshlineError
from meshline.core.keys import EffectKey
from orchestration.connectors.base import Call
from orchestration.models import Expectation
from orchestration.models import RunState as RunStateName
from orchestration.queries import documents
from orchestration.rules.advance import (
    after_event,
    after_outcome,
    attempt_started,
    moved,
    sleep_opened,
    wait_opened,
)
from orchestration.rules.catalog import CATALOG
from orchestration.rules.flow_spec import acknowledges
from orchestration.rules.interpreter import next_action, settle
from orchestration.rules.outcomes import Outcome
from orchestration.rules.run_state import (
    PASSED,
    Decision,
    Finish,
    HandOver,
    Move,
    Perform,
    Retry,
    RunState,
    Sleep,
    Wait,
)
from orchestration.services import (
    effects,
    endings,
    expectations,
    leases,
    scope,
    steps,
    subjects,
    timers,
)
from orchestration.services.ground import Ground
from orchestration.services.leases import Lease

MAX_DECISIONS = 200
MOST_LAPSES = 12
GO_ON: Literal["go on"] = "go on"


class WorkersDied(MeshlineError):
    """A run whose leases lapse again and again is taken away from the workers."""

    code = "workers_died"


@dataclass(frozen=True)
class Flight:
    """A call that is to be made outside any transaction, for the run that `lease` holds."""

    lease: Lease
    wanted: Perform
    call: Call
    attempt_id: UUID

    @property
    def system(self) -> str:
        """Which outside system it goes to."""
        return self.call.operation.partition(".")[0]


@transaction.atomic
def advance(
    lease: Lease, *, now: datetime, landed: tuple[Flight, Outcome] | None = None
) -> Flight | None:
    """Store what a call came to, then decide until something must be waited for or called.

    Returns the next call, whose intent is committed with this transaction, or None if the run has
    been put down (waiting, ended, handed over).
    Raises: LeaseLost if another worker holds the run; nothing is written then.
    """
    run = leases.hold(lease, now=now)
    if landed is None and run.lapses > MOST_LAPSES:
        raise WorkersDied(
            f"Run {run} has cost {run.lapses} workers their lease.",
            remedy="Look at what its step computes or calls, then retry it.",
        )
    spec = documents.flow_spec(run.flow_version)
    state = steps.load_state(run)
    ground = Ground(lease, run, spec, scope.load_facts(run.event_id), state, state, state, now)
    if landed is not None:
        _land(ground, *landed)
    elif run.lapses or any(facts.state == "running" for facts in state.facts.values()):
        steps.close_lost(run=run, now=now)
    _take_arrivals(ground)
    flight = _decide(ground)
    steps.save_changes(run=run, spec=spec, before=ground.before, after=ground.state, now=now)
    return flight


def _land(ground: Ground, flight: Flight, outcome: Outcome) -> None:
    steps.close_attempt(flight.attempt_id, outcome, now=ground.now)
    if flight.call.key:
        news = effects.settle(
            scope=flight.call.operation, key=flight.call.key, outcome=outcome, now=ground.now
        )
        if news:
            timers.on_effect(run=ground.run, call=flight.call, now=ground.now)
    ground.state = _after(ground, flight.wanted, outcome)


def _after(ground: Ground, wanted: Perform, outcome: Outcome) -> RunState:
    return after_outcome(
        ground.spec,
        ground.state,
        wanted,
        outcome,
        scope=ground.values(),
        now=ground.now,
        jitter=random.random(),  # noqa: S311 spreads retries, guards nothing
    )


def _take_arrivals(ground: Ground) -> None:
    """Judge the events that have arrived for this run's waits."""
    arrived = Expectation.objects.select_for_update().filter(run=ground.run, state="fulfilled")
    for expectation in arrived:
        while expectation.state == "fulfilled":
            _judge(ground, expectation)


def _judge(ground: Ground, expectation: Expectation) -> None:
    assert expectation.event_id is not None  # noqa: S101 a fulfilled one names its event
    facts = scope.load_facts(expectation.event_id)
    ground.state = after_event(
        ground.spec,
        ground.state,
        expectation.path,
        facts.payload,
        scope=ground.values(),
        now=ground.now,
    )
    satisfied = ground.state.of(expectation.path).state == "done"
    steps.note(
        run=ground.run,
        path=expectation.path,
        kind="event",
        reason=f"{facts.event.contract} arrived" if satisfied else "progress, still waiting",
        detail={"event_id": str(facts.event.pk), "satisfied": satisfied},
        now=ground.now,
    )
    expectations.judged(expectation, satisfied=satisfied, now=ground.now)
    if satisfied:
        expectations.close(run=ground.run, state="cancelled", path=expectation.path)
        acknowledged = acknowledges(ground.spec.step(expectation.path))
        effects.confirm(run=ground.run, paths=acknowledged, now=ground.now)


def _decide(ground: Ground) -> Flight | None:
    for _ in range(MAX_DECISIONS):
        values = ground.values()
        ground.state = settle(ground.spec, ground.state, values, now=ground.now)
        decision = next_action(ground.spec, ground.state, values, now=ground.now)
        _note_deadlines(ground)
        result = _act(ground, decision)
        if result != GO_ON:
            return result
    raise MeshlineError(
        f"Run {ground.run} took {MAX_DECISIONS} decisions without an end.",
        remedy="Look for a loop in the flow; the check should have refused it.",
    )


def _act(ground: Ground, decision: Decision) -> Flight | Literal["go on"] | None:
    """Do what was decided: a flight to be made, None if the run is put down, or go on."""
    match decision:
        case Perform():
            return _perform(ground, decision) or GO_ON
        case Wait():
            return None if _wait(ground, decision) else GO_ON
        case Sleep():
            if decision.opening:
                ground.state = sleep_opened(ground.state, decision, now=ground.now)
            endings.put_down(ground, wake_at=decision.until, step=decision.path)
        case Retry():
            endings.put_down(ground, wake_at=decision.at, step=decision.path)
        case Move():
            subjects.move_by_flow(decision, now=ground.now)
            ground.state = moved(ground.state, decision.path)
            return GO_ON
        case HandOver():
            endings.hand_over(ground, decision)
            if decision.goes_on:
                return GO_ON
        case Finish():
            endings.finish(ground, RunStateName(decision.state))
        case _:
            assert_never(decision)
    return None


def _note_deadlines(ground: Ground) -> None:
    """Write into the history each silence that has just been found, once."""
    for path, facts in ground.state.facts.items():
        earlier = ground.noted.of(path)
        # What a probe comes to belongs to the silence that it was sent for.
        silent = facts.move is not None or facts.timeouts != earlier.timeouts
        if silent and earlier.move is None:
            expectations.mark_overdue(run=ground.run, path=path, now=ground.now)
            steps.note(
                run=ground.run,
                path=path,
                kind="deadline",
                reason="silent until its deadline",
                now=ground.now,
            )
    ground.noted = ground.state


def _perform(ground: Ground, wanted: Perform) -> Flight | None:
    """Reserve the call, or take the stored result of an effect that is done already."""
    key, look_up = "", wanted.look_up_first
    if CATALOG[wanted.operation].is_effect and wanted.probe is None:
        key = str(
            EffectKey.of(ground.run.event_id, ground.run.flow, wanted.effect_path, redo=wanted.redo)
        )
        claim = effects.claim(
            run=ground.run,
            path=wanted.path,
            scope=wanted.operation,
            key=key,
            args=dict(wanted.args),
            now=ground.now,
        )
        if claim.stored is not None and not wanted.reask:
            effects.reuse(claim.effect)
            ground.state = attempt_started(ground.state, wanted, now=ground.now)
            ground.state = _after(ground, wanted, claim.stored)
            return None
        look_up = look_up or not claim.fresh
        effects.begin_attempt(claim.effect)
    ground.state = attempt_started(ground.state, wanted, now=ground.now)
    attempt_id = steps.open_attempt(
        run=ground.run,
        path=wanted.path,
        kind="probe" if wanted.probe else "call",
        operation=wanted.operation,
        effect_key=key,
        now=ground.now,
    )
    call = Call(
        operation=wanted.operation,
        args=endings.with_person(wanted, ground.now),
        key=key,
        run=str(ground.run.pk),
        look_up_first=look_up,
    )
    return Flight(ground.lease, wanted, call, attempt_id)


def _wait(ground: Ground, wait: Wait) -> bool:
    """Open the wait, judge what came early; True if the run has to be put down for it."""
    if wait.opening:
        ground.state = wait_opened(ground.state, wait, now=ground.now)
    for key in (*wait.earlier_keys, wait.key):
        expectation = expectations.open_expectation(
            run=ground.run,
            path=wait.path,
            contract=wait.contract,
            key=key,
            due_at=wait.due_at,
            now=ground.now,
        )
        while expectation.state == "fulfilled":
            _judge(ground, expectation)
        if ground.state.of(wait.path) != ground.noted.of(wait.path) and not wait.opening:
            return False  # satisfied or renewed: decide again
        if ground.state.of(wait.path).state in PASSED:
            return False
    due = ground.state.of(wait.path).due_at or wait.due_at
    if due <= ground.now:
        return False
    endings.put_down(ground, wake_at=due, step=wait.path)
    return True
