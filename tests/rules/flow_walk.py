"""Walk a flow through the interpreter with a scripted vendor: no database, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from meshline.core.safejson import Json
from orchestration.rules import advance, interpreter
from orchestration.rules.flow_spec import FlowSpec
from orchestration.rules.outcomes import Done, Outcome
from orchestration.rules.run_state import Finish, HandOver, Perform, Retry, RunState, Wait

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_MOST_DECISIONS = 200

Script = Mapping[str, Outcome | Mapping[str, Json] | Callable[[Perform], Outcome]]


@dataclass
class Walk:
    """What happened: the calls in their order, how long it took, and how it ended."""

    calls: list[Perform] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    end: HandOver | Finish | None = None
    now: datetime = START

    @property
    def operations(self) -> list[str]:
        """The names of the operations that were called."""
        return [call.operation for call in self.calls]

    def args_of(self, operation: str) -> Mapping[str, Any]:
        """The arguments of the only call of an operation."""
        (call,) = [call for call in self.calls if call.operation == operation]
        return call.args


def scope_of(event: Mapping[str, Any], **more: Json) -> dict[str, Json]:
    """What a run's expressions read: the event, its ticket and customer as intake found them."""
    data = event["data"]
    key = str(more.pop("ticket", data.get("ticket_id", "")))
    customer = {"id": data.get("customer_id"), "email": data.get("email"), "name": data.get("name")}
    return {
        "event": dict(event),
        "run": {"id": "run-1", "ticket": key, "event_id": "event-1", "flow": "", "version": 1},
        "ticket": {"key": key, "id": key.partition(":")[2], "system": "desk", "url": ""},
        "customer": customer,
        **more,
    }


def walk(
    spec: FlowSpec,
    scope: Mapping[str, Json],
    script: Script,
    *,
    arrivals: Sequence[Mapping[str, Any] | None] = (),
) -> Walk:
    """Drive the flow to its end. The n-th wait gets the n-th arrival; None lets its time pass."""
    story, coming = Walk(), iter(arrivals)
    state = RunState(deadline_at=START + spec.deadline)
    for _ in range(_MOST_DECISIONS):
        state = interpreter.settle(spec, state, scope, now=story.now)
        decision = interpreter.next_action(spec, state, scope, now=story.now)
        match decision:
            case Perform():
                story.calls.append(decision)
                state = advance.attempt_started(state, decision, now=story.now)
                state = advance.after_outcome(
                    spec,
                    state,
                    decision,
                    _answer(script, decision),
                    scope=scope,
                    now=story.now,
                    jitter=0.5,
                )
            case Wait():
                state = _waited(spec, state, scope, decision, story, coming)
            case Retry():
                story.now = decision.at
            case HandOver() | Finish():
                story.end = decision
                return story
            case _:
                raise AssertionError(f"{spec.name} does not say what to do: {decision}")
    raise AssertionError(f"{spec.name} does not come to an end.")


def _waited(
    spec: FlowSpec,
    state: RunState,
    scope: Mapping[str, Json],
    wait: Wait,
    story: Walk,
    coming: Iterator[Mapping[str, Any] | None],
) -> RunState:
    if wait.opening:
        story.waits.append(wait)
        state = advance.wait_opened(state, wait, now=story.now)
    arrived = next(coming, None)
    if arrived is None:
        story.now = wait.due_at
        return state
    return advance.after_event(spec, state, wait.path, arrived, scope=scope, now=story.now)


def _answer(script: Script, call: Perform) -> Outcome:
    said = script[call.operation]
    if callable(said):
        return said(call)
    return Done(said) if isinstance(said, Mapping) else said


def walk_event(
    spec: FlowSpec, event: Mapping[str, Any], script: Script, *arrivals: Any, **more: Json
) -> Walk:
    """Walk the flow for an event; `more` stands in its scope too (`ticket` is the ticket's key)."""
    return walk(spec, scope_of(event, **more), script, arrivals=arrivals)


def handed(walked: Walk) -> tuple[str, str]:
    """Return the reason and runbook of the handoff that a walk ended with."""
    assert isinstance(walked.end, HandOver), walked.end
    return walked.end.reason, walked.end.runbook
