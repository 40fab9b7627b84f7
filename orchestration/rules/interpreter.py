"""What a run does next: settle() makes the moves that need nobody, next_action() names the next.

Pure: facts and an instant in, a decision out. How facts change is in advance.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from meshline.core.safejson import Json
from orchestration.rules.advance import after_timeout
from orchestration.rules.catalog import CATALOG, Catalog
from orchestration.rules.expressions import (
    ExpressionFailed,
    ExpressionRefused,
    evaluate,
    holds,
    render,
)
from orchestration.rules.fact_moves import failed, flow_scope, jumped, reason_of
from orchestration.rules.flow_spec import (
    END,
    AwaitStep,
    BranchStep,
    CallStep,
    FlowSpec,
    Goto,
    HandoffStep,
    Probe,
    Step,
    TransitionStep,
    WaitStep,
)
from orchestration.rules.run_state import (
    PASSED,
    Decision,
    Finish,
    HandOver,
    Move,
    Perform,
    ProbeInfo,
    Retry,
    RunState,
    Sleep,
    StepFacts,
    Wait,
)

# A call that took its worker down this often beyond its policy is taken away from workers.
CRASH_ALLOWANCE = 3

_Scope = Mapping[str, Json]
_Bad = (ExpressionFailed, ExpressionRefused)


def starts(spec: FlowSpec, scope: _Scope) -> bool:
    """Say whether the trigger's guard lets this event start a run."""
    if spec.trigger.when is None:
        return True
    return holds(spec.trigger.when, {**scope, "constants": spec.constants}, context="flow")


def current(spec: FlowSpec, state: RunState) -> Step | None:
    """Return the step at which the run stands, or None at its end."""
    index = 0
    while index < len(spec.steps):
        step = spec.steps[index]
        facts = state.of(step.id)
        if facts.state not in PASSED and not (facts.state == "failed" and facts.goto):
            return step
        if facts.goto == END:
            return None
        index = spec.position(facts.goto) if facts.goto else index + 1
    return None


def settle(spec: FlowSpec, state: RunState, scope: _Scope, *, now: datetime) -> RunState:
    """Return the state after every move that needs no call and no waiting.

    Guards, branches, times that have come, and awaits whose deadline has passed. The caller
    stores what changed (`difference`).
    """
    while not state.cancelled and (step := current(spec, state)) is not None:
        settled = _settled(spec, state, step, flow_scope(spec, state, scope), now)
        if settled == state:
            break
        state = settled
    return state


def next_action(
    spec: FlowSpec,
    state: RunState,
    scope: _Scope,
    *,
    now: datetime,
    catalog: Catalog = CATALOG,
) -> Decision:
    """Return what to do next. `scope` holds event, run, customer and ticket."""
    state = settle(spec, state, scope, now=now)
    if state.cancelled:
        return Finish("cancelled")
    step = current(spec, state)
    if step is None:
        return Finish("succeeded")
    facts = state.of(step.id)
    if facts.state == "failed" and facts.error is not None:
        return HandOver(step.id, facts.error.reason, facts.error.runbook, facts.error.detail)
    if _deadline_passed(state, facts, now):
        detail = "The run took longer than its flow allows."
        return HandOver(step.id, "run_deadline", step.route.runbook, detail)
    try:
        return _decision(spec, state, step, flow_scope(spec, state, scope), now, catalog)
    except _Bad as error:
        return _step_error(step, f"{error.message} {error.remedy}")


def _settled(spec: FlowSpec, state: RunState, step: Step, scope: _Scope, now: datetime) -> RunState:
    facts = state.of(step.id)
    try:
        if facts.state == "ready" and not _guard_holds(step, facts, scope):
            return state.with_facts(step.id, StepFacts(state="skipped", visit=facts.visit))
        match step:
            case BranchStep() if facts.state == "ready":
                return _branched(spec, state, step, scope)
            case AwaitStep() if facts.state == "waiting" and facts.move is None:
                if facts.due_at is not None and facts.due_at <= now:
                    return after_timeout(spec, state, step.id, scope=scope, now=now)
            case WaitStep() if facts.state == "waiting":
                if facts.due_at is not None and facts.due_at <= now:
                    return state.changed(step.id, state="done")
    except _Bad as error:
        return failed(state, step, "step_error", f"{error.message} {error.remedy}")
    return state


def _guard_holds(step: Step, facts: StepFacts, scope: _Scope) -> bool:
    """Judge the guard once, before the first try; a step opened again was let in before."""
    if step.when is None or facts.attempts or facts.result is not None:
        return True
    return holds(step.when, scope, context="flow")


def _branched(spec: FlowSpec, state: RunState, step: BranchStep, scope: _Scope) -> RunState:
    chosen = next(
        (case.target for case in step.cases if holds(case.when, scope, context="flow")),
        step.default,
    )
    if isinstance(chosen, Goto):
        return jumped(spec, state.changed(step.id, state="done", goto=chosen.step), step.id)
    return failed(state, step, chosen.reason, _said(chosen.detail, scope), chosen.runbook)


def _decision(
    spec: FlowSpec,
    state: RunState,
    step: Step,
    scope: _Scope,
    now: datetime,
    catalog: Catalog,
) -> Decision:
    facts = state.of(step.id)
    match step:
        case CallStep():
            return _call(step, facts, scope, now, catalog)
        case AwaitStep():
            return _await(step, facts, scope, now)
        case WaitStep():
            return _wait(step, facts, scope, now)
        case TransitionStep():
            subject = _text(render(step.subject, scope, context="flow"), "subject")
            return Move(step.id, step.contract, subject, step.to)
        case HandoffStep():
            target = step.target
            runbook = target.runbook or step.route.runbook
            detail = _said(target.detail, scope)
            return HandOver(step.id, target.reason, runbook, detail, step.goes_on)
        case BranchStep():  # settled above
            return _step_error(step, "The branch could not be decided.")


def _call(
    step: CallStep, facts: StepFacts, scope: _Scope, now: datetime, catalog: Catalog
) -> Decision:
    operation = catalog[step.operation]
    crashed = facts.state == "running"
    if crashed and operation.is_effect and operation.safety == "manual":
        return _gave_up(step, "unknown_outcome", "The worker died in the middle of the call.")
    if crashed and facts.attempts >= step.retry.attempts + CRASH_ALLOWANCE:
        reason = "unknown_outcome" if operation.is_effect else "retries_exhausted"
        return _gave_up(step, reason, f"{facts.attempts} workers died in the middle of the call.")
    if facts.retry_at is not None and facts.retry_at > now:
        return Retry(step.id, facts.retry_at)
    arguments = render(step.arguments, scope, context="flow")
    problems = operation.problems(arguments)
    if problems:
        told = "; ".join(f"{one.path or 'arguments'} ({one.rule})" for one in problems[:5])
        return _step_error(step, f"The arguments of {operation.name} do not fit: {told}.")
    reask = facts.reask or crashed
    return Perform(
        path=step.id,
        operation=step.operation,
        args=arguments,
        reask=reask,
        look_up_first=bool(step.look_up_first) or (reask and operation.is_effect),
        redo=facts.redo,
        effect_path=step.effect_path,
        attempt=facts.attempts + 1,
    )


def _await(step: AwaitStep, facts: StepFacts, scope: _Scope, now: datetime) -> Decision:
    move = None if facts.move is None else step.on_timeout[facts.move]
    if isinstance(move, Probe) and facts.move is not None:
        if facts.retry_at is not None and facts.retry_at > now:
            return Retry(step.id, facts.retry_at)
        return Perform(
            path=step.id,
            operation=move.operation,
            args=render(move.arguments, scope, context="flow"),
            attempt=facts.probes + 1,
            probe=ProbeInfo(facts.move, move.satisfied_when),
        )
    opening = facts.state == "ready" or facts.due_at is None
    if opening:
        key, due_at = _text(render(step.key, scope, context="flow"), "key"), now + step.within
        earlier = tuple(old for old in facts.keys if old != key)
    else:
        key, due_at = facts.keys[-1], facts.due_at or now
        earlier = facts.keys[:-1]
    return Wait(
        path=step.id,
        contract=step.contract,
        version=step.version,
        key=key,
        until=step.until,
        due_at=due_at,
        opening=opening,
        earlier_keys=earlier,
    )


def _wait(step: WaitStep, facts: StepFacts, scope: _Scope, now: datetime) -> Sleep:
    if facts.due_at is not None and facts.state == "waiting":
        return Sleep(step.id, facts.due_at, opening=False)
    if step.until is None:
        return Sleep(step.id, now + (step.duration or timedelta(0)), opening=True)
    text = _text(evaluate(step.until, scope, context="flow"), "instant")
    try:
        until = datetime.fromisoformat(text)
    except ValueError:
        raise ExpressionFailed(
            f"The step {step.id!r} waits until {text[:40]!r}, which is no instant.",
            remedy="Give RFC 3339 text with a zone, like 2026-01-05T10:00:00Z.",
        ) from None
    return Sleep(step.id, until if until.tzinfo else until.replace(tzinfo=UTC), opening=True)


def _deadline_passed(state: RunState, facts: StepFacts, now: datetime) -> bool:
    """Say whether the run is too late; a renewed await still within its time is progress."""
    if state.deadline_at is None or now < state.deadline_at:
        return False
    renewed = facts.state == "waiting" and facts.renewals > 0 and facts.move is None
    return not (renewed and facts.due_at is not None and facts.due_at > now)


def _gave_up(step: Step, reason: str, detail: str) -> HandOver:
    return HandOver(step.id, reason_of(step, reason), step.route.runbook, detail)


def _step_error(step: Step, detail: str) -> HandOver:
    return HandOver(step.id, "step_error", step.route.runbook, detail)


def _said(detail: str | None, scope: _Scope) -> str:
    return "" if detail is None else str(render(detail, scope, context="flow"))


def _text(value: Json, thing: str) -> str:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ExpressionFailed(
        f"The {thing} came out as {type(value).__name__} instead of text.",
        remedy="Read a field that is always there.",
    )
