"""Build a FlowSpec from a flow document whose shape is right; decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshline.core.durations import parse_duration
from orchestration.rules.catalog import CATALOG
from orchestration.rules.flow_spec import (
    END,
    AwaitStep,
    BranchStep,
    CallStep,
    Case,
    FlowSpec,
    GiveUp,
    Goto,
    HandoffStep,
    Probe,
    Renew,
    RepeatFrom,
    RetryFrom,
    Route,
    Step,
    Target,
    TimeoutMove,
    TransitionStep,
    Trigger,
    WaitStep,
)
from orchestration.rules.retry import DEFAULT_POLICY, RetryPolicy

_Value = Mapping[str, Any]

DEFAULT_TIMEOUT_REASON = "callback_timeout"
UNBOUNDED = 1  # a loop without `times` is refused by the check; never build an endless one


def build_flow(value: _Value) -> FlowSpec:
    """Return the FlowSpec of a well-shaped document. Raises: BadValue for a bad duration."""
    route = _route(value.get("exception_route"))
    trigger = value["trigger"]
    return FlowSpec(
        name=value["name"],
        version=int(value["version"]),
        title=value["title"],
        risk=value["risk"],
        owner=value["owner"],
        trigger=Trigger(trigger["contract"], trigger.get("version", "*"), trigger.get("when")),
        ticket=value["ticket"],
        customer=value.get("customer"),
        order=value.get("order"),
        impact=value.get("impact"),
        deadline=parse_duration(value["deadline"]),
        route=route,
        constants=value.get("constants", {}),
        steps=tuple(_step(entry, route) for entry in value["steps"]),
    )


def kind_of(entry: _Value) -> str:
    """Return the kind of a step's entry: the key that names it."""
    kinds = ("call", "await", "branch", "wait", "transition", "handoff", "each", "call_flow")
    return next(kind for kind in kinds if kind in entry)


def _step(entry: _Value, route: Route | None) -> Step:
    shared: dict[str, Any] = {
        "id": entry["id"],
        "title": entry.get("title") or _plain_title(entry),
        "when": entry.get("when"),
        "route": _route(entry.get("exception_route")) or route or Route(""),
    }
    match kind_of(entry):
        case "call":
            return _call(entry, shared)
        case "await":
            return _await(entry, shared)
        case "branch":
            return _branch(entry, shared)
        case "wait":
            return _wait(entry["wait"], shared)
        case "transition":
            move = entry["transition"]
            return TransitionStep(
                **shared, contract=move["contract"], subject=move["subject"], to=move["to"]
            )
        case _:
            handoff = entry["handoff"]
            return HandoffStep(
                **shared, target=_give_up(handoff), goes_on=handoff.get("continue", False)
            )


def _call(entry: _Value, shared: dict[str, Any]) -> CallStep:
    return CallStep(
        **shared,
        operation=entry["call"],
        arguments=entry.get("with", {}),
        look_up_first=tuple(entry.get("look_up_first", {}).get("by", ())),
        retry=RetryPolicy.of(entry["retry"]) if "retry" in entry else DEFAULT_POLICY,
        compensate=entry.get("compensate"),
        refused=_target(entry["refused"]) if "refused" in entry else None,
        was=entry.get("was"),
    )


def _await(entry: _Value, shared: dict[str, Any]) -> AwaitStep:
    awaited, renew = entry["await"], entry.get("renew")
    moves = [_timeout_move(move) for move in entry.get("on_timeout", ())]
    if not moves or not isinstance(moves[-1], GiveUp):
        moves.append(GiveUp(DEFAULT_TIMEOUT_REASON))
    return AwaitStep(
        **shared,
        contract=awaited["contract"],
        version=awaited.get("version", "*"),
        key=awaited["key"],
        within=parse_duration(awaited["within"]),
        until=awaited.get("until"),
        renew=renew and Renew(renew["when"], parse_duration(renew["within"]), renew["times"]),
        result=entry.get("result"),
        on_timeout=tuple(moves),
    )


def _timeout_move(move: _Value) -> TimeoutMove:
    if "probe" in move:
        return Probe(move["probe"], move["with"], move["satisfied_when"], move.get("result"))
    if "retry_from" in move:
        return RetryFrom(move["retry_from"], move.get("times", UNBOUNDED))
    if "repeat_from" in move:
        return RepeatFrom(move["repeat_from"], move.get("times", UNBOUNDED))
    return _give_up(move["handoff"])


def _branch(entry: _Value, shared: dict[str, Any]) -> BranchStep:
    cases = tuple(Case(case["when"], _target(case)) for case in entry["branch"])
    default = _target(entry["default"]) if "default" in entry else Goto(None)
    return BranchStep(**shared, cases=cases, default=default)


def _wait(wait: Any, shared: dict[str, Any]) -> WaitStep:
    if isinstance(wait, str):
        return WaitStep(**shared, duration=parse_duration(wait))
    return WaitStep(**shared, until=wait["until"])


def _target(entry: _Value) -> Target:
    if "handoff" in entry:
        return _give_up(entry["handoff"])
    if "goto" in entry:
        return Goto(entry["goto"])
    return Goto(END) if "end" in entry else Goto(None)


def _give_up(entry: _Value) -> GiveUp:
    return GiveUp(entry.get("reason", ""), entry.get("runbook"), entry.get("detail"))


def _route(entry: _Value | None) -> Route | None:
    return Route(entry["runbook"], entry.get("reason")) if entry else None


def _plain_title(entry: _Value) -> str:
    """Return a title for a step that has none: its operation's, or its id in words."""
    if "call" in entry and entry["call"] in CATALOG:
        return CATALOG[entry["call"]].title
    words = str(entry["id"]).replace("_", " ")
    return words[:1].upper() + words[1:]
