"""Runs: the list with its filters in the address, and one run with all that belongs to it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET

from contracts_app.queries import audit as trails
from contracts_app.queries import clock
from meshline.console import access, buttons, history, timeline
from meshline.console.polling import etagged
from meshline.console.ui import nav
from orchestration.models import Run
from orchestration.queries import contacts, run_story, runs
from runbooks.queries import inbox, presses
from runbooks.rules.permit import may

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

FILTERS = ("state", "outcome", "flow", "contract", "ticket", "customer", "q", "since", "internal")
LABELS = {
    "flow": "Flow",
    "contract": "Contract",
    "ticket": "Ticket",
    "customer": "Customer",
    "q": "Search",
    "internal": "Meshline's own",
}
PERIODS = {"today": "Today", "7d": "7 days", "28d": "28 days"}
TABS: tuple[tuple[str, dict[str, str], str], ...] = (
    ("All", {}, ""),
    ("Needs a person", {"state": "failed"}, "failed"),
    ("Waiting", {"state": "waiting"}, "waiting"),
    ("Running", {"state": "running"}, "running"),
    ("Recovered", {"outcome": "recovered"}, "recovered"),
    ("Cancelled", {"state": "cancelled"}, "cancelled"),
)
VIEWS = {"waterfall": "Waterfall", "list": "List", "log": "Log"}
SIDES = {"effects": "Effects", "attempts": "Attempts", "audit": "Audit", "related": "Related runs"}
PAYLOADS = {"diff": "Diff", "received": "Received", "mapped": "Normalised"}


@require_GET
@etagged
def run_list(request: ConsoleRequest) -> HttpResponse:
    """The runs, newest first; while it is open, new ones are counted and rows stay in place."""
    access.require_reader(request.user)
    now = clock.now()
    filters = _filters(request)
    page = runs.page_of(_wanted(request, now))
    access.veil(request.user, (row.run for row in page.rows))
    context = {
        "page": page,
        "now": now,
        "filters": filters,
        "chips": _chips(filters),
        "tabs": _tabs(filters, now),
        "periods": _periods(filters),
        "choices": runs.choices(),
        "here": _address(filters),
        "poll_url": _address(filters | _keys(request, page)),
        "older_url": _address(filters | {"before": str(page.older)}) if page.older else "",
        "newer_url": _address(filters | {"after": str(page.newer)}) if page.newer else "",
        "live": "before" not in request.GET and "after" not in request.GET,
    }
    template = "_table" if request.GET.get("partial") else "page"
    return render(request, f"console/runs/{template}.html", context)


@require_GET
@etagged
def run_page(request: ConsoleRequest, pk: UUID) -> HttpResponse:
    """One run: where it stands, its timeline, effects, payload, attempts, audit, its replays."""
    run = access.get_run_for(request.user, pk)
    context = run_context(request, run)
    part = request.GET.get("partial", "")
    if part in ("head", "main"):
        return render(request, f"console/runs/_{part}.html", context)
    target = buttons.target_of(run=run)
    main = context["main"]
    drawer = buttons.preview_context(request, target, main.slug) if main else None
    return render(request, "console/runs/run.html", context | {"drawer": drawer})


def run_context(request: ConsoleRequest, run: Run) -> dict[str, Any]:
    """What a run's page and its parts show."""
    now = clock.now()
    story = run_story.story_of(run)
    event = story.event
    access.veil(request.user, [run], story.related, [event.event] if event else [])
    target = buttons.target_of(run=run)
    shown = buttons.offered(target, request.user)
    axis = timeline.axis_of(story, now)
    lines = [history.received_line(event.event)] if event else []
    lines += history.lines_of(
        story.attempts,
        history.titles_of(story.steps),
        [line.effect for line in story.effects if line.effect],
        stopped=run.state == "failed",
    )
    chosen = _chosen(request)
    address = reverse("console:run", args=[run.pk])
    return {
        "run": run,
        "story": story,
        "event": event,
        "now": now,
        "lines": lines,
        "waterfall": timeline.rows_of(story, axis),
        "ticks": axis.ticks(),
        "span": (run.finished_at or now) - axis.start,
        "attempts": timeline.attempts_of(story),
        "buttons": shown,
        "main": buttons.main_button(shown),
        "breaks_at": inbox.next_breaks([run.ticket]).get(run.ticket),
        "contacts": contacts.contacts_of(run.contract, now),
        "stories": presses.of_run(run.pk),
        "trail": _trail(request, run) if chosen["side"] == "audit" else [],
        "views": _segments(address, chosen, "view", VIEWS),
        "sides": _segments(address, chosen, "side", SIDES),
        "payloads": _segments(address, chosen, "payload", PAYLOADS),
        "chosen": chosen,
        "run_url": address,
        "poll": "&".join(f"{name}={value}" for name, value in chosen.items()),
    }


def _chosen(request: ConsoleRequest) -> dict[str, str]:
    """Which view, side and payload the reader has opened."""
    return {
        "view": _choice(request, "view", VIEWS),
        "side": _choice(request, "side", SIDES),
        "payload": _choice(request, "payload", PAYLOADS),
    }


def _trail(request: ConsoleRequest, run: Run) -> list[Any]:
    """The audit entries of a run that this reader may see."""
    permit = may(access.roles_of(request.user), "audit.read")
    if not permit:
        return []
    own = request.user.get_username() if permit.own_only else ""
    return trails.trail(run_id=run.pk, actor=own).entries


def _choice(request: ConsoleRequest, name: str, known: dict[str, str]) -> str:
    given = request.GET.get(name, "")
    return given if given in known else next(iter(known))


def _segments(
    address: str, chosen: dict[str, str], name: str, known: dict[str, str]
) -> list[dict[str, Any]]:
    """Links that change one of the page's views and keep the others."""
    listed = []
    for value, title in known.items():
        query = "&".join(f"{k}={v}" for k, v in (chosen | {name: value}).items())
        url = f"{address}?{query}#{name}"
        listed.append({"title": title, "url": url, "current": chosen[name] == value, "name": value})
    return listed


def _wanted(request: ConsoleRequest, now: datetime) -> runs.Wanted:
    given = request.GET
    plain = ("state", "outcome", "flow", "contract", "ticket", "customer")
    texts: dict[str, Any] = {name: given.get(name, "").strip()[:200] for name in plain}
    return runs.Wanted(
        **texts,
        text=given.get("q", "").strip()[:200],
        since=since_of(given.get("since", ""), now),
        internal=bool(given.get("internal")),
        before=_uuid(given.get("before")),
        after=_uuid(given.get("after")),
        newest=_uuid(given.get("top")),
    )


def since_of(text: str, now: datetime) -> datetime | None:
    """Read the period in an address: today, 7d, 28d, 90m, or an instant; None for anything else."""
    if text == "today":
        return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    units = {"m": "minutes", "h": "hours", "d": "days"}
    if text[:-1].isdigit() and len(text) < 6 and text[-1:] in units:
        return now - timedelta(**{units[text[-1]]: int(text[:-1])})
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment and moment.utcoffset() is not None else None


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _filters(request: ConsoleRequest) -> dict[str, str]:
    return {name: request.GET[name] for name in FILTERS if request.GET.get(name)}


def _keys(request: ConsoleRequest, page: runs.Page) -> dict[str, str]:
    """Where the table stands, so that polling never shifts its rows."""
    kept = {name: request.GET[name] for name in ("before", "after") if request.GET.get(name)}
    if not kept and page.newest:
        kept["top"] = str(page.newest)
    return kept | {"partial": "table"}


def _chips(filters: dict[str, str]) -> list[dict[str, str]]:
    return [
        {
            "label": label,
            "value": "shown" if name == "internal" else filters[name],
            "remove_url": _address({k: v for k, v in filters.items() if k != name}),
        }
        for name, label in LABELS.items()
        if name in filters
    ]


def _tabs(filters: dict[str, str], now: datetime) -> list[dict[str, Any]]:
    counted = runs.counts(since=since_of(filters.get("since", ""), now))
    others = {k: v for k, v in filters.items() if k not in ("state", "outcome")}
    current = {k: v for k, v in filters.items() if k in ("state", "outcome")}
    tabs: list[dict[str, Any]] = [
        {
            "title": title,
            "url": _address(others | own),
            "count": _capped(counted.get(name)),
            "current": own == current,
        }
        for title, own, name in TABS
    ]
    held = nav.address("console:held")
    return [*tabs, {"title": "Held events", "url": held}] if held else tabs


def _capped(count: int | None) -> str | int | None:
    return f"{runs.COUNTED}+" if count is not None and count > runs.COUNTED else count


def _periods(filters: dict[str, str]) -> list[dict[str, Any]]:
    others = {k: v for k, v in filters.items() if k != "since"}
    chosen = filters.get("since", "")
    listed = [("", "Any time"), *PERIODS.items()]
    return [
        {
            "title": title,
            "url": _address(others | ({"since": value} if value else {})),
            "current": chosen == value,
        }
        for value, title in listed
    ]


def _address(filters: dict[str, str]) -> str:
    query = QueryDict(mutable=True)
    query.update(filters)
    address = reverse("console:runs")
    return f"{address}?{query.urlencode()}" if filters else address
