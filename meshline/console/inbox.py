"""Handoffs: the list grouped by cause, one handoff beside it, claim and resolve."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from contracts_app.queries import clock
from meshline.console import access, buttons, history
from meshline.console.forms import ReasonForm
from meshline.console.polling import etagged
from meshline.core.errors import IllegalTransition, NotAllowed
from orchestration.models import Handoff, HeldEvent, Run, RunState
from orchestration.queries import contacts, run_story, runs
from orchestration.queries.events import shown_event
from runbooks.queries import inbox as inboxes
from runbooks.queries import presses, runbooks
from runbooks.services import handoffs

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

FILTERS = ("state", "reason", "contract", "risk", "flow", "ticket", "customer", "mine", "at_risk")
LABELS = {
    "reason": "Reason",
    "contract": "Contract",
    "risk": "Risk",
    "flow": "Flow",
    "ticket": "Ticket",
    "customer": "Customer",
}
REASONS = ("It has been dealt with elsewhere", "The customer no longer needs it", "A duplicate")


@require_GET
@etagged
def handoff_list(request: ConsoleRequest) -> HttpResponse:
    """The list; on a wide screen the most urgent one stands open beside it."""
    access.require_reader(request.user)
    context = list_context(request)
    if request.GET.get("partial") == "list":
        return render(request, "console/inbox/_list.html", context)
    if context["inbox"].rows:
        first = context["inbox"].rows[0].handoff
        context |= detail_context(request, first) | {"selected": first.pk}
        context["neighbours"] = context["inbox"].neighbours(first.pk)
    return render(request, "console/inbox/page.html", context)


@require_GET
@etagged
def handoff_page(request: ConsoleRequest, ref: int) -> HttpResponse:
    """One handoff with everything that is needed to act on it."""
    handoff = access.get_handoff_for(request.user, ref)
    part = request.GET.get("partial", "")
    if part in ("head", "body"):
        context = detail_context(request, handoff, part)
        if part == "head":
            context["neighbours"] = inboxes.inbox(_wanted(request)).neighbours(handoff.pk)
            context["oob"] = True
        return render(request, f"console/inbox/_{part}.html", context)
    context = list_context(request) | {"selected": handoff.pk, "one": True}
    context["neighbours"] = context["inbox"].neighbours(handoff.pk)
    return render(request, "console/inbox/page.html", context | detail_context(request, handoff))


@require_POST
def handoff_claim(request: ConsoleRequest, ref: int) -> HttpResponse:
    """Take a handoff; who was second is told who was first."""
    handoff = access.get_handoff_for(request.user, ref)
    now = clock.now()
    try:
        handoffs.claim(handoff=handoff, by=request.user, now=now)
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=reverse("console:handoff", args=[ref]))
    except IllegalTransition as late:
        return _too_late(request, handoff, late)
    if not request.htmx:
        messages.success(request, f"{handoff.reference} is yours.")
        return redirect("console:handoff", ref)
    fresh = access.get_handoff_for(request.user, ref)
    context = detail_context(request, fresh) | {"oob": True}
    return render(request, "console/inbox/_head.html", context)


@require_http_methods(["GET", "POST"])
def handoff_resolve(request: ConsoleRequest, ref: int) -> HttpResponse:
    """Close a handoff with a reason, without doing anything."""
    handoff = access.get_handoff_for(request.user, ref)
    back = reverse("console:handoff", args=[ref])
    form = ReasonForm(request.POST or None, presets=REASONS)
    context: dict[str, Any] = {
        "handoff": handoff,
        "form": form,
        "now": clock.now(),
        "back": back,
    }
    permit = handoffs.permit_to("handoff.resolve", handoff=handoff, user=request.user)
    if request.method == "GET":
        return render(request, _part(request, "resolve"), context | {"permit": permit})
    if permit and not form.is_valid():
        return render(request, _part(request, "resolve"), context | {"permit": permit}, status=422)
    try:
        why = form.why() if permit else ""
        handoffs.resolve(handoff=handoff, by=request.user, reason=why, now=context["now"])
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=back)
    except IllegalTransition as late:
        return _too_late(request, handoff, late)
    messages.success(request, f"{handoff.reference} is resolved.")
    return buttons.go_to(request, back)


def list_context(request: ConsoleRequest) -> dict[str, Any]:
    """What the list shows, with its filters as they stand in the address."""
    wanted = _wanted(request)
    found = inboxes.inbox(wanted)
    access.veil(request.user, (row.handoff for row in found.rows))
    filters = _filters(request)
    address = reverse("console:handoffs")
    return {
        "inbox": found,
        "now": clock.now(),
        "tabs": _tabs(request, filters),
        "chips": _chips(filters),
        "choices": inboxes.choices(),
        "filters": filters,
        "filter_labels": [(name, LABELS[name]) for name in ("reason", "contract", "flow", "risk")],
        "kept_filters": ("ticket", "customer", "mine", "at_risk"),
        "query": filters.urlencode(),
        "list_url": f"{address}?{filters.urlencode()}" if filters else address,
        "selected": int(request.GET["sel"]) if request.GET.get("sel", "").isdigit() else None,
    }


def detail_context(request: ConsoleRequest, handoff: Handoff, part: str = "") -> dict[str, Any]:
    """What is shown beside the list; `part` head or body: only what that part shows."""
    run = access.get_run_for(request.user, handoff.run_id) if handoff.run_id else None
    access.veil(request.user, [handoff])
    context: dict[str, Any] = {
        "handoff": handoff,
        "now": clock.now(),
        "run": run,
        "stories": presses.of_handoff(handoff.pk),
        "detail_url": reverse("console:handoff", args=[handoff.pk]),
    }
    if part != "body":
        context |= _head(request, handoff, run, context["stories"])
    return context if part == "head" else context | _body(handoff, run, context["now"])


def _head(
    request: ConsoleRequest, handoff: Handoff, run: Run | None, stories: list[presses.PressStory]
) -> dict[str, Any]:
    """Facts, the runbook that fits, its buttons, and whether a replay is under way."""
    resolved = handoff.state == "resolved"
    target = buttons.target_of(handoff=handoff, run=run)
    shown = [] if resolved else buttons.offered(target, request.user)
    guides = [] if resolved else _runbooks(handoff)
    may_claim = handoffs.permit_to("handoff.claim", handoff=handoff, user=request.user)
    return {
        "under_way": next((one for one in stories if _under_way(one, handoff)), None),
        "breaks_at": inboxes.next_breaks([handoff.ticket]).get(handoff.ticket),
        "guides": guides,
        "guide": guides[0] if guides else None,
        "buttons": shown,
        "main": buttons.main_button(shown, guides[0]["spec"].actions if guides else ()),
        "may_claim": may_claim,
        "keys": _keys(shown, claim=bool(may_claim) and handoff.state == "open"),
        "held": _held(handoff),
        "closer": buttons.closer_of(handoff, request.user) if resolved else "",
    }


def _keys(shown: list[buttons.ShownButton], *, claim: bool) -> list[tuple[str, str]]:
    """The keys that do something for this reader here, with the names of their buttons."""
    listed = [(one.key, one.title) for one in shown if one.key and one.permit]
    return [*listed, ("a", "Take it")] if claim else listed


def _body(handoff: Handoff, run: Run | None, now: datetime) -> dict[str, Any]:
    """What happened, the payload as received, and whom to ask."""
    event = shown_event(handoff.event_id)
    lines = [history.received_line(event.event)] if event else []
    if run is not None:
        spec = runs.spec_of(run)
        titles = {step.id: step.title for step in spec.steps} if spec else {}
        lines += history.lines_of(
            run_story.attempts_of(run),
            titles,
            run_story.ledger_of(run),
            stopped=run.state == RunState.FAILED,
        )
    found = contacts.contacts_of(handoff.contract, now)
    return {"event": event, "lines": lines, "contacts": found}


def _under_way(story: presses.PressStory, handoff: Handoff) -> bool:
    same = story.press.result_run_id == handoff.run_id and story.press.action != "escalate"
    return same and story.under_way and handoff.state == "claimed"


def _runbooks(handoff: Handoff) -> list[dict[str, Any]]:
    """The published runbooks offered for it, with what they say."""
    found = runbooks.offered_for(
        reason=handoff.reason, contract=handoff.contract, first=handoff.runbook
    )
    return [{"version": row, "spec": runbooks.runbook_spec(row)} for row in found[:3]]


def _held(handoff: Handoff) -> HeldEvent | None:
    if handoff.held_event_id is None:
        return None
    return HeldEvent.objects.filter(event_id=handoff.held_event_id).first()


def _wanted(request: ConsoleRequest) -> inboxes.Wanted:
    given = request.GET
    return inboxes.Wanted(
        **{name: given.get(name, "")[:200] for name in ("state", *LABELS)},
        mine=request.user.pk if given.get("mine") else None,
        at_risk=bool(given.get("at_risk")),
    )


def _filters(request: ConsoleRequest) -> QueryDict:
    kept = QueryDict(mutable=True)
    for name in FILTERS:
        if request.GET.get(name):
            kept[name] = request.GET[name]
    return kept


def _tabs(request: ConsoleRequest, filters: QueryDict) -> list[dict[str, Any]]:
    counted = inboxes.counts(request.user.pk)
    others = {name: value for name, value in filters.items() if name in LABELS}
    listed: list[tuple[str, dict[str, str], int | None]] = [
        ("Needs action", {}, counted["open"]),
        ("Mine", {"mine": "1"}, counted["mine"]),
        ("Promise at risk", {"at_risk": "1"}, counted["risk"]),
        ("Resolved", {"state": "resolved"}, None),
    ]
    current = {name: filters[name] for name in ("state", "mine", "at_risk") if name in filters}
    return [
        {"title": title, "url": _address(others | own), "count": count, "current": own == current}
        for title, own, count in listed
    ]


def _chips(filters: QueryDict) -> list[dict[str, str]]:
    given = dict(filters.items())
    return [
        {
            "label": label,
            "value": str(given[name]),
            "remove_url": _address({k: str(v) for k, v in given.items() if k != name}),
        }
        for name, label in LABELS.items()
        if name in given
    ]


def _address(filters: dict[str, Any]) -> str:
    query = QueryDict(mutable=True)
    query.update(filters)
    address = reverse("console:handoffs")
    return f"{address}?{query.urlencode()}" if filters else address


def _too_late(request: ConsoleRequest, handoff: Handoff, late: IllegalTransition) -> HttpResponse:
    fresh = access.get_handoff_for(request.user, handoff.pk)
    context = {
        "handoff": fresh,
        "now": clock.now(),
        "late": late,
        "in_head": "claim" in request.path,
    }
    return render(request, _part(request, "first"), context, status=409)


def _part(request: ConsoleRequest, name: str) -> str:
    """The part for htmx, the page around it for a browser without JavaScript."""
    return f"console/inbox/_{name}.html" if request.htmx else f"console/inbox/{name}.html"
