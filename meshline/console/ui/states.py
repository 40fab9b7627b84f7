"""States as people read them: word, colour and icon of every stored state."""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """How one state is shown: its word, colour class ("" is neutral) and icon."""

    word: str
    kind: str
    icon: str


RUN = {
    "ready": Look("Ready", "", "circle-dashed"),
    "running": Look("Running", "accent", "loader"),
    "waiting": Look("Waiting", "warn", "timer"),
    "succeeded": Look("Succeeded", "good", "circle-check"),
    "failed": Look("Needs a person", "info", "hand"),
    "cancelled": Look("Cancelled", "", "minus"),
}
OUTCOME = {
    "straight": Look("Straight through", "good", "circle-check"),
    "recovered": Look("Recovered by retry", "info", "rotate-cw"),
    "person": Look("Needs a person", "bad", "hand"),
}
STEP = {
    "ready": Look("Not run", "muted", "circle-dashed"),
    "running": Look("Running", "accent", "loader"),
    "waiting": Look("Waiting", "warn", "timer"),
    "done": Look("Done", "good", "circle-check"),
    "failed": Look("Failed", "bad", "circle-x"),
    "skipped": Look("Skipped", "plum", "skip-forward"),
}
EFFECT = {
    "intent": Look("Intended", "accent", "circle-dot"),
    "done": Look("Done once", "good", "circle-check"),
    "refused": Look("Refused", "bad", "circle-x"),
    "unknown": Look("Unknown", "warn", "circle-question-mark"),
    "not_run": Look("Not run", "muted", "circle-dashed"),
}
HANDOFF = {
    "open": Look("Needs a person", "bad", "hand"),
    "claimed": Look("Somebody has it", "info", "user-round"),
    "snoozed": Look("Snoozed", "", "alarm-clock"),
    "resolved": Look("Resolved", "good", "circle-check"),
}
TIMER = {
    "running": Look("Running", "accent", "timer"),
    "paused": Look("Paused", "", "pause"),
    "met": Look("Kept", "good", "circle-check"),
    "breached": Look("Broken", "bad", "timer-off"),
    "cancelled": Look("Cancelled", "", "minus"),
}
EVENT = {
    "accepted": Look("Accepted", "good", "circle-check"),
    "ignored": Look("Kept, starts nothing", "", "archive"),
    "held": Look("Held", "warn", "pause"),
    "discarded": Look("Discarded", "", "trash"),
    "duplicate": Look("Duplicate, stopped", "plum", "copy-x"),
    "conflict": Look("Conflict", "bad", "triangle-alert"),
}
EXPECTATION = {
    "open": Look("Waiting", "warn", "timer"),
    "waiting": Look("Waiting", "warn", "timer"),
    "fulfilled": Look("Arrived", "good", "circle-check"),
    "expired": Look("Deadline passed", "bad", "timer-off"),
    "cancelled": Look("Cancelled", "", "minus"),
}
VERSION = {
    "draft": Look("Draft", "", "pencil-line"),
    "in_review": Look("In review", "plum", "eye"),
    "active": Look("Active", "good", "circle-check"),
    "published": Look("Published", "good", "circle-check"),
    "deprecated": Look("Deprecated", "warn", "archive"),
    "retired": Look("Retired", "", "archive"),
}
EXECUTION = {
    "running": Look("Running", "accent", "loader"),
    "waiting": Look("Waiting", "warn", "timer"),
    "recovered": Look("Recovered", "good", "rotate-cw"),
    "stopped": Look("Stopped", "", "square"),
    "escalated": Look("Escalated", "high", "siren"),
    "failed": Look("Failed", "bad", "circle-x"),
}
BACKFILL = {
    "planned": Look("Planned", "plum", "calendar-range"),
    "ready": Look("Ready", "", "circle-dashed"),
    "running": Look("Running", "accent", "loader"),
    "paused": Look("Paused", "warn", "pause"),
    "done": Look("Done", "good", "circle-check"),
    "finished": Look("Finished", "good", "circle-check"),
    "stopped": Look("Stopped", "", "square"),
    "failed": Look("Failed", "bad", "circle-x"),
    "repaired": Look("Repaired", "good", "circle-check"),
    "skipped": Look("Already right", "plum", "skip-forward"),
    "waiting": Look("Waiting", "", "circle-dashed"),
}
VERDICT = {
    "skip": Look("Skip, already done", "plum", "skip-forward"),
    "ask_again": Look("Ask again, same key", "accent", "play"),
    "run": Look("Run", "accent", "play"),
}
PROMISE = {
    "kept": Look("Kept", "good", "circle-check"),
    "broken": Look("Broken", "bad", "timer-off"),
    "at_risk": Look("At risk", "warn", "timer"),
    "running": Look("Running", "accent", "timer"),
    "paused": Look("Paused", "", "pause"),
}
RISK = {
    "critical": Look("Critical", "bad", ""),
    "high": Look("High", "high", ""),
    "medium": Look("Medium", "warn", ""),
    "low": Look("Low", "", ""),
}
DELIVERY = {
    "delivered": Look("Delivered", "good", "circle-check"),
    "pending": Look("Pending", "warn", "timer"),
    "failed": Look("Failed", "bad", "circle-x"),
}
KINDS = {
    "run": RUN, "step": STEP, "effect": EFFECT, "handoff": HANDOFF, "timer": TIMER, "event": EVENT,
    "expectation": EXPECTATION, "version": VERSION, "execution": EXECUTION, "backfill": BACKFILL,
    "verdict": VERDICT, "promise": PROMISE, "risk": RISK, "delivery": DELIVERY, "outcome": OUTCOME,
}  # fmt: skip


def look(state: object, thing: str = "") -> Look:
    """Return how the state of a `thing` ("run", "effect", …) is shown.

    Without a thing the first kind that knows the state decides. A state that nobody knows is
    shown as its own word, in neutral colour: a page must not break because a table grew.
    """
    name = str(state or "")
    tables = [KINDS[thing]] if thing in KINDS else list(KINDS.values())
    for table in tables:
        if name in table:
            return table[name]
    return Look(name.replace("_", " ").capitalize() or "—", "", "")
