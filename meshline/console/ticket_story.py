"""A ticket's one timeline: events, runs, effects, promises, handoffs and people, in one order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.urls import reverse

from contracts_app.queries import people
from meshline.console import history
from meshline.console.ui.times import duration
from orchestration.models import Attempt, Event, Handoff, Run, SlaTimer
from orchestration.queries import runs as run_rows
from orchestration.queries.tickets import Rows
from runbooks.queries.presses import PressStory

KINDS = {
    "events": "Events",
    "promises": "Promises",
    "runs": "Runs",
    "effects": "Effects",
    "handoffs": "Handoffs",
    "people": "People",
}


ENDINGS = {
    "straight": "Straight through",
    "recovered": "Recovered by itself",
    "person": "With a person's help",
}


@dataclass(frozen=True)
class Entry:
    """One thing on the timeline. `group` is the filter's name; `face` stands for a person."""

    at: datetime
    group: str
    title: str
    small: str = ""
    icon: str = "circle-dot"
    kind: str = ""
    face: str = ""
    tag: str = ""
    tag_kind: str = ""
    url: str = ""
    link: str = ""
    key: str = ""
    soon: bool = False


def entries_of(
    rows: Rows, presses: Iterable[PressStory], titles: Mapping[str, str], now: datetime
) -> list[Entry]:
    """Return all that happened and what comes next, newest (and furthest ahead) first.

    `titles` names the buttons by slug.
    """
    found = [entry for event in rows.events for entry in _event(event, rows)]
    found += [entry for run in rows.runs for entry in _run(run)]
    found += _effects(rows)
    found += [entry for timer in rows.timers for entry in _timer(timer, now)]
    closers = people.names_of(handoff.resolved_by for handoff in rows.handoffs)
    found += [entry for handoff in rows.handoffs for entry in _handoff(handoff, closers)]
    found += [_press(story, titles) for story in presses]
    found += _awaited(rows, now)
    order = list(KINDS)
    return sorted(found, key=lambda e: (e.at, order.index(e.group)), reverse=True)


def run_link(run_id: UUID) -> tuple[str, str]:
    """Return a run's address and short name."""
    return reverse("console:run", args=[run_id]), f"run {run_rows.short_id(run_id)}"


def _event(event: Event, rows: Rows) -> list[Entry]:
    contract = event.contract or event.kind
    small = f"{event.external_id} from {history.system_name(event.source)} · {contract}"
    icon, kind, tag = "radio", "info", "Event"
    title = history.words_of(contract)
    data = rows.data_of(event)
    if contract.endswith("ticket.created"):
        icon, title = "mail-open", f"Ticket opened: “{data.get('subject', '')}”"
    elif contract.endswith("ticket.replied"):
        icon, title = "message-square", f"The {data.get('author', 'customer')} replied"
    elif contract.endswith("ticket.updated") and data.get("status"):
        title = f"Ticket is {data['status']}"
    if event.own_write:
        small += " · our own change coming back"
    if event.state in ("held", "discarded"):
        icon, kind, tag = "pause", "warn", event.get_state_display()
    found = [Entry(event.received_at, "events", title, small, icon, kind, tag=tag)]
    key = rows.keys.get(event.pk)
    if key is not None and key.duplicates and key.last_duplicate_at:
        times = f"{key.duplicates} time{'s' if key.duplicates > 1 else ''}"
        found.append(
            Entry(
                key.last_duplicate_at,
                "events",
                "Same webhook again, stopped",
                f"{event.external_id}, the same body · {times}",
                "copy-x",
                "plum",
                tag="Duplicate",
                tag_kind="plum",
            )
        )
    return found


def _run(run: Run) -> list[Entry]:
    url, link = run_link(run.pk)
    name = run_rows.title_of(run)
    started = "Replay started" if run.replay_of else "Run started"
    found = [
        Entry(
            run.created_at,
            "runs",
            f"{started}: {name}",
            str(run.flow_version),
            "git-commit-horizontal",
            "",
            tag="Run",
            url=url,
            link=link,
        )
    ]
    if run.finished_at is not None:
        good = run.state == "succeeded"
        took = duration(run.finished_at - run.created_at)
        title = f"{name}: {'finished' if good else 'ended by a person'}"
        found.append(
            Entry(
                run.finished_at,
                "runs",
                title,
                f"took {took}",
                "circle-check" if good else "minus",
                "good" if good else "",
                tag=ENDINGS.get(run.outcome, "Run") if good else "Run",
                tag_kind="good" if good else "",
                url=url,
                link=link,
            )
        )
    return found


def _effects(rows: Rows) -> list[Entry]:
    """Tries and silences of every run, the same trouble in a row told once."""
    by_run: dict[UUID, list[Attempt]] = {}
    for attempt in reversed(rows.attempts):
        if attempt.kind in ("call", "probe", "look_up", "deadline"):
            by_run.setdefault(attempt.run_id, []).append(attempt)
    versions = {run.pk: run for run in rows.runs}
    specs = run_rows.specs_of(rows.runs)
    found = []
    for run_id, attempts in by_run.items():
        run = versions.get(run_id)
        spec = specs.get(run.flow_version_id) if run else None
        titles = {step.id: step.title for step in spec.steps} if spec else {}
        url, link = run_link(run_id)
        for line in history.lines_of(attempts, titles, rows.effects):
            small = " · ".join(part for part in (line.small, line.end) if part)
            found.append(
                Entry(
                    line.until or line.at,
                    "effects",
                    line.text,
                    small,
                    line.icon,
                    line.kind,
                    tag="Effect" if line.key else "Asked",
                    url=url,
                    link=link,
                    key=line.key,
                )
            )
    return found


def _timer(timer: SlaTimer, now: datetime) -> list[Entry]:
    name = timer.title or timer.metric.replace("_", " ")
    target = duration(_seconds(timer.target_s))
    found = [_promise(timer.started_at, f"Promise starts: {name}", f"within {target}", "timer", "")]
    if timer.stopped_at and timer.state == "met":
        took = f"promised {target}, took {duration(timer.stopped_at - timer.started_at)}"
        found.append(_promise(timer.stopped_at, f"Promise kept: {name}", took, "check", "Kept"))
    if timer.breached_at:
        why = f"promised {target}{f' · {timer.why}' if timer.why else ''}"
        title = f"Promise broken: {name}"
        found.append(_promise(timer.breached_at, title, why, "timer-off", "Broken"))
    return [*found, *_alarms(timer, name, target, now)]


def _promise(at: datetime, title: str, small: str, icon: str, outcome: str) -> Entry:
    kind = {"Kept": "good", "Broken": "bad"}.get(outcome, "")
    tag = outcome or "Promise"
    return Entry(at, "promises", title, small, icon, kind, tag=tag, tag_kind=kind)


def _alarms(timer: SlaTimer, name: str, target: str, now: datetime) -> Iterable[Entry]:
    for alarm in timer.alarms.all():
        if alarm.fired_at and alarm.level < 100:
            yield Entry(
                alarm.fired_at,
                "promises",
                f"Warned at {alarm.level} %: {name}",
                "once for each promise",
                "bell-ring",
                "warn",
                tag="Promise",
                tag_kind="warn",
            )
        elif alarm.fired_at is None and alarm.due_at and alarm.due_at > now:
            last = alarm.level >= 100
            title = (
                f"Promise breaks: {name} within {target}"
                if last
                else (f"Warning at {alarm.level} % of “{name}”")
            )
            small = "then who is on call is paged" if last else "once, to who has the ticket"
            yield Entry(
                alarm.due_at,
                "promises",
                title,
                small,
                "alarm-clock-off" if last else "bell-ring",
                soon=True,
                tag_kind="bad" if last else "warn",
            )


def _seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def _handoff(handoff: Handoff, names: Mapping[str, str]) -> list[Entry]:
    url = reverse("console:handoff", args=[handoff.pk])
    shared: dict[str, Any] = {
        "url": url,
        "link": handoff.reference,
        "tag": "Handoff",
        "tag_kind": "info",
    }
    found = [
        Entry(
            handoff.opened_at,
            "handoffs",
            f"Handed to a person: {handoff.cause}",
            handoff.explanation,
            "hand",
            "info",
            **shared,
        )
    ]
    if handoff.claimed_at and handoff.claimed_by:
        who = handoff.claimed_by.get_full_name() or handoff.claimed_by.get_username()
        found.append(
            Entry(handoff.claimed_at, "people", f"{who} took the handoff", "", face=who, **shared)
        )
    if handoff.resolved_at:
        closer = names[handoff.resolved_by]
        found.append(
            Entry(
                handoff.resolved_at,
                "handoffs",
                f"Resolved: {handoff.cause}",
                f"by {closer} · {handoff.resolution}",
                "circle-check-big",
                "good",
                **(shared | {"tag": "Resolved", "tag_kind": "good"}),
            )
        )
    return found


def _press(story: PressStory, titles: Mapping[str, str]) -> Entry:
    press = story.press
    url, link = run_link(story.run.pk) if story.run else ("", "")
    title = f"{story.who} pressed {titles.get(press.action, press.action)}"
    return Entry(
        press.pressed_at,
        "people",
        title,
        f"“{press.reason}” · {story.word}",
        face=story.who,
        tag="Intervention",
        tag_kind="accent",
        url=url,
        link=link,
    )


def _awaited(rows: Rows, now: datetime) -> list[Entry]:
    found = []
    for wait in rows.waits:
        if wait.state != "open" or wait.due_at <= now:
            continue
        url, link = run_link(wait.run_id)
        title = f"{history.words_of(wait.contract)} must have arrived"
        found.append(
            Entry(
                wait.due_at,
                "runs",
                title,
                "or else the system itself is asked",
                "circle-dashed",
                soon=True,
                url=url,
                link=link,
            )
        )
    return found


def counted(entries: Iterable[Entry]) -> dict[str, int]:
    """Return how many entries each filter would show."""
    totals = dict.fromkeys(KINDS, 0)
    for entry in entries:
        totals[entry.group] += 1
    return totals


def only(entries: Iterable[Entry], group: str) -> list[Entry]:
    """Return the entries of one kind, or all."""
    return [entry for entry in entries if not group or entry.group == group]
