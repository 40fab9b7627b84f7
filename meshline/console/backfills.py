"""Backfills: the list, and one with its progress, its report, and pause, go on, stop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from contracts_app.queries import clock, people
from meshline.console import access, buttons
from meshline.console.addresses import tabs, with_query
from meshline.console.export import csv_answer
from meshline.console.forms import ReasonForm
from meshline.console.polling import etagged
from meshline.core.errors import ContractViolation, IllegalTransition, NotAllowed, NotFound
from runbooks.queries import backfills
from runbooks.queries.backfills import OUTCOMES, Listed, TicketRow
from runbooks.rules.permit import may
from runbooks.services import steering

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

STATES = (
    ("", "All"),
    ("running", "Running"),
    ("paused", "Paused"),
    ("done", "Done"),
    ("stopped", "Stopped"),
)
MOVES = {
    "pause": ("Pause", "pause", "paused"),
    "go_on": ("Go on", "play", "running again"),
    "stop": ("Stop", "square", "stopped"),
}
REASONS = ("The plan is wrong", "The other system is slow", "The other system is well again")
MOST_EXPORTED = 5_000


@require_GET
@etagged
def backfill_list(request: ConsoleRequest) -> HttpResponse:
    """The backfills, newest first, with how far each is."""
    access.require_reader(request.user)
    state = request.GET.get("state", "")
    state = state if state in dict(STATES) else ""
    rows, older = backfills.newest(state=state, before=_whole(request.GET.get("before")))
    address = reverse("console:backfills")
    filters = {"state": state}
    context = {
        "rows": rows,
        "now": clock.now(),
        "state": state,
        "tabs": tabs(address, filters, "state", [(value, title, "") for value, title in STATES]),
        "here": with_query(address, filters),
        "older_url": with_query(address, {**filters, "before": older}) if older else "",
        "poll_url": with_query(
            address, {**filters, "before": request.GET.get("before", ""), "partial": "list"}
        ),
    }
    template = "_list" if request.GET.get("partial") else "page"
    return render(request, f"console/backfills/{template}.html", context)


@require_GET
@etagged
def backfill_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One backfill: plan, progress, pace, and what became of every ticket."""
    access.require_reader(request.user)
    context = _context(request, _find(pk))
    template = "_live" if request.GET.get("partial") else "backfill"
    return render(request, f"console/backfills/{template}.html", context)


@require_GET
def backfill_csv(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The report of every ticket as a file, masked."""
    access.require_reader(request.user)
    backfill = _find(pk).backfill
    owns = backfill.contract in people.owned_contracts(request.user)
    permit = may(people.roles_of(request.user), "export.csv", owns=owns)
    if not permit:
        raise PermissionDenied(permit.why)
    rows = backfills.report(backfill, limit=MOST_EXPORTED).rows
    header = ("ticket", "outcome", "what_changed", "run", "run_state", "started", "ended", "event")
    name = f"{backfill.reference}-report.csv"
    return csv_answer(name, header, _cells(rows))


@require_POST
def backfill_steer(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Pause, go on or stop, with a reason; who is late is told so."""
    access.require_reader(request.user)
    listed = _find(pk)
    move = request.POST.get("move", "")
    form = ReasonForm(request.POST, presets=REASONS)
    valid = form.is_valid()
    permit = steering.permit_to_steer(listed.backfill, request.user)
    if permit and not valid:
        return _again(request, pk, form=form, status=422)
    try:
        steering.steer(
            backfill=listed.backfill,
            move=move,
            by=request.user,
            reason=form.why(),
            now=clock.now(),
        )
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=_url(pk))
    except IllegalTransition as late:
        return _again(request, pk, late=late, status=409)
    except (NotFound, ContractViolation) as refusal:
        form.add_error(None, refusal.message)
        return _again(request, pk, form=form, status=422)
    if not request.htmx:
        messages.success(request, f"{listed.backfill.reference} is {MOVES[move][2]}.")
        return redirect("console:backfill", pk)
    return _again(request, pk, status=200)


def _again(request: ConsoleRequest, pk: int, *, status: int, **shown: Any) -> HttpResponse:
    """The live part, or the page around it, as it stands after a press."""
    context = _context(request, _find(pk)) | shown
    # What is wrong stays on the page until the next press: no poll takes it away.
    context["live"] = context["live"] and status == 200
    template = "_live" if request.htmx else "backfill"
    return render(request, f"console/backfills/{template}.html", context, status=status)


def _context(request: ConsoleRequest, listed: Listed) -> dict[str, Any]:
    backfill = listed.backfill
    show = request.GET.get("show", "")
    show = show if show in OUTCOMES else ""
    start = _whole(request.GET.get("from")) or 0
    report = backfills.report(backfill, outcome=show, start=start)
    access.veil(request.user, (row.run for row in report.rows if row.run))
    address = _url(backfill.pk)
    options = [("", "All", listed.progress.total)]
    options += [(name, title, listed.progress.count(name)) for name, (title, _) in OUTCOMES.items()]
    plan = backfills.plan_of(backfill)
    now = clock.now()
    return {
        "listed": listed,
        "backfill": backfill,
        "progress": listed.progress,
        "press": backfill.intervention,
        "now": now,
        "plan": plan,
        "money": any(line.operation.money for line in plan),
        "mails": any(line.operation.name == "mail.send" for line in plan),
        "writes": sum(line.operation.is_effect for line in plan),
        "rows": report.rows,
        "tabs": tabs(address, {"show": show}, "show", options),
        "more_url": with_query(address, {"show": show, "from": report.more}) if report.more else "",
        "first_url": with_query(address, {"show": show}) if start else "",
        "here": with_query(address, {"show": show}),
        "poll_url": with_query(address, {"show": show, "from": start or "", "partial": "live"}),
        "live": listed.moves or listed.progress.running,
        "permit": steering.permit_to_steer(backfill, request.user),
        "moves": [(move, *MOVES[move]) for move in listed.moves],
        "form": ReasonForm(presets=REASONS),
        "may_export": _may_export(request, backfill.contract),
    }


def _may_export(request: ConsoleRequest, contract: str) -> bool:
    owns = contract in people.owned_contracts(request.user)
    return bool(may(people.roles_of(request.user), "export.csv", owns=owns))


def _cells(rows: list[TicketRow]) -> Iterator[tuple[object, ...]]:
    for row in rows:
        run = row.run
        times: tuple[datetime | None, datetime | None] = (
            (run.created_at, run.finished_at) if run else (None, None)
        )
        yield (
            row.item.ticket,
            row.title,
            row.changed,
            row.item.run_id,
            run.state if run else "",
            *times,
            row.item.event_id,
        )


def _find(pk: int) -> Listed:
    try:
        return backfills.backfill_numbered(pk)
    except NotFound as missing:
        raise Http404(missing.message) from missing


def _url(pk: int) -> str:
    return reverse("console:backfill", args=[pk])


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 10 else None
