"""The first page's figures: who waits for a person and why, and where the events went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q, Value
from django.db.models.fields import TextField
from django.db.models.functions import Cast, Coalesce, NullIf

from contracts_app.models import OwnerRole, Ownership
from meshline.core.ids import uuid7_floor
from meshline.core.money import Totals
from orchestration.models import Handoff, HandoffState, SlaTimer, TimerState
from orchestration.queries import tallied
from orchestration.queries.tallied import Counts
from orchestration.rules.attainment import Score

MOST = 500
METRICS = ("straight", "recovered", "duplicate", "person", "intervention", "received")
RISK_ORDER = {"critical": 0, "high": 1, "medium": 2, "low": 3}

_MOVES = """
SELECT action, width_bucket(at, %s::timestamptz[]) - 1, count(*)
FROM contracts_app_auditentry
WHERE action IN ('handoff.open', 'handoff.resolve') AND id >= %s
GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Promise:
    """The next promise to a ticket: when it breaks (or broke), and how much time was promised."""

    due_at: datetime
    target: timedelta


@dataclass(frozen=True)
class Cause:
    """Unresolved handoffs of one cause on one contract, the most urgent first."""

    handoffs: list[Handoff]
    promise: Promise | None
    owner: str = ""

    @property
    def first(self) -> Handoff:
        """The one to open first."""
        return self.handoffs[0]

    @property
    def customers(self) -> int:
        """How many different customers wait."""
        return len({_who(handoff) for handoff in self.handoffs})

    @property
    def money(self) -> Totals:
        """What is held up, per currency."""
        return money_of(self.handoffs)

    @property
    def urgency(self) -> tuple[Any, ...]:
        """Sort key: the graver class first, then the promise that breaks next, then the crowd."""
        due = self.promise.due_at.timestamp() if self.promise else float("inf")
        return (RISK_ORDER.get(self.first.risk, 9), due, -self.customers, self.first.pk)


@dataclass(frozen=True)
class Waiting:
    """Everything that waits for a person. `truncated`: there is more than is listed."""

    causes: list[Cause] = field(default_factory=list)
    customers: int = 0
    handoffs: int = 0
    money: Totals = field(default_factory=Totals)
    truncated: bool = False


@dataclass(frozen=True)
class Figures:
    """Where the events of a period went, in all and slice by slice."""

    counts: Counts

    @property
    def straight(self) -> int:
        """Runs that nothing disturbed."""
        return self.counts.total("straight")

    @property
    def recovered(self) -> int:
        """Runs that had trouble and got over it alone."""
        return self.counts.total("recovered")

    @property
    def duplicates(self) -> int:
        """Deliveries that were here before, stopped."""
        return self.counts.total("duplicate")

    @property
    def person(self) -> int:
        """Handoffs opened: somebody was needed."""
        return self.counts.total("person")

    @property
    def interventions(self) -> int:
        """Buttons that people pressed."""
        return self.counts.total("intervention")

    @property
    def events(self) -> int:
        """Events taken in, each once."""
        return self.counts.total("received")

    @property
    def alone(self) -> Score:
        """What went one of the four ways: without a person, and with one.

        Events that start nothing (a reply that stops a timer) are not counted as a success.
        """
        return Score(self.straight + self.recovered + self.duplicates, self.person)

    @property
    def unaided(self) -> Decimal | None:
        """The share of that which needed no person; None if nothing went any of the ways."""
        return self.alone.share

    def unaided_series(self) -> list[float | None]:
        """Return that share from the beginning up to each slice's end."""
        alone, helped = 0, 0
        found: list[float | None] = []
        ways = ("straight", "recovered", "duplicate")
        for at, person in enumerate(self.counts.series("person")):
            alone += sum(self.counts.series(way)[at] for way in ways)
            helped += person
            found.append(alone / (alone + helped) if alone + helped else None)
        return found


def figures(edges: tuple[datetime, ...]) -> Figures:
    """Return where events went between the edges; one query."""
    return Figures(tallied.counts(METRICS, edges))


def waiting() -> Waiting:
    """Return the unresolved handoffs by cause, worst first; four queries."""
    unresolved = Handoff.objects.exclude(state=HandoffState.RESOLVED)
    rows = unresolved.select_related("claimed_by").order_by(
        F("promise_at").asc(nulls_last=True), "pk"
    )
    listed = list(rows[: MOST + 1])
    shown = listed[:MOST]
    promises = next_promises(handoff.ticket for handoff in shown)
    owners = owners_of(handoff.contract for handoff in shown)
    grouped: dict[tuple[str, str], list[Handoff]] = {}
    for handoff in shown:
        grouped.setdefault((handoff.cause, handoff.contract), []).append(handoff)
    causes = [_cause(handoffs, promises, owners) for handoffs in grouped.values()]
    return Waiting(
        causes=sorted(causes, key=lambda cause: cause.urgency),
        customers=len({_who(h) for h in shown}) if len(listed) <= MOST else _customers(),
        handoffs=len(shown),
        money=money_of(shown),
        truncated=len(listed) > MOST,
    )


def waiting_series(edges: tuple[datetime, ...], *, now_open: int) -> list[int]:
    """Return how many handoffs were unresolved at each edge but the first.

    Counted back from how many are now, by the audit log's openings and endings; one query.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MOVES, [list(edges), uuid7_floor(edges[0])])
        moved = {(row[0], row[1]): row[2] for row in cursor.fetchall()}
    found = [now_open]
    for at in range(len(edges) - 2, 0, -1):
        opened, ended = moved.get(("handoff.open", at), 0), moved.get(("handoff.resolve", at), 0)
        found.append(max(found[-1] - opened + ended, 0))
    return found[::-1]


def next_promises(tickets: Iterable[str]) -> dict[str, Promise]:
    """Return the promise of each ticket that breaks next, or is broken and still open."""
    wanted = {ticket for ticket in tickets if ticket}
    if not wanted:
        return {}
    alive = Q(state=TimerState.RUNNING, due_at__isnull=False)
    alive |= Q(state=TimerState.BREACHED, stopped_at=None, due_at__isnull=False)
    timers = SlaTimer.objects.filter(alive, ticket__in=wanted).order_by("-due_at")
    return {
        ticket: Promise(due_at, timedelta(seconds=target_s))
        for ticket, due_at, target_s in timers.values_list("ticket", "due_at", "target_s")
        if due_at is not None
    }


def owners_of(contracts: Iterable[str]) -> dict[str, str]:
    """Return who answers for each contract: its owner's person, else the team."""
    rows = Ownership.objects.filter(
        contract__name__in=set(contracts), role=OwnerRole.CONTRACT
    ).select_related("owner__person", "contract")
    return {
        row.contract.name: (row.owner.person.get_full_name() or row.owner.person.get_username())
        if row.owner.person
        else row.owner.title
        for row in rows
    }


def money_of(handoffs: Sequence[Handoff]) -> Totals:
    """Return what is held up per currency; two handoffs of one ticket hold up one amount."""
    amounts = {
        (h.ticket or h.pk, h.order, h.amount_minor, h.currency): (h.amount_minor, h.currency)
        for h in handoffs
    }
    return Totals.of(amounts.values())


def _cause(handoffs: list[Handoff], promises: dict[str, Promise], owners: dict[str, str]) -> Cause:
    known = [promises[h.ticket] for h in handoffs if h.ticket in promises]
    first = min(known, key=lambda promise: promise.due_at, default=None)
    holders = {h.claimed_by.get_full_name() or h.claimed_by.get_username()
               for h in handoffs if h.claimed_by is not None}  # fmt: skip
    taken = len(holders) == 1 and all(h.claimed_by_id for h in handoffs)
    owner = holders.pop() if taken else owners.get(handoffs[0].contract, "")
    ordered = sorted(handoffs, key=lambda h: _due(promises, h))
    return Cause(ordered, first, owner)


def _due(promises: dict[str, Promise], handoff: Handoff) -> tuple[float, int]:
    promise = promises.get(handoff.ticket)
    return (promise.due_at.timestamp() if promise else float("inf"), handoff.pk)


def _who(handoff: Handoff) -> str:
    return handoff.customer or handoff.ticket or f"H-{handoff.pk}"


def _customers() -> int:
    """How many different customers wait, counted by the database where they are many."""
    empty = Value("")
    who = Coalesce(
        NullIf("customer", empty), NullIf("ticket", empty), Cast("pk", output_field=TextField())
    )
    unresolved = Handoff.objects.exclude(state=HandoffState.RESOLVED).order_by()
    counted: int = unresolved.aggregate(n=Count(who, distinct=True))["n"]
    return counted
