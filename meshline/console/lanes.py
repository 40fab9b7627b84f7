"""A ticket at a glance: lanes of events, runs, effects, promises and people over one time axis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from meshline.console.ticket_story import Entry
from meshline.console.timeline import Axis
from orchestration.queries import runs as run_rows
from orchestration.queries.tickets import Rows

POINT = 0.009
ROOM = 1.04  # a little air after the last thing
LEAST = timedelta(seconds=20)


def axis_of(rows: Rows, entries: Sequence[Entry], now: datetime) -> Axis:
    """Return the span from the first thing to the last, what is still to come included."""
    moments = [entry.at for entry in entries] or [now]
    start = min(moments)
    end = max([*moments, now if _is_live(rows) else max(moments)])
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
        {"label": "Promises", "icon": "timer", "kind": "muted", "bars": _timers(rows, axis, now)},
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


def _timers(rows: Rows, axis: Axis, now: datetime) -> list[Any]:
    bars = []
    for timer in reversed(rows.timers):
        name = timer.title or timer.metric
        if timer.state == "cancelled":
            continue
        if timer.stopped_at:
            kind = "met" if timer.state == "met" else "hold"
            bars.append(axis.bar(timer.started_at, timer.stopped_at, kind, ""))
        else:
            kind = "hold" if timer.state == "breached" else "promise"
            bars.append(axis.bar(timer.started_at, timer.due_at or now, kind, name))
    return bars


def _handoffs(rows: Rows, axis: Axis, now: datetime) -> list[Any]:
    bars = []
    for handoff in reversed(rows.handoffs):
        over = handoff.resolved_at
        kind = "met" if over else "hold"
        bars.append(axis.bar(handoff.opened_at, over or now, kind, "" if over else handoff.cause))
    return bars
