"""All that ever happened around a ticket, or around a customer's tickets: rows, in bounded lots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Prefetch

from meshline.core.money import Totals
from meshline.core.safejson import Json
from orchestration.models import (
    Attempt,
    Effect,
    EffectState,
    Event,
    EventBody,
    EventKey,
    Expectation,
    Handoff,
    Run,
    SlaTimer,
    TimerAlarm,
)
from orchestration.queries import merges
from orchestration.rules.catalog import CATALOG

MOST_EVENTS = 200
MOST_RUNS = 200
MOST_ATTEMPTS = 600
MOST_TICKETS = 20
MOST_OTHERS = 100


@dataclass(frozen=True)
class Money:
    """Money of a ticket in each currency: held up, sent, acknowledged, sent twice."""

    currency: str
    held: int = 0
    sent: int = 0
    acknowledged: int = 0
    twice: int = 0


@dataclass(frozen=True)
class Rows:
    """Everything stored about some tickets, newest first."""

    tickets: tuple[str, ...]
    events: list[Event] = field(default_factory=list)
    keys: Mapping[UUID, EventKey] = field(default_factory=dict)
    payloads: Mapping[UUID, Json] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    waits: list[Expectation] = field(default_factory=list)
    timers: list[SlaTimer] = field(default_factory=list)
    handoffs: list[Handoff] = field(default_factory=list)

    @property
    def known(self) -> bool:
        """Whether anything at all is known of them."""
        return bool(self.events or self.runs or self.handoffs or self.timers)

    @property
    def open_handoffs(self) -> list[Handoff]:
        """Those that still need a person."""
        return [handoff for handoff in self.handoffs if handoff.state != "resolved"]

    def first(self, name: str) -> str:
        """Return the newest known value of customer, customer_name, email or order."""
        for row in (*self.events, *self.runs):
            value = getattr(row, name, "")
            if value:
                return str(value)
        return ""

    def data_of(self, event: Event) -> Mapping[str, Any]:
        """Return an event's mapped data; empty if it is not kept."""
        payload = self.payloads.get(event.pk)
        data = payload.get("data") if isinstance(payload, dict) else None
        return data if isinstance(data, dict) else {}

    def subject(self) -> str:
        """Return what the ticket is about, as it was opened."""
        for event in reversed(self.events):
            text = self.data_of(event).get("subject")
            if isinstance(text, str) and text:
                return text
        return ""

    def status(self) -> str:
        """Return the desk's status as last told to us, or last set by us."""
        seen: list[tuple[Any, str]] = []
        for event in self.events:
            status = self.data_of(event).get("status")
            if event.contract.startswith("support.ticket.") and isinstance(status, str):
                seen.append((event.received_at, status))
        for effect in self.effects:
            if effect.scope == "helpdesk.transition_ticket" and effect.settled_at:
                request = effect.request if isinstance(effect.request, dict) else {}
                seen.append((effect.settled_at, str(request.get("to", ""))))
        return max(seen)[1] if seen else ""

    def cart(self) -> Mapping[str, Any]:
        """Return what the shop last said of the customer's cart; empty if it was not found."""
        for attempt in self.attempts:
            found = attempt.detail if isinstance(attempt.detail, dict) else {}
            if attempt.operation == "shop.find_cart" and found.get("found"):
                return found
        return {}


def rows_of(*tickets: str) -> Rows:
    """Return everything stored about the tickets; eleven queries, each bounded."""
    events = list(Event.objects.filter(ticket__in=tickets).order_by("-pk")[:MOST_EVENTS])
    ids = [event.pk for event in events]
    alarms = Prefetch("alarms", queryset=TimerAlarm.objects.order_by("generation", "level"))
    timers = SlaTimer.objects.filter(ticket__in=tickets).prefetch_related(alarms, "pauses")
    runs = Run.objects.filter(ticket__in=tickets).select_related("flow_version")
    handoffs = Handoff.objects.filter(ticket__in=tickets).select_related("claimed_by")
    attempts = Attempt.objects.filter(run__ticket__in=tickets).select_related("run")
    return Rows(
        tickets=tickets,
        events=events,
        keys={key.event_id: key for key in EventKey.objects.filter(event_id__in=ids)},
        payloads=dict(EventBody.objects.filter(pk__in=ids).values_list("pk", "payload")),
        runs=list(runs.order_by("-pk")[:MOST_RUNS]),
        attempts=list(attempts.order_by("-pk")[:MOST_ATTEMPTS]),
        effects=list(Effect.objects.filter(ticket__in=tickets)[:MOST_RUNS]),
        waits=list(Expectation.objects.filter(ticket__in=tickets)[:MOST_RUNS]),
        timers=list(timers[:MOST_OTHERS]),
        handoffs=list(handoffs[:MOST_OTHERS]),
    )


def tickets_of(customer: str) -> list[str]:
    """Return a customer's tickets by canonical id or address, newest first; merged ones too."""
    names = merges.names_of("customer", customer)
    rows = Event.objects.filter(customer__in=names).exclude(ticket="")
    named = list(rows.order_by("-pk").values_list("ticket", flat=True)[:MOST_EVENTS])
    if not named:
        rows = Event.objects.filter(email__in=names).exclude(ticket="")
        named = list(rows.order_by("-pk").values_list("ticket", flat=True)[:MOST_EVENTS])
    return list(dict.fromkeys(named))[:MOST_TICKETS]


def money_of(rows: Rows) -> list[Money]:
    """Return the ticket's money, each currency for itself."""
    held = Totals.of((h.amount_minor, h.currency) for h in rows.open_handoffs)
    moved = [effect for effect in rows.effects if _moves_money(effect)]
    currency = {run.event_id: run.currency for run in rows.runs if run.currency}
    succeeded = {run.event_id for run in rows.runs if run.state == "succeeded"}
    consumed = {wait.run_id for wait in rows.waits if wait.state == "consumed"}
    succeeded |= {run.event_id for run in rows.runs if run.pk in consumed}
    done = [effect for effect in moved if effect.state == EffectState.DONE]
    sent = _total(done, currency)
    acknowledged = _total([e for e in done if e.event_id in succeeded], currency)
    firsts: set[tuple[UUID, str]] = set()
    again = []
    for effect in reversed(done):
        name = (effect.event_id, effect.scope)
        if name in firsts:
            again.append(effect)
        firsts.add(name)
    twice = _total(again, currency)
    codes = sorted({code for code, _ in (*held, *sent)})
    parts = [dict(total) for total in (held, sent, acknowledged, twice)]
    return [Money(code, *(part.get(code, 0) for part in parts)) for code in codes]


def _moves_money(effect: Effect) -> bool:
    operation = CATALOG.get(effect.scope)
    return bool(operation and operation.money and operation.is_effect)


def _total(effects: Sequence[Effect], currency: Mapping[UUID, str]) -> Totals:
    return Totals.of(
        (effect.request.get("amount_minor"), currency.get(effect.event_id, ""))
        for effect in effects
        if isinstance(effect.request, dict)
    )
