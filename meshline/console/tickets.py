"""A ticket's page: all that ever happened around it; and its receipt, for paper."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from contracts_app.queries import audit as trails
from contracts_app.queries import clock
from meshline.console import access, buttons, lanes, ticket_story
from meshline.console.polling import etagged
from meshline.core.errors import BadValue
from meshline.core.keys import TicketKey
from meshline.core.money import Totals
from orchestration.models import SlaTimer
from orchestration.queries import contacts, merges, tickets
from orchestration.queries.tickets import Rows
from runbooks.actions import ACTIONS
from runbooks.queries import presses
from runbooks.rules.permit import may
from runbooks.services.merges import MERGE, permit_to

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

TITLES = {slug: action.title for slug, action in ACTIONS.items()}
STATUS_LOOKS = {
    "solved": ("good", "circle-check"),
    "closed": ("good", "circle-check"),
    "hold": ("warn", "pause"),
    "pending": ("warn", "pause"),
}


@require_GET
@etagged
def ticket_page(request: ConsoleRequest, key: str) -> HttpResponse:
    """Everything around a ticket, on one timeline."""
    access.require_reader(request.user)
    rows = _rows(str(_ticket_key(key)))
    context = ticket_context(request, key, rows)
    part = request.GET.get("partial", "")
    if part in ("head", "main", "side"):
        return render(request, f"console/tickets/_{part}.html", context)
    return render(request, "console/tickets/page.html", context)


@require_GET
def receipt(request: ConsoleRequest, key: str) -> HttpResponse:
    """One ticket's or one customer's whole story on a page that prints."""
    access.require_reader(request.user)
    try:
        keys = [str(TicketKey.parse(key))]
    except BadValue:
        keys = tickets.tickets_of(key)
    stories = [_receipt_of(request, one, _rows(one)) for one in keys]
    if not stories:
        raise Http404("Nothing is known of this customer or ticket.")
    now = clock.now()
    context = {"key": key, "stories": stories, "now": now, "by": request.user}
    return render(request, "console/tickets/receipt.html", context)


def ticket_context(request: ConsoleRequest, key: str, rows: Rows) -> dict[str, Any]:
    """What a ticket's page and its parts show."""
    now = clock.now()
    access.veil(request.user, rows.events, rows.runs, rows.handoffs)
    story = presses.of_tickets(rows.tickets)
    entries = ticket_story.entries_of(rows, story, TITLES, now)
    axis = lanes.axis_of(rows, entries, now)
    kind = request.GET.get("kind", "")
    kind = kind if kind in ticket_story.KINDS else ""
    shown = ticket_story.only(entries, kind)
    address = reverse("console:ticket", args=[key])
    return {
        "key": key,
        "now": now,
        "rows": rows,
        "subject": rows.subject(),
        "status": rows.status(),
        "status_look": STATUS_LOOKS.get(rows.status(), ("", "circle-dot")),
        "lanes": lanes.lanes_of(rows, entries, axis, now),
        "ticks": axis.ticks(),
        "now_at": axis.at(now) if axis.at(now) <= 1 else None,
        "axis": axis,
        "soon": [entry for entry in shown if entry.soon and entry.at > now],
        "past": [entry for entry in shown if not entry.soon or entry.at <= now],
        "filters": _filters(address, entries, kind),
        "ticket_url": address,
        "poll": f"kind={kind}&" if kind else "",
        **_at_the_side(rows, now, may_merge=bool(permit_to(MERGE, request.user, ticket=key))),
        **_buttons(request, rows),
    }


def _at_the_side(rows: Rows, now: datetime, *, may_merge: bool = False) -> dict[str, Any]:
    """Customer, money, promises, who has it, links."""
    contracts = list(dict.fromkeys(run.contract for run in rows.runs if not run.internal))
    owner_of = (rows.open_handoffs or rows.handoffs or rows.runs or [None])[0]
    breaks = sorted(
        at for t in rows.timers if (at := _breaks_at(t)) is not None and t.stopped_at is None
    )
    customer = rows.first("customer")
    others = tickets.tickets_of(customer) if customer else []
    return {
        "customer": customer,
        "merged_tickets": rows.tickets[1:] and rows.tickets,
        "also": [name for name in merges.names_of("customer", customer) if name != customer],
        "may_merge": may_merge,
        "customer_name": rows.first("customer_name"),
        "email": rows.first("email"),
        "order": rows.first("order"),
        "cart": rows.cart(),
        "others": [ticket for ticket in others if ticket not in rows.tickets],
        "money": tickets.money_of(rows),
        "held_up": Totals.of((h.amount_minor, h.currency) for h in rows.open_handoffs),
        "promises": [promise_of(timer, now) for timer in rows.timers],
        "breaks_at": breaks[0] if breaks else None,
        "contacts": contacts.contacts_of(owner_of.contract, now) if owner_of else [],
        "contracts": contracts,
    }


def _breaks_at(timer: SlaTimer) -> datetime | None:
    if timer.state == "breached":
        return timer.breached_at
    return timer.due_at if timer.state == "running" else None


def promise_of(timer: SlaTimer, now: datetime) -> dict[str, Any]:
    """Return one promise with how much of its time is used, and the colour of that."""
    used = 1.0
    end = timer.stopped_at or now
    if timer.due_at is not None and timer.state != "breached":
        span = (timer.due_at - timer.started_at).total_seconds() or 1.0
        used = min(max((end - timer.started_at).total_seconds() / span, 0.0), 1.0)
    elif timer.state == "paused" and timer.remaining_s is not None:
        used = min(max(1 - timer.remaining_s / (timer.target_s or 1.0), 0.0), 1.0)
    kind = "bad" if timer.state == "breached" else "good"
    if timer.state == "running" and used >= 0.5:
        kind = "bad" if used >= 0.75 else "warn"
    return {"timer": timer, "used": used, "kind": kind}


def _buttons(request: ConsoleRequest, rows: Rows) -> dict[str, Any]:
    """The buttons of the handoff that needs a person, of the newest run, or of the ticket."""
    if rows.open_handoffs:
        target = buttons.target_of(handoff=rows.open_handoffs[0])
    else:
        own = [run for run in rows.runs if not run.internal]
        told = [event for event in rows.events if event.contract and event.source != "meshline"]
        if not own and not told:
            return {"buttons": [], "main": None}
        target = buttons.target_of(run=own[0]) if own else buttons.target_of(event=told[0])
    shown = [button for button in buttons.offered(target, request.user) if button.permit]
    if not rows.open_handoffs:
        shown = [button for button in shown if button.slug == "escalate"]
    return {"buttons": shown, "main": buttons.main_button(shown)}


def _filters(address: str, entries: list[ticket_story.Entry], kind: str) -> list[dict[str, Any]]:
    totals = ticket_story.counted(entries)
    listed = [{"title": f"All {len(entries)}", "url": address, "current": not kind}]
    for name, title in ticket_story.KINDS.items():
        url = f"{address}?kind={name}#story"
        listed.append({"title": f"{title} {totals[name]}", "url": url, "current": kind == name})
    return listed


def _receipt_of(request: ConsoleRequest, key: str, rows: Rows) -> dict[str, Any]:
    now = clock.now()
    access.veil(request.user, rows.events, rows.runs, rows.handoffs)
    story = presses.of_tickets(rows.tickets)
    entries = ticket_story.entries_of(rows, story, TITLES, now)
    return {
        "key": key,
        "rows": rows,
        "subject": rows.subject(),
        "status": rows.status(),
        "entries": [entry for entry in reversed(entries) if not entry.soon],
        "trail": _trail(request, key),
        **_at_the_side(rows, now),
    }


def _trail(request: ConsoleRequest, key: str) -> list[Any]:
    """The ticket's audit entries that this reader may see, oldest first."""
    permit = may(access.roles_of(request.user), "audit.read")
    if not permit:
        return []
    own = request.user.get_username() if permit.own_only else ""
    return trails.trail(ticket=key, actor=own, limit=200).entries[::-1]


def _rows(key: str) -> Rows:
    rows = tickets.rows_of(*merges.names_of("ticket", key))
    if not rows.known:
        raise Http404(f"Nothing has happened around ticket {key} yet.")
    return rows


def _ticket_key(text: str) -> TicketKey:
    try:
        return TicketKey.parse(text)
    except BadValue as error:
        raise Http404(error.message) from error
