"""The moves that changes of a run's facts are made of: fail, jump, open a step again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from meshline.core.safejson import Json
from orchestration.rules.flow_spec import (
    END,
    CallStep,
    FlowSpec,
    RepeatFrom,
    RetryFrom,
    Step,
)
from orchestration.rules.run_state import RunState, StepError, StepFacts

_Scope = Mapping[str, Json]


def flow_scope(spec: FlowSpec, state: RunState, scope: _Scope) -> dict[str, Json]:
    """Return the scope with `steps` (results so far) and `constants` filled in."""
    return {**scope, "steps": steps_scope(spec, state), "constants": spec.constants}


def steps_scope(spec: FlowSpec, state: RunState) -> dict[str, Json]:
    """Return the results of finished steps by id."""
    known = ((step.id, state.of(step.id)) for step in spec.steps)
    return {
        path: facts.result
        for path, facts in known
        if facts.result is not None and (facts.state == "done" or facts.goto)
    }


def asked_again(state: RunState, move: RetryFrom | RepeatFrom) -> RunState:
    """Open the call that a move goes back to: under the same key, or under the next one."""
    facts = state.of(move.step)
    again = replace(facts, state="ready", attempts=0, visit=facts.visit + 1, retry_at=None)
    if isinstance(move, RetryFrom):
        again = replace(again, reask=True)
    else:
        again = replace(again, redo=facts.redo + 1, reask=False)
    return state.with_facts(move.step, again)


def reopened(
    spec: FlowSpec, state: RunState, move: RetryFrom | RepeatFrom, awaiting: str
) -> RunState:
    """Open the call again, and everything but finished calls up to the await and itself."""
    state = asked_again(state, move)
    first, last = spec.position(move.step) + 1, spec.position(awaiting)
    for step in spec.steps[first : last + 1]:
        state = reset(state, step)
    return state


def reset(state: RunState, step: Step) -> RunState:
    """Open a step again unless it is a finished call: what was done stays done."""
    facts = state.of(step.id)
    if facts == StepFacts() or (isinstance(step, CallStep) and facts.state == "done"):
        return state
    fresh = StepFacts(
        visit=facts.visit + 1,
        redo=facts.redo,
        reask=facts.reask,
        renewals=facts.renewals,
        timeouts=facts.timeouts,
        keys=facts.keys,
    )
    return state.with_facts(step.id, fresh)


def failed(
    state: RunState, step: Step, reason: str, detail: str, runbook: str | None = None
) -> RunState:
    """Return the state after a step failed for good: it goes along its exception route."""
    error = StepError(reason_of(step, reason), runbook or step.route.runbook, detail)
    return state.changed(step.id, state="failed", error=error, move=None, retry_at=None)


def reason_of(step: Step, reason: str) -> str:
    """Return the handoff's reason: the document's own word for it, where it gives one."""
    return step.route.reason or reason


def jumped(spec: FlowSpec, state: RunState, path: str) -> RunState:
    """Mark the steps that a jump leaves out as skipped."""
    goto = state.of(path).goto
    if goto is None:
        return state
    last = len(spec.steps) if goto == END else spec.position(goto)
    for step in spec.steps[spec.position(path) + 1 : last]:
        if state.of(step.id).state == "ready":
            state = state.changed(step.id, state="skipped")
    return state


def following(spec: FlowSpec, path: str) -> str:
    index = spec.position(path) + 1
    return spec.steps[index].id if index < len(spec.steps) else END
