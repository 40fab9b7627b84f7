"""A run's timeline: steps as bars over one time axis, for the waterfall of the UI kit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from meshline.console.history import system_name
from meshline.console.ui import states
from meshline.console.ui.times import duration
from orchestration.models import Attempt, Expectation
from orchestration.queries.run_story import RunStory, StepStory

BARS = {"done": "good", "refused": "bad", "transient": "bad", "unknown": "warn", "": "accent"}
TICKS = 5  # six times of day with seconds would touch each other
SHORT = timedelta(seconds=10)
LEAST = timedelta(milliseconds=200)
WORDS = 26  # of a bar's text
LETTER = 0.012  # of the width, roughly

Bar = tuple[float, float, str, str]


@dataclass(frozen=True)
class Axis:
    """From when to when the timeline reaches."""

    start: datetime
    end: datetime

    def at(self, moment: datetime) -> float:
        """Return a moment's place, 0…1."""
        return (moment - self.start) / (self.end - self.start)

    def bar(self, start: datetime, end: datetime | None, kind: str, text: str = "") -> Bar:
        """Return a bar; without an end it reaches to the edge."""
        left = min(max(self.at(start), 0.0), 1.0)
        right = min(self.at(end or self.end), 1.0)
        return (left, max(right - left, 0.0), kind, text)

    def ticks(self) -> list[tuple[float, str]]:
        """Return evenly spaced times of day, as fine as the span asks for; or seconds since."""
        span = self.end - self.start
        places = [n / (TICKS - 1) for n in range(TICKS)]
        if span < SHORT:
            return [(place, f"{span.total_seconds() * place:.1f} s") for place in places]
        shape = "%H:%M:%S" if span < timedelta(minutes=5) else "%H:%M"
        if span > timedelta(days=2):
            shape = "%d %b"
        return [
            (place, f"{timezone.localtime(self.start + span * place):{shape}}") for place in places
        ]


def axis_of(story: RunStory, now: datetime) -> Axis:
    """Return the span of a run: from the receipt to its end, or to now while it goes on."""
    start = story.event.event.received_at if story.event else story.run.created_at
    if story.run.replay_of:
        start = story.run.created_at
    end = story.run.finished_at or _last_touch(story) or now
    if story.run.state in ("ready", "running", "waiting"):
        end = max(now, *(wait.due_at for wait in _open_waits(story)), end)
    return Axis(start, max(end, start + LEAST))


def _last_touch(story: RunStory) -> datetime | None:
    moments = [attempt.ended_at or attempt.started_at for attempt in story.attempts]
    return max(moments) if moments and story.run.state == "failed" else None


def _open_waits(story: RunStory) -> Iterable[Expectation]:
    return (wait for step in story.steps for wait in step.waits if wait.state == "open")


def rows_of(story: RunStory, axis: Axis) -> list[dict[str, Any]]:
    """Return the waterfall's rows: receipt, every step of the flow, the handoffs."""
    rows = [_receipt(story, axis)] if story.event else []
    rows += [_step(step, story, axis) for step in story.steps]
    rows += [_handoff(handoff, axis) for handoff in reversed(story.handoffs)]
    return rows


def _receipt(story: RunStory, axis: Axis) -> dict[str, Any]:
    event = story.event.event if story.event else None
    label = "Receive and check"
    took = story.run.created_at - event.received_at if event else timedelta(0)
    start = event.received_at if event else axis.start
    return {
        "icon": "circle-check",
        "kind": "good",
        "label": label if not story.run.replay_of else "Replay started",
        "sub": event.contract_version if event else "",
        "took": duration(took) if took and not story.run.replay_of else "",
        "bars": [axis.bar(max(start, axis.start), max(start, axis.start) + took, "good")],
    }


def _step(step: StepStory, story: RunStory, axis: Axis) -> dict[str, Any]:
    look = states.look(step.state, "step")
    here = story.run.step == step.path and story.run.state == "failed"
    return {
        "icon": look.icon or "circle-dashed",
        "kind": look.kind,
        "label": step.title,
        "sub": _sub(step),
        "on": here,
        "took": _took(step, axis),
        "bars": [*_waits(step, axis), *_calls(step, axis)],
        "marks": _marks(step, axis),
    }


def _sub(step: StepStory) -> str:
    tries = [one for one in step.attempts if one.kind in ("call", "probe", "look_up")]
    if len(tries) > 1:
        return f"{len(tries)} tries"
    return "effect" if step.is_effect else ""


def _took(step: StepStory, axis: Axis) -> str:
    record = step.record
    if record is None or record.started_at is None or step.state in ("ready", "skipped"):
        return states.look(step.state, "step").word.lower()
    started = min([record.started_at, *(one.started_at for one in step.attempts)])
    if record.ended_at is None:
        return "waiting" if step.state == "waiting" else states.look(step.state, "step").word
    return duration(record.ended_at - started, fine=True)


def _waits(step: StepStory, axis: Axis) -> list[Bar]:
    bars = []
    for wait in step.waits:
        end = wait.satisfied_at or wait.overdue_at
        if end is None and wait.state == "cancelled":
            end = step.record.ended_at if step.record else None
        word = "waiting" if end is None else "waited"
        bars.append(axis.bar(wait.opened_at, end, "wait", f"{word} for {_from(wait)}"))
    return bars


def _from(wait: Expectation) -> str:
    return system_name(wait.contract.split(".")[0])


def _calls(step: StepStory, axis: Axis) -> list[Bar]:
    shown = [one for one in step.attempts if one.kind in ("call", "probe", "look_up", "event")]
    bars = []
    for attempt in shown:
        kind = "good" if attempt.kind == "event" else BARS.get(attempt.outcome, "info")
        text = _short(attempt.reason) if kind in ("bad", "warn") else ""
        bars.append(axis.bar(attempt.started_at, attempt.ended_at, kind, text))
    return _uncrowded(bars)


def _uncrowded(bars: Sequence[Bar]) -> list[Bar]:
    """Leave out a text that would stand on the bar after it, or on its text."""
    kept: list[Bar] = []
    free_from = 1.1
    for start, width, kind, text in reversed(bars):
        needs = start + width + 0.02 + LETTER * len(text)
        kept.append((start, width, kind, text if needs < free_from else ""))
        free_from = start
    return kept[::-1]


def _short(reason: str) -> str:
    return reason if len(reason) <= WORDS else f"{reason[:WORDS]}…"


def _marks(step: StepStory, axis: Axis) -> list[tuple[float, str]]:
    marks = []
    for wait in step.waits:
        if wait.overdue_at or wait.state == "open":
            at = axis.at(wait.overdue_at or wait.due_at)
            moment = timezone.localtime(wait.overdue_at or wait.due_at)
            text = f"deadline {moment:%H:%M:%S}"
            marks.append((at, "" if _crowded(step, axis, at, text) else text))
    return [mark for mark in marks if 0 <= mark[0] <= 1]


def _crowded(step: StepStory, axis: Axis, at: float, text: str) -> bool:
    """Whether a bar would stand on the text beside a mark."""
    starts = (
        axis.at(attempt.started_at) for attempt in step.attempts if attempt.kind != "deadline"
    )
    return any(at <= start < at + LETTER * len(text) for start in starts)


def _handoff(handoff: Any, axis: Axis) -> dict[str, Any]:
    over = handoff.resolved_at
    return {
        "icon": "hand",
        "kind": "good" if over else "info",
        "label": "Hand to a person",
        "sub": handoff.reference,
        "took": duration(over - handoff.opened_at) if over else "waiting",
        "bars": [axis.bar(handoff.opened_at, over, "info")]
        if axis.at(handoff.opened_at) <= 1
        else [],
    }


def attempts_of(story: RunStory) -> list[Attempt]:
    """Return the tries, newest first, for the table of attempts."""
    return [one for one in reversed(story.attempts) if one.kind in ("call", "probe", "look_up")]
