"""What an engine did, in sentences: attempts of a run as lines that people read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from meshline.console.ui.times import duration
from orchestration.models import Attempt, Effect, EffectState, Event
from orchestration.rules.catalog import CATALOG
from orchestration.rules.causes import cause_of

SYSTEMS = {"helpdesk": "the help desk", "pager": "the pager", "mail": "mail", "shop": "the shop"}
DOTS = {"done": "good", "refused": "bad", "transient": "bad", "unknown": "warn", "noted": "accent"}
UNSURE = "circle-question-mark"
ICONS = {
    "deadline": "alarm-clock-off",
    "event": "radio",
    "handoff": "hand",
    "person": "user-round",
    "probe": "search-check",
    "look_up": "search-check",
}


@dataclass(frozen=True)
class Line:
    """One thing that happened: when, a sentence, what to say at its end, colour and icon."""

    at: datetime
    text: str
    small: str = ""
    end: str = ""
    dot: str = ""
    icon: str = "circle-dot"
    kind: str = ""
    times: int = 1
    until: datetime | None = None
    key: str = ""


def words_of(contract: str) -> str:
    """Return a contract's name as words: support.refund.requested is "Refund requested"."""
    parts = contract.split(".")
    return " ".join(parts[-2:]).replace("_", " ").capitalize() if contract else "Event"


def system_name(system: str) -> str:
    """Return an outside system's name inside a sentence."""
    return SYSTEMS.get(system, system or "the system")


def received_line(event: Event) -> Line:
    """Return the line that says how it began."""
    text = f"{words_of(event.contract or event.kind)}, from {system_name(event.source)}"
    return Line(event.received_at, text, end="in", dot="good", icon="radio", kind="info")


def lines_of(
    attempts: Sequence[Attempt],
    titles: Mapping[str, str],
    effects: Iterable[Effect] = (),
    *,
    stopped: bool = False,
) -> list[Line]:
    """Return attempts as lines, oldest first; the same trouble in a row is told once.

    `titles` names the steps by path, `effects` are the ledger's rows of the calls among them.
    `stopped`: a person is waited for now, since the last line.
    """
    lines: list[Line] = []
    last: Attempt | None = None
    loose = _unconfirmed(attempts, effects)
    for attempt in attempts:
        line = _line(attempt, titles)
        if attempt.pk in loose:
            text = f"{_operation_title(attempt)}: answered, not confirmed"
            line = replace(line, text=text, dot="warn", kind="warn", icon=UNSURE)
        if last is not None and _same(last, attempt):
            lines[-1] = _merged(lines[-1], line, attempt)
        else:
            lines.append(line)
        last = attempt
    if stopped and last is not None and last.kind == "handoff":
        lines[-1] = replace(lines[-1], end="now")
    return lines


def _unconfirmed(attempts: Iterable[Attempt], effects: Iterable[Effect]) -> set[UUID]:
    """Return the calls that were answered and then asked again, or whose effect is not done yet."""
    states = {effect.key: effect.state for effect in effects}
    answered: dict[str, list[UUID]] = {}
    for attempt in attempts:
        if attempt.kind == "call" and attempt.effect_key and attempt.outcome == "done":
            answered.setdefault(attempt.effect_key, []).append(attempt.pk)
    loose: set[UUID] = set()
    for key, calls in answered.items():
        done = states.get(key, EffectState.DONE) == EffectState.DONE
        loose.update(calls[:-1] if done else calls)
    return loose


def _same(one: Attempt, other: Attempt) -> bool:
    alike = (one.path, one.kind, one.operation) == (other.path, other.kind, other.operation)
    trouble = {one.outcome, other.outcome} <= {"transient", "unknown"}
    return alike and one.kind in ("call", "probe", "look_up") and trouble


def _merged(line: Line, new: Line, attempt: Attempt) -> Line:
    count = line.times + 1
    title = _operation_title(attempt)
    return replace(
        new,
        at=line.at,
        until=new.at,
        times=count,
        text=f"{title}: asked {count} times without an answer",
        small=" · ".join(dict.fromkeys(part for part in (line.small, new.small) if part)),
        end="backoff",
    )


def _line(attempt: Attempt, titles: Mapping[str, str]) -> Line:
    step = titles.get(attempt.path, attempt.path)
    shared: dict[str, Any] = {
        "dot": DOTS.get(attempt.outcome, "accent"),
        "icon": ICONS.get(attempt.kind) or _icon(attempt),
        "kind": DOTS.get(attempt.outcome, "") if attempt.outcome != "noted" else "",
        "key": attempt.effect_key,
    }
    match attempt.kind:
        case "deadline":
            return Line(
                attempt.started_at,
                f"{step}: silent until its deadline",
                **{**shared, "dot": "warn", "kind": "warn", "end": "deadline"},
            )
        case "event":
            return Line(
                attempt.started_at,
                _arrival(attempt),
                small=step,
                **{**shared, "dot": "good", "kind": "good", "end": "in"},
            )
        case "handoff":
            text = f"Handed to a person: {cause_of(attempt.reason)}"
            return Line(
                attempt.started_at,
                text,
                small=_explanation(attempt),
                **{**shared, "kind": "info"},
            )
        case "person":
            by = _detail(attempt).get("by", "somebody")
            return Line(
                attempt.started_at, f"Settled by hand by {by}", small=attempt.reason, **shared
            )
    return _call_line(attempt, shared)


def _call_line(attempt: Attempt, shared: dict[str, Any]) -> Line:
    title = _operation_title(attempt)
    took = duration(attempt.ended_at - attempt.started_at) if attempt.ended_at else "under way"
    found = _detail(attempt).get("id") or _detail(attempt).get("message_id") or ""
    texts = {
        "done": f"{title}: done",
        "refused": f"{title}: refused by {_system(attempt)}",
        "transient": f"{title}: {_system(attempt)} did not take it",
        "unknown": f"{title}: no clear answer from {_system(attempt)}",
        "": f"{title}: asked",
    }
    if attempt.outcome == "done" and _detail(attempt).get("adopted"):
        texts["done"] = f"{title}: found done by other hands, adopted"
    small = attempt.reason or str(found)
    text = texts.get(attempt.outcome, f"{title}: {attempt.outcome}")
    return Line(attempt.started_at, text, small=small, end=took, **shared)


def _arrival(attempt: Attempt) -> str:
    contract, _, rest = attempt.reason.partition(" ")
    return f"{words_of(contract)} arrived" if rest == "arrived" else attempt.reason.capitalize()


def _operation_title(attempt: Attempt) -> str:
    operation = CATALOG.get(attempt.operation)
    return operation.title if operation else attempt.operation or attempt.path


def _system(attempt: Attempt) -> str:
    return system_name(attempt.operation.partition(".")[0])


def _icon(attempt: Attempt) -> str:
    if attempt.outcome in ("refused", "transient"):
        return "circle-x"
    if attempt.outcome == "unknown":
        return UNSURE
    operation = CATALOG.get(attempt.operation)
    if operation is not None and operation.money:
        return "banknote"
    return {"mail": "mail", "pager": "bell-ring", "shop": "shopping-cart"}.get(
        attempt.operation.partition(".")[0], "circle-check"
    )


def _explanation(attempt: Attempt) -> str:
    """What is known beside the cause; a reason's code is no sentence."""
    told = str(_detail(attempt).get("detail", ""))
    return "" if told == attempt.reason else told


def _detail(attempt: Attempt) -> dict[str, Any]:
    return attempt.detail if isinstance(attempt.detail, dict) else {}


def titles_of(steps: Sequence[Any]) -> dict[str, str]:
    """Return the titles of a run's steps by their paths."""
    return {step.path: step.title for step in steps}


def span_of(lines: Sequence[Line]) -> timedelta:
    """Return how long it took from the first line to the last."""
    return lines[-1].at - lines[0].at if lines else timedelta(0)
