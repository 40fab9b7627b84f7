"""Where a runbook can lead: targets that exist, steps that are reached, ends after the log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from meshline.core.findings import Finding
from runbooks.rules.action_catalog import ACTIONS

_Step = Mapping[str, Any]


def targets_of(step: _Step) -> dict[str, str]:
    """Return where a step can lead, by its place in the document: "next", "outcomes/success"."""
    found = {key: step[key] for key in ("next", "default") if key in step}
    found |= {f"cases/{i}/next": case["next"] for i, case in enumerate(step.get("cases", ()))}
    found |= {f"outcomes/{name}": target for name, target in step.get("outcomes", {}).items()}
    return found


def graph_findings(value: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with the ways through a runbook; lines are 0."""
    steps = value["steps"]
    at = {step["id"]: f"/steps/{index}" for index, step in enumerate(steps)}
    if len(at) != len(steps):
        yield from _doubled(steps)
        return
    dangling = list(_dangling(value, at))
    yield from dangling
    if dangling:
        return
    by_id = {step["id"]: step for step in steps}
    reached = _reach(by_id, value["start"])
    for step in steps:
        if step["id"] not in reached:
            message = f"The step {step['id']!r} is never reached."
            yield Finding(at[step["id"]], 0, message, "Remove it, or let a step lead there.")
    yield from _ends(by_id, reached, value["start"], at)


def _doubled(steps: list[_Step]) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, step in enumerate(steps):
        if step["id"] in seen:
            message = f"Two steps are named {step['id']!r}."
            yield Finding(f"/steps/{index}/id", 0, message, "Give every step its own name.")
        seen.add(step["id"])


def _dangling(value: Mapping[str, Any], at: Mapping[str, str]) -> Iterator[Finding]:
    known = ", ".join(at)
    if value["start"] not in at:
        message = f"It starts at {value['start']!r}, which is no step."
        yield Finding("/start", 0, message, f"Steps: {known}.")
    for index, step in enumerate(value["steps"]):
        targets = targets_of(step)
        for place, target in targets.items():
            if target not in at:
                message = f"It leads to {target!r}, which is no step."
                yield Finding(f"/steps/{index}/{place}", 0, message, f"Steps: {known}.")
        if not targets and "end" not in step:
            message = f"The step {step['id']!r} leads nowhere and does not end."
            yield Finding(f"/steps/{index}", 0, message, "Add next:, outcomes: or end:.")
        if targets and "end" in step:
            message = f"The step {step['id']!r} ends, and yet leads on."
            yield Finding(f"/steps/{index}/end", 0, message, "Remove end: or the targets.")


def _reach(by_id: Mapping[str, _Step], start: str, *, around_log: bool = False) -> set[str]:
    """Return the steps reached from `start`; `around_log`: without passing the incident log."""
    reached: set[str] = set()
    front = [start]
    while front:
        name = front.pop()
        if name in reached or (around_log and _records(by_id[name])):
            continue
        reached.add(name)
        front += targets_of(by_id[name]).values()
    return reached


def _ends(
    by_id: Mapping[str, _Step], reached: set[str], start: str, at: Mapping[str, str]
) -> Iterator[Finding]:
    for name in sorted(_reach(by_id, start, around_log=True)):
        if "end" in by_id[name]:
            yield Finding(
                f"{at[name]}/end",
                0,
                f"The execution can end at {name!r} without a word in the incident log.",
                "Let it lead to a step with action: incident.log, and end there.",
            )
    ending = {name for name in reached if "end" in by_id[name]}
    closed_in = [name for name in sorted(reached) if not _reach(by_id, name) & ending]
    for name in closed_in:
        message = f"From the step {name!r} no end can be reached."
        yield Finding(at[name], 0, message, "Let one of its ways lead to an end.")


def _records(step: _Step) -> bool:
    action = ACTIONS.get(step.get("action", ""))
    return action is not None and action.records
