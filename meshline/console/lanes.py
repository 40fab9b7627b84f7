"""A ticket at a glance: lanes of events, runs, effects, promises and people over one time axis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from meshline.console.ticket_story import Entry
from meshline.console.timeline import Axis, Bar
from orchestration.queries import runs as run_rows
from orchestration.queries.tickets import Rows

POINT = 0.009
ROOM = 1.04  # a little air after the last thing
LEAST = timedelta(seconds=20)


def axis_of(rows: Rows, entries: Sequence[Entry], now: datetime) -> Axis:
    """Return the span from the first thing to the last, and what is soon to come.

    A promise of days must not press the minutes that matter into a line: its bar is cut.
    """
    past = [entry.at for entry in entries if not entry.soon] or [now]
    start, end = min(past), now if _is_live(rows) else max(past)
    reach = end + max(end - start, LEAST)
    ahead = [entry.at for entry in entries if entry.soon and entry.at <= reach]
    end = max([end, *ahead])
    return Axis(start, start + max(end - start, LEAST) * ROOM)


def _is_live(rows: Rows) -> bool:
    going = any(run.state in ("ready", "running", "waiting", "failed") for run in rows.runs)
    return going or any(timer.state in ("running", "paused") for timer in rows.timers)


def lanes_of(
    rows: Rows, entries: Sequence[Entry], axis: Axis, now: datetime
) -> list[dict[str, Any]]:
    """Return the lanes as rows of the waterfall."""
    return [
        _points("Events", "radio", entries, "events", axis),
        {
            "label": "Runs",
            "icon": "git-commit-horizontal",
            "kind": "muted",
            "bars": _runs(rows, axis, now),
        },
        _points("Effects", "plug-zap", entries, "effects", axis),
        *_promises(rows, axis, now),
        {"label": "Handoffs", "icon": "hand", "kind": "muted", "bars": _handoffs(rows, axis, now)},
        _points("People", "user-round", entries, "people", axis),
    ]


def _points(
    label: str, icon: str, entries: Sequence[Entry], group: str, axis: Axis
) -> dict[str, Any]:
    bars = [
        (axis.at(entry.at), POINT, entry.kind or "accent", "")
        for entry in reversed(entries)
        if entry.group == group and not entry.soon
    ]
    return {"label": label, "icon": icon, "kind": "muted", "bars": bars}


def _runs(rows: Rows, axis: Axis, now: datetime) -> list[Any]:
    bars = []
    for run in reversed(rows.runs):
        if run.internal:
            continue
        over = run.finished_at
        kind = "met" if run.state == "succeeded" else "hold" if run.state == "failed" else "run"
        word = "" if over else f"{run_rows.title_of(run)}, {run.get_state_display().lower()}"
        bars.append(axis.bar(run.created_at, over or now, kind, word))
    return bars


def _promises(rows: Rows, axis: Axis, now: datetime) -> list[dict[str, Any]]:
    """One lane for what is over, and one for each promise that runs, so that no two overlap."""
    over: list[Bar] = []
    lanes: list[dict[str, Any]] = []
    for timer in reversed(rows.timers):
        name = timer.title or timer.metric
        if timer.stopped_at and timer.state != "cancelled":
            kind = "met" if timer.state == "met" else "hold"
            over.append(axis.bar(timer.started_at, timer.stopped_at, kind, ""))
        elif timer.state in ("running", "paused", "breached"):
            kind = "hold" if timer.state == "breached" else "promise"
            bar = axis.bar(timer.started_at, timer.due_at or now, kind, name)
            lanes.append({"label": "", "bars": [bar]})
    if over or not lanes:
        lanes.insert(0, {"label": "", "bars": over})
    lanes[0] |= {"label": "Promises", "icon": "timer", "kind": "muted"}
    return lanes


def _handoffs(rows: Rows, axis: Axis, now: datetime) -> list[Any]:
    bars = []
    for handoff in reversed(rows.handoffs):
        over = handoff.resolved_at
        kind = "met" if over else "hold"
        bars.append(axis.bar(handoff.opened_at, over or now, kind, "" if over else handoff.cause))
    return bars
