"""Held events: why each is held, as received and as mapped, released or discarded by a person."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from contracts_app.queries import clock
from meshline.console import access, buttons
from meshline.console.addresses import chips, tabs, with_query
from meshline.console.forms import ReasonForm
from meshline.console.polling import etagged
from meshline.core.errors import (
    BadValue,
    ContractViolation,
    IllegalTransition,
    NotAllowed,
    NotFound,
)
from meshline.core.keys import TicketKey
from orchestration.models import Event, HeldEvent
from orchestration.queries import held as helds
from orchestration.queries.held import HeldDetail, Wanted
from runbooks.services import held as service
from runbooks.services.tolerances import permit_to_ask

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

STATES = ("held", "released", "discarded", "any")
LABELS = {"q": "Search", "source": "Source", "reason": "Cause"}
REASONS = (
    "The contract was mended",
    "The mapping was mended",
    "The sender has sent a right one",
    "Sent by mistake",
)
CONFLICTS = "conflicts"
# Whether a ticket is named is the form's to ask for: the buttons are there beforehand.
ANY_TICKET = "any"


class DecisionForm(ReasonForm):
    """Why an event is released or discarded, and for which ticket where it names none."""

    ticket = forms.CharField(
        max_length=80,
        required=False,
        help_text="The event names none: say which case this is about.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, data: Any = None, *, held: HeldEvent, **options: Any) -> None:
        super().__init__(data, presets=REASONS, **options)
        if held.ticket:
            del self.fields["ticket"]
        elif not held.contract:
            self.fields["ticket"].required = True

    def clean_ticket(self) -> str:
        """Check the ticket's form, if one is given."""
        text = self.cleaned_data["ticket"].strip()
        try:
            return str(TicketKey.parse(text)) if text else ""
        except BadValue as error:
            raise forms.ValidationError(f"{error.message} {error.remedy}") from error


@require_GET
@etagged
def held_list(request: ConsoleRequest) -> HttpResponse:
    """The held events; `?event=` opens one in its place. The second tab: refused deliveries."""
    access.require_reader(request.user)
    if request.GET.get("tab") == CONFLICTS:
        return render(request, "console/held/conflicts.html", _conflicts_context(request))
    context = _context(request, _uuid(request.GET.get("event")))
    template = "_list" if request.GET.get("partial") else "page"
    return render(request, f"console/held/{template}.html", context)


@require_POST
def held_release(request: ConsoleRequest, event_id: UUID) -> HttpResponse:
    """Judge the event again and start what it starts."""
    return _decide(request, event_id, service.RELEASE, service.release)


@require_POST
def held_discard(request: ConsoleRequest, event_id: UUID) -> HttpResponse:
    """Decide that the event starts nothing."""
    return _decide(request, event_id, service.DISCARD, service.discard)


def _decide(
    request: ConsoleRequest, event_id: UUID, action: str, act: Callable[..., Event]
) -> HttpResponse:
    """Press: once; who is second is told who was first, and a misfit is shown with its points."""
    access.require_reader(request.user)
    held = _detail(event_id).held
    form = DecisionForm(request.POST, held=held)
    valid = form.is_valid()
    ticket = form.cleaned_data.get("ticket", "")
    permit = service.permit_to(action, held, request.user, ticket=ticket or ANY_TICKET)
    if permit and held.state == "held" and not valid:
        return _again(request, event_id, form=form, status=422)
    try:
        why = form.why() or "No reason was given."
        act(held=held, by=request.user, reason=why, ticket=ticket, now=clock.now())
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=_opened_url(event_id))
    except IllegalTransition as late:
        return _again(request, event_id, late=late, status=409)
    except ContractViolation as misfit:
        return _again(request, event_id, form=form, misfit=misfit, status=422)
    return _done(request, held, "released" if action == service.RELEASE else "discarded")


def _done(request: ConsoleRequest, held: HeldEvent, word: str) -> HttpResponse:
    text = f"The event from {held.source} is {word}."
    if not request.htmx:
        messages.success(request, text)
        return redirect("console:held")
    answer = render(request, "console/held/_list.html", _context(request, None))
    answer["HX-Push-Url"] = reverse("console:held")
    answer["HX-Trigger"] = json.dumps({"meshline:toast": {"text": text, "kind": "good"}})
    return answer


def _again(request: ConsoleRequest, event_id: UUID, *, status: int, **shown: Any) -> HttpResponse:
    """The same list with the event open and what is wrong in it."""
    template = "_list" if request.htmx else "page"
    context = _context(request, event_id, **shown)
    return render(request, f"console/held/{template}.html", context, status=status)


def _context(
    request: ConsoleRequest,
    opened: UUID | None,
    *,
    form: DecisionForm | None = None,
    late: IllegalTransition | None = None,
    misfit: ContractViolation | None = None,
) -> dict[str, Any]:
    wanted = _wanted(request)
    page = helds.held_page(wanted, before=_whole(request.GET.get("before")))
    detail = _detail(opened) if opened else None
    rows = page.rows
    if detail and all(row.held.event_id != opened for row in rows):
        rows = [detail.row, *rows]
    address = reverse("console:held")
    filters = _filters(request)
    waiting = helds.waiting()
    context = {
        "rows": rows,
        "now": clock.now(),
        "waiting": waiting,
        "wanted": wanted,
        "filters": filters,
        "chips": chips(address, filters, LABELS),
        "tabs": _tabs(filters, waiting),
        "sources": helds.sources(),
        "causes": helds.REASONS,
        "here": with_query(address, filters),
        "poll_url": with_query(address, {**filters, "partial": "list"}),
        "older_url": with_query(address, {**filters, "before": page.older}) if page.older else "",
        "keep": with_query(address, filters),
        "opened": opened,
    }
    if detail is None:
        return context
    return context | _detail_context(request, detail, form) | {"late": late, "misfit": misfit}


def _detail_context(
    request: ConsoleRequest, detail: HeldDetail, form: DecisionForm | None
) -> dict[str, Any]:
    held = detail.held
    judgement = service.judge(held) if detail.waits else None
    permits = service.permits(held, request.user, ticket=ANY_TICKET)
    return {
        "detail": detail,
        "judgement": judgement,
        "form": form or DecisionForm(held=held),
        "may_release": permits[service.RELEASE],
        "may_discard": permits[service.DISCARD],
        "tolerance_url": _tolerance_url(request, held) if judgement and judgement.version else "",
    }


def _tolerance_url(request: ConsoleRequest, held: HeldEvent) -> str:
    """Where to ask for a tolerance of what failed; "" for who may not."""
    if held.reason != "violation" or not permit_to_ask(held.contract, request.user):
        return ""
    address = reverse("console:tolerance-ask", args=[held.contract])
    return with_query(address, {"event": held.event_id})


def _conflicts_context(request: ConsoleRequest) -> dict[str, Any]:
    """Deliveries refused with 409: a known id with another body."""
    source = request.GET.get("source", "")[:60]
    before = _whole(request.GET.get("before"))
    rows, older = helds.conflict_page(source=source, before=before)
    opened = _whole(request.GET.get("conflict"))
    address = reverse("console:held")
    filters = {"tab": CONFLICTS, "source": source}
    return {
        "rows": rows,
        "now": clock.now(),
        "tabs": _tabs({"tab": CONFLICTS}, helds.waiting()),
        "chips": chips(address, filters, {"source": "Source"}),
        "opened": opened,
        "detail": _conflict(opened) if opened else None,
        "here": with_query(address, filters),
        "older_url": with_query(address, {**filters, "before": older}) if older else "",
    }


def _tabs(filters: dict[str, str], waiting: int) -> list[dict[str, Any]]:
    address = reverse("console:held")
    chosen = CONFLICTS if filters.get("tab") == CONFLICTS else filters.get("state", "")
    kept = {name: value for name, value in filters.items() if name not in ("tab", "state")}
    states = (
        ("", "Waiting", waiting),
        ("released", "Released", ""),
        ("discarded", "Discarded", ""),
    )
    found = tabs(address, {**kept, "state": chosen}, "state", states)
    conflicts = with_query(address, {"tab": CONFLICTS})
    last = {"title": "Conflicting deliveries", "url": conflicts, "count": "",
            "current": chosen == CONFLICTS}  # fmt: skip
    return [*found, last]


def _detail(event_id: UUID) -> HeldDetail:
    try:
        return helds.detail(event_id)
    except NotFound as missing:
        raise Http404(missing.message) from missing


def _conflict(pk: int) -> helds.ConflictDetail:
    try:
        return helds.conflict_detail(pk)
    except NotFound as missing:
        raise Http404(missing.message) from missing


def _opened_url(event_id: UUID) -> str:
    return with_query(reverse("console:held"), {"event": event_id})


def _wanted(request: ConsoleRequest) -> Wanted:
    given = request.GET
    state = given.get("state", "")
    return Wanted(
        state="" if state == "any" else state if state in STATES else "held",
        source=given.get("source", "")[:60],
        reason=given.get("reason", "")[:40],
        q=given.get("q", "").strip()[:200],
    )


def _filters(request: ConsoleRequest) -> dict[str, str]:
    names = ("state", *LABELS)
    return {name: request.GET[name][:200] for name in names if request.GET.get(name)}


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Http404("No event has this id.") from None


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 19 else None
