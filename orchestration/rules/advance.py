"""How a run's facts change: after an outcome, an event, a passed deadline, a person's press.

Pure transformers from RunState to RunState; interpreter.py decides what is done next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from meshline.core.safejson import Json
from orchestration.rules.catalog import CATALOG, Catalog, Operation
from orchestration.rules.causes import CAUSES
from orchestration.rules.expressions import ExpressionFailed, ExpressionRefused, holds, render
from orchestration.rules.fact_moves import (
    asked_again,
    failed,
    flow_scope,
    following,
    jumped,
    reopened,
    reset,
)
from orchestration.rules.flow_spec import (
    END,
    AwaitStep,
    BranchStep,
    CallStep,
    FlowSpec,
    GiveUp,
    HandoffStep,
    Probe,
    RepeatFrom,
    RetryFrom,
)
from orchestration.rules.outcomes import Done, Outcome, Refused, Transient, Unknown
from orchestration.rules.retry import PROBE_POLICY, next_attempt_at
from orchestration.rules.run_state import (
    HandOver,
    Perform,
    RunState,
    Sleep,
    StepError,
    StepFacts,
    Wait,
)

_Scope = Mapping[str, Json]
_Bad = (ExpressionFailed, ExpressionRefused)


def attempt_started(state: RunState, perform: Perform, *, now: datetime) -> RunState:
    """Return the state while the call is under way: what a crash must leave behind."""
    if perform.probe is not None:
        return state  # a probe only reads: whoever comes next may ask again
    facts = state.of(perform.path)
    return state.changed(
        perform.path,
        state="running",
        attempts=facts.attempts + 1,
        opened_at=facts.opened_at or now,
        retry_at=None,
    )


def after_outcome(
    spec: FlowSpec,
    state: RunState,
    perform: Perform,
    outcome: Outcome,
    *,
    scope: _Scope,
    now: datetime,
    jitter: float = 1.0,
    catalog: Catalog = CATALOG,
) -> RunState:
    """Return the state after a call. `jitter` is a random number in [0, 1)."""
    step = spec.step(perform.path)
    try:
        if isinstance(step, AwaitStep):
            return _after_probe(spec, state, step, perform, outcome, scope, now, jitter)
        if isinstance(step, CallStep):
            return _after_call(spec, state, step, outcome, scope, now, jitter, catalog)
    except _Bad as error:
        return failed(state, step, "step_error", f"{error.message} {error.remedy}")
    return state


def _after_call(
    spec: FlowSpec,
    state: RunState,
    step: CallStep,
    outcome: Outcome,
    scope: _Scope,
    now: datetime,
    jitter: float,
    catalog: Catalog,
) -> RunState:
    facts, operation = state.of(step.id), catalog[step.operation]
    attempts = facts.attempts if facts.state == "running" else facts.attempts + 1
    state = state.changed(step.id, attempts=attempts, retry_at=None)
    match outcome:
        case Done():
            done = {"state": "done", "result": dict(outcome.result), "error": None}
            return state.changed(step.id, **done, reask=False)
        case Refused():
            return _refused(spec, state, step, outcome, flow_scope(spec, state, scope))
        case Transient():
            return _again(state, step, operation, outcome, now, jitter)
        case Unknown():
            if operation.is_effect and operation.safety == "manual":
                return failed(state, step, "unknown_outcome", outcome.reason)
            state = state.changed(step.id, reask=facts.reask or operation.is_effect)
            return _again(state, step, operation, outcome, now, jitter)
        case _:
            assert_never(outcome)


def _again(
    state: RunState,
    step: CallStep,
    operation: Operation,
    outcome: Transient | Unknown,
    now: datetime,
    jitter: float,
) -> RunState:
    facts = state.of(step.id)
    retry_after = outcome.retry_after if isinstance(outcome, Transient) else None
    at = next_attempt_at(
        step.retry, attempt=facts.attempts, failed_at=now, jitter=jitter, retry_after=retry_after
    )
    if at is not None:
        return state.changed(step.id, state="ready", retry_at=at)
    # Once an answer was lost, "not now" from the vendor says nothing of the earlier try.
    lost = facts.reask and operation.is_effect
    return failed(state, step, "unknown_outcome" if lost else "retries_exhausted", outcome.reason)


def _refused(
    spec: FlowSpec, state: RunState, step: CallStep, outcome: Refused, scope: _Scope
) -> RunState:
    said = {"reason": outcome.reason, "detail": outcome.detail}
    sentence = f"{outcome.reason}: {outcome.detail}" if outcome.detail else outcome.reason
    target = step.refused
    if target is None:
        # People group handoffs by reason: a vendor's own code goes into the detail.
        reason = outcome.reason if outcome.reason in CAUSES else "refused"
        return failed(state, step, reason, sentence)
    if isinstance(target, GiveUp):
        detail = str(render(target.detail, scope, context="flow")) if target.detail else sentence
        return failed(state, step, target.reason or outcome.reason, detail, target.runbook)
    goto = target.step or following(spec, step.id)
    error = StepError(outcome.reason, step.route.runbook, sentence)
    changes = {"state": "failed", "goto": goto, "error": error, "result": {"refused": said}}
    return jumped(spec, state.changed(step.id, **changes, reask=False), step.id)


def wait_opened(state: RunState, wait: Wait, *, now: datetime) -> RunState:
    """Return the state after the expectation was opened."""
    return state.changed(
        wait.path,
        state="waiting",
        opened_at=now,
        due_at=wait.due_at,
        keys=(*wait.earlier_keys, wait.key),
        move=None,
        retry_at=None,
    )


def sleep_opened(state: RunState, sleep: Sleep, *, now: datetime) -> RunState:
    """Return the state after the waiting time was fixed."""
    return state.changed(sleep.path, state="waiting", opened_at=now, due_at=sleep.until)


def moved(state: RunState, path: str) -> RunState:
    """Return the state after a contract's subject was moved."""
    return state.changed(path, state="done")


def after_event(
    spec: FlowSpec,
    state: RunState,
    path: str,
    payload: Json,
    *,
    scope: _Scope,
    now: datetime,
) -> RunState:
    """Return the state after an awaited event; `payload` is the whole of it.

    What it awaits: the step is done. Progress (`renew`): more time. Else nothing changes. An
    answer that comes after the step was handed over counts too: the run goes on, under a new
    deadline.
    """
    step, facts = spec.step(path), state.of(path)
    if not isinstance(step, AwaitStep) or facts.state in ("done", "skipped"):
        return state
    inner = {**flow_scope(spec, state, scope), "awaited": payload}
    try:
        if step.until is None or holds(step.until, inner, context="flow"):
            result = payload if step.result is None else render(step.result, inner, context="flow")
            return _satisfied(spec, state, step, result, now)
        renew = step.renew
        if facts.state != "waiting" or renew is None or facts.renewals >= renew.times:
            return state
        if not holds(renew.when, inner, context="flow"):
            return state
    except _Bad as error:
        return failed(state, step, "step_error", f"{error.message} {error.remedy}")
    more = {"due_at": now + renew.within, "renewals": facts.renewals + 1}
    return state.changed(path, **more, move=None, probes=0, retry_at=None)


def after_timeout(
    spec: FlowSpec, state: RunState, path: str, *, scope: _Scope, now: datetime
) -> RunState:
    """Return the state after an await's deadline passed: walk its on_timeout from the start."""
    step = spec.step(path)
    if not isinstance(step, AwaitStep) or state.of(path).state != "waiting":
        return state
    return _walk(spec, state, step, 0, scope)


def _walk(spec: FlowSpec, state: RunState, step: AwaitStep, index: int, scope: _Scope) -> RunState:
    facts = state.of(step.id)
    for number, move in enumerate(step.on_timeout[index:], start=index):
        used = facts.timeouts.get(number, 0)
        match move:
            case Probe():
                return state.changed(step.id, move=number, probes=0, retry_at=None)
            case RetryFrom() | RepeatFrom() if used < move.times:
                counted = {**facts.timeouts, number: used + 1}
                state = state.changed(step.id, timeouts=counted)
                return reopened(spec, state, move, step.id)
            case GiveUp():
                asked = sum(facts.timeouts.values())
                detail = f"Nothing came in time; asked again {asked} times."
                if move.detail is not None:
                    inner = flow_scope(spec, state, scope)
                    detail = str(render(move.detail, inner, context="flow"))
                return failed(state, step, move.reason, detail, move.runbook)
    return failed(state, step, "callback_timeout", "Nothing came in time.")


def _after_probe(
    spec: FlowSpec,
    state: RunState,
    step: AwaitStep,
    perform: Perform,
    outcome: Outcome,
    scope: _Scope,
    now: datetime,
    jitter: float,
) -> RunState:
    facts = state.of(step.id)
    if perform.probe is None or facts.move != perform.probe.index or facts.state != "waiting":
        return state  # the event came while the probe was under way
    probe = step.on_timeout[perform.probe.index]
    if not isinstance(probe, Probe):
        return state
    match outcome:
        case Done():
            inner = {**flow_scope(spec, state, scope), "result": outcome.result}
            if holds(probe.satisfied_when, inner, context="flow"):
                result = outcome.result
                if probe.result is not None:
                    result = render(probe.result, inner, context="flow")
                return _satisfied(spec, state, step, result, now)
        case Transient() | Unknown():
            after = outcome.retry_after if isinstance(outcome, Transient) else None
            tries = facts.probes + 1
            at = next_attempt_at(
                PROBE_POLICY, attempt=tries, failed_at=now, jitter=jitter, retry_after=after
            )
            if at is not None:
                return state.changed(step.id, probes=tries, retry_at=at)
        case Refused():
            pass
        case _:
            assert_never(outcome)
    state = state.changed(step.id, move=None, probes=0, retry_at=None)
    return _walk(spec, state, step, perform.probe.index + 1, scope)


def _satisfied(
    spec: FlowSpec, state: RunState, step: AwaitStep, result: Json, now: datetime
) -> RunState:
    late = state.of(step.id).state == "failed"
    state = state.changed(
        step.id, state="done", result=result, error=None, move=None, retry_at=None
    )
    # A call that was about to be asked again needs no asking any more.
    for earlier in spec.steps[: spec.position(step.id)]:
        facts = state.of(earlier.id)
        if facts.state in ("ready", "running") and facts.result is not None:
            state = state.changed(earlier.id, state="done", reask=False, retry_at=None)
    return replace(state, deadline_at=now + spec.deadline) if late else state


def handed_over(state: RunState, decision: HandOver) -> RunState:
    """Return the state after the handoff was opened."""
    if decision.goes_on:
        return state.changed(decision.path, state="done", result={})
    error = StepError(decision.reason, decision.runbook, decision.detail)
    return state.changed(decision.path, state="failed", error=error)


def retried_by_person(
    spec: FlowSpec, state: RunState, path: str, *, deadline_at: datetime | None = None
) -> RunState:
    """Return the state after a person pressed "retry step": same key, and look before asking.

    An await goes back to where its on_timeout would ask again. Later steps that are not finished
    calls are opened again. `deadline_at` is the run's new one.
    """
    step, facts = spec.step(path), state.of(path)
    if isinstance(step, AwaitStep):
        for move in step.on_timeout:
            if isinstance(move, RetryFrom | RepeatFrom):
                return _opened_after(spec, asked_again(state, move), move.step, deadline_at)
    fresh = StepFacts(visit=facts.visit + 1, redo=facts.redo, keys=facts.keys)
    if isinstance(step, CallStep):
        fresh = replace(fresh, reask=facts.attempts > 0 or facts.reask, result=facts.result)
    return _opened_after(spec, state.with_facts(path, fresh), path, deadline_at)


def satisfied_by_person(
    spec: FlowSpec,
    state: RunState,
    path: str,
    result: Json,
    *,
    deadline_at: datetime | None = None,
) -> RunState:
    """Return the state after a person recorded that the step was done, with its result.

    A step that hands over by design (branch, handoff) has nothing to go on with: the person has
    taken the rest, and the run ends.
    """
    step = spec.step(path)
    goto = END if isinstance(step, BranchStep | HandoffStep) else None
    changes = {"state": "done", "result": result, "error": None, "goto": goto}
    state = state.changed(path, **changes, reask=False, move=None, retry_at=None)
    return _opened_after(spec, state, path, deadline_at)


def _opened_after(
    spec: FlowSpec, state: RunState, path: str, deadline_at: datetime | None
) -> RunState:
    for step in spec.steps[spec.position(path) + 1 :]:
        state = reset(state, step)
        if isinstance(step, AwaitStep) and step.id in state.facts:
            state = state.changed(step.id, timeouts={}, renewals=0)
    return replace(state, deadline_at=deadline_at or state.deadline_at)


def cancel(state: RunState) -> RunState:
    """Return the state of a run that a person stopped."""
    return replace(state, cancelled=True)
