"""Where a flow can go: targets that exist, loops with a bound, steps that are reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from meshline.core.findings import Finding
from orchestration.rules.flow_spec import (
    END,
    AwaitStep,
    BranchStep,
    CallStep,
    FlowSpec,
    GiveUp,
    Goto,
    HandoffStep,
    RepeatFrom,
    RetryFrom,
    Step,
)


def graph_findings(spec: FlowSpec, value: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with the ways through a flow; lines are 0."""
    names = list(_names(spec))
    yield from names
    if names:
        return  # a name that stands twice makes every target ambiguous
    targets = [found for index in range(len(spec.steps)) for found in _targets(spec, index)]
    yield from targets
    for index, step in enumerate(spec.steps):
        if isinstance(step, AwaitStep):
            entries = value["steps"][index].get("on_timeout", ())
            yield from _timeout_moves(spec, index, step, entries)
    if not targets:
        yield from _unreachable(spec)


def _names(spec: FlowSpec) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for index, step in enumerate(spec.steps):
        used = [step.id, *([step.was] if isinstance(step, CallStep) and step.was else [])]
        for name in used:
            if name in seen:
                message = f"The name {name!r} belongs to step {seen[name] + 1} already."
                key = "id" if name == step.id else "was"
                yield Finding(f"/steps/{index}/{key}", 0, message, "Give every step its own name.")
            seen.setdefault(name, index)


def _gotos(step: Step) -> list[tuple[str, Goto]]:
    """Return every Goto of a step with its place in the step's entry."""
    found: list[tuple[str, object]] = []
    if isinstance(step, BranchStep):
        found = [(f"/branch/{i}/goto", case.target) for i, case in enumerate(step.cases)]
        found.append(("/default/goto", step.default))
    elif isinstance(step, CallStep):
        found = [("/refused/goto", step.refused)]
    return [(at, target) for at, target in found if isinstance(target, Goto)]


def _targets(spec: FlowSpec, index: int) -> Iterator[Finding]:
    ids = [step.id for step in spec.steps]
    for place, goto in _gotos(spec.steps[index]):
        at = f"/steps/{index}{place}"
        if goto.step in (None, END):
            continue
        if goto.step not in ids:
            yield Finding(at, 0, f"There is no step {goto.step!r}.", _choose(ids[index + 1 :]))
        elif ids.index(goto.step) <= index:
            yield Finding(
                at,
                0,
                f"The step {goto.step!r} comes before this one: the run could go round for ever.",
                f"{_choose(ids[index + 1 :])} To ask again, use retry_from with times.",
            )


def _timeout_moves(
    spec: FlowSpec, index: int, step: AwaitStep, entries: list[Mapping[str, Any]]
) -> Iterator[Finding]:
    earlier = {one.id: one for one in spec.steps[:index]}
    calls = [name for name, one in earlier.items() if isinstance(one, CallStep)]
    for number, move in enumerate(step.on_timeout):
        at = f"/steps/{index}/on_timeout/{number}"
        if isinstance(move, GiveUp) and number + 1 < len(step.on_timeout):
            message = "Nothing after this handoff is ever tried."
            yield Finding(at, 0, message, "Put the handoff last.")
        if not isinstance(move, RetryFrom | RepeatFrom):
            continue
        word = "retry_from" if isinstance(move, RetryFrom) else "repeat_from"
        if move.step not in earlier:
            message = f"{word} names {move.step!r}, which is no step before this one."
            yield Finding(f"{at}/{word}", 0, message, _choose(calls))
        elif move.step not in calls:
            message = f"{word} names {move.step!r}, which calls nothing."
            yield Finding(f"{at}/{word}", 0, message, _choose(calls))
        if "times" not in entries[number]:
            message = f"This {word} has no bound: the run could ask for ever."
            yield Finding(at, 0, message, "Add times: with a number from 1 to 20.")


def _unreachable(spec: FlowSpec) -> Iterator[Finding]:
    reached: set[int] = set()
    front = [0]
    while front:
        index = front.pop()
        if index in reached or index >= len(spec.steps):
            continue
        reached.add(index)
        front += _next(spec, index)
    for index, step in enumerate(spec.steps):
        if index not in reached:
            yield Finding(
                f"/steps/{index}",
                0,
                f"The step {step.id!r} is never reached.",
                "Remove it, or let a step before it lead there.",
            )


def _next(spec: FlowSpec, index: int) -> list[int]:
    step = spec.steps[index]
    jumps = [goto for _, goto in _gotos(step)]
    following = [index + 1] if step.when is not None else []
    match step:
        case BranchStep():
            pass  # its default is among the jumps, unless it hands over
        case HandoffStep():
            following += [index + 1] if step.goes_on else []
        case _:
            following.append(index + 1)
    for goto in jumps:
        if goto.step is None:
            following.append(index + 1)
        elif goto.step != END:
            following.append(spec.position(goto.step))
    return following


def _choose(ids: list[str]) -> str:
    return f"Choose one of: {', '.join(ids)}." if ids else "There is none to choose."
