"""Look-ups by whatever somebody has in hand: each goes by an index or over a bounded few rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from contracts_app.models import Contract, Source
from orchestration.models import Event, EventKey, Handoff, Run, SlaTimer
from orchestration.queries import merges

MOST = 30
NEWEST = 20_000  # rows that are looked through where no index leads to the answer
SHORTEST_NAME = 3
DESK = "desk"
MAX_ID = 2**63 - 1

Kind = Literal["ticket", "handoff", "run", "contract", "backfill"]

_HANDOFF = re.compile(r"H-?([0-9]{1,18})", re.IGNORECASE)
_TICKET = re.compile(r"(?:HD-|desk:|#)?([0-9]{1,20})", re.IGNORECASE)
_KEY = re.compile(r"[a-z][a-z0-9_-]{0,39}:[A-Za-z0-9._-]{1,79}")
_TAIL = re.compile(r"[0-9a-f]{8,12}", re.IGNORECASE)


@dataclass(frozen=True)
class Hit:
    """One thing found: its kind and key (which name its page), and how it is shown."""

    kind: Kind
    key: str | int | UUID
    title: str
    sub: str = ""
    customer_name: str = ""
    at: datetime | None = None


def find(words: str, *, names: bool) -> list[Hit]:
    """Return what fits, the surest first, each thing once; at most MOST.

    `names`: whether customers' names may be searched, by their beginning.
    """
    found: dict[tuple[str, Any], Hit] = {}
    for hit in _hits(words, names=names):
        found.setdefault((hit.kind, hit.key), hit)
        if len(found) >= MOST:
            break
    return list(found.values())


def _hits(words: str, *, names: bool) -> Iterator[Hit]:
    handoff = _HANDOFF.fullmatch(words)
    if handoff:
        yield from _handoffs(Q(pk=min(int(handoff[1]), MAX_ID)))
    yield from _by_ticket(words)
    yield from _by_id(words)
    yield from _by_subject(words)
    yield from _contracts(words)
    if names and len(words) >= SHORTEST_NAME and not any(c.isdigit() or c == "@" for c in words):
        yield from _by_name(words)


def _by_ticket(words: str) -> Iterator[Hit]:
    number = _TICKET.fullmatch(words)
    key = f"{DESK}:{number[1]}" if number else words.lower() if _KEY.fullmatch(words) else ""
    if key:
        yield from _tickets(Event.objects.filter(ticket=key)[:1])
        timer = SlaTimer.objects.filter(ticket=key).first()
        if timer is not None:
            yield Hit("ticket", key, key, "", timer.customer_name, timer.started_at)


def _by_id(words: str) -> Iterator[Hit]:
    """Runs and events by their own ids, events by the sender's, runs by the end of theirs."""
    try:
        identifier = UUID(words)
    except ValueError:
        identifier = None
    if identifier is not None:
        yield from _runs(Run.objects.filter(pk=identifier))
        yield from _of_events([identifier])
    elif _TAIL.fullmatch(words):
        tail = Cast("pk", output_field=TextField())
        newest = Run.objects.order_by("-pk").values("pk")[:NEWEST]
        rows = Run.objects.filter(pk__in=newest).alias(text=tail)
        yield from _runs(rows.filter(text__endswith=words.lower())[:MOST])
    sources = Source.objects.values_list("name", flat=True)
    keys = EventKey.objects.filter(source__in=list(sources), external_id=words)
    yield from _of_events(keys.values_list("event_id", flat=True)[:MOST])


def _by_subject(words: str) -> Iterator[Hit]:
    """Customers by id or address, orders by number, cases by the reference they carry."""
    order = words.lstrip("#")
    names = {words, words.lower()}
    customers = {*names, *(one for name in names for one in merges.names_of("customer", name))}
    orders = merges.names_of("order", order)
    for rows in (
        Event.objects.filter(order__in=orders) if order else Event.objects.none(),
        Event.objects.filter(customer__in=customers),
        Event.objects.filter(email__in=customers) if "@" in words else None,
        Event.objects.filter(correlation__in={words, *merges.names_of("cart", words)}),
    ):
        if rows is not None and words:
            yield from _tickets(rows.exclude(ticket="").order_by("-pk")[: MOST * 10])


def _by_name(words: str) -> Iterator[Hit]:
    newest = Event.objects.order_by("-pk").values("pk")[:NEWEST]
    rows = Event.objects.filter(pk__in=newest, customer_name__istartswith=words)
    yield from _tickets(rows.exclude(ticket="").order_by("-pk")[: MOST * 10])


def _of_events(identifiers: Iterable[UUID]) -> Iterator[Hit]:
    """What an event leads to: the runs that it started, else its ticket."""
    wanted = list(identifiers)
    if not wanted:
        return
    started = list(Run.objects.filter(event_id__in=wanted).order_by("-pk")[:MOST])
    yield from (_run(run) for run in started)
    without = set(wanted) - {run.event_id for run in started}
    yield from _tickets(Event.objects.filter(pk__in=without).exclude(ticket="")[:MOST])
    yield from _handoffs(Q(held_event_id__in=without))


def _tickets(events: Iterable[Event]) -> Iterator[Hit]:
    seen: set[str] = set()
    for event in events:
        if event.ticket not in seen:
            seen.add(event.ticket)
            order = f"order {event.order}" if event.order else ""
            yield Hit(
                "ticket", event.ticket, event.ticket, order, event.customer_name, event.received_at
            )


def _runs(runs: Iterable[Run]) -> Iterator[Hit]:
    yield from (_run(run) for run in runs)


def _run(run: Run) -> Hit:
    sub = " · ".join(part for part in (run.flow, run.ticket) if part)
    return Hit("run", run.pk, f"Run {str(run.pk)[-12:]}", sub, run.customer_name, run.created_at)


def _handoffs(wanted: Q) -> Iterator[Hit]:
    for row in Handoff.objects.filter(wanted)[:MOST]:
        sub = " · ".join(part for part in (row.cause, row.ticket) if part)
        yield Hit("handoff", row.pk, row.reference, sub, row.customer_name, row.opened_at)


def _contracts(words: str) -> Iterator[Hit]:
    for row in Contract.objects.filter(name=words.lower()):
        yield Hit("contract", row.name, row.name, row.title)
