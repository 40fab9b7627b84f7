"""Handoffs as the inbox shows them: grouped by cause, sorted by the promise that breaks next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from meshline.core.money import Totals
from orchestration.models import Handoff, HandoffState, Run, SlaTimer, TimerAlarm, TimerState
from runbooks.models import Intervention
from runbooks.queries.presses import ACTIVE

MOST = 300
RESOLVED_SHOWN = 100
UNRESOLVED = (HandoffState.OPEN, HandoffState.CLAIMED, HandoffState.SNOOZED)


@dataclass(frozen=True)
class Wanted:
    """Which handoffs: filters as they stand in the address; empty is any."""

    state: str = ""
    reason: str = ""
    contract: str = ""
    risk: str = ""
    flow: str = ""
    ticket: str = ""
    customer: str = ""
    mine: int | None = None  # id of the user who has it
    at_risk: bool = False


@dataclass(frozen=True)
class Row:
    """One handoff in the list: when its next promise breaks, and who is at it."""

    handoff: Handoff
    breaks_at: datetime | None
    replayed_by: str = ""

    @property
    def holder(self) -> str:
        """Name of who has it, or an empty text."""
        person = self.handoff.claimed_by
        return (person.get_full_name() or person.get_username()) if person else ""

    @property
    def under_way(self) -> bool:
        """Whether a replay or retry that somebody pressed is still running."""
        return bool(self.replayed_by)


@dataclass(frozen=True)
class Group:
    """Handoffs of one cause: how many customers it holds up, and which money."""

    cause: str
    rows: list[Row]

    @property
    def customers(self) -> int:
        """How many different customers (or tickets, where none is known) wait for it."""
        return len({r.handoff.customer or r.handoff.ticket or r.handoff.pk for r in self.rows})

    @property
    def money(self) -> Totals:
        """Money held up, per currency."""
        return Totals.of((r.handoff.amount_minor, r.handoff.currency) for r in self.rows)


@dataclass(frozen=True)
class Inbox:
    """The list as shown. `truncated`: there are more than are listed."""

    groups: list[Group]
    rows: list[Row] = field(default_factory=list)
    truncated: bool = False

    def neighbours(self, pk: int) -> tuple[int | None, int | None, int]:
        """Return the handoffs before and after one, and its place from 1 (0: not listed)."""
        order = [row.handoff.pk for row in self.rows]
        if pk not in order:
            return None, None, 0
        at = order.index(pk)
        after = order[at + 1] if at + 1 < len(order) else None
        return (order[at - 1] if at else None), after, at + 1


def inbox(wanted: Wanted) -> Inbox:
    """Return the handoffs that fit, the cause whose promise breaks first on top; five queries."""
    limit = RESOLVED_SHOWN if wanted.state == HandoffState.RESOLVED else MOST
    found = list(_filtered(wanted)[: limit + 1])
    rows = _rows(found[:limit])
    newest_first = wanted.state == HandoffState.RESOLVED
    groups = [Group("", rows)] if newest_first and rows else _grouped(rows)
    ordered = [row for group in groups for row in group.rows]
    return Inbox(groups, ordered, truncated=len(found) > limit)


def counts(user_id: int) -> dict[str, int]:
    """Return how many handoffs each tab holds, by one pass over the unresolved ones."""
    unresolved = Handoff.objects.exclude(state=HandoffState.RESOLVED)
    result: dict[str, int] = unresolved.annotate(pressing=_at_risk()).aggregate(
        open=Count("pk"),
        mine=Count("pk", filter=Q(claimed_by=user_id)),
        risk=Count("pk", filter=Q(pressing=True)),
    )
    return result


def choices() -> dict[str, list[str]]:
    """Return what the unresolved handoffs can be filtered by, as they are now."""
    rows = Handoff.objects.exclude(state=HandoffState.RESOLVED).order_by()
    return {
        name: sorted(value for value in rows.values_list(name, flat=True).distinct() if value)
        for name in ("reason", "contract", "flow", "risk")
    }


def _filtered(wanted: Wanted) -> QuerySet[Handoff]:
    rows = Handoff.objects.select_related("claimed_by")
    if wanted.state == HandoffState.RESOLVED:
        rows = rows.filter(state=HandoffState.RESOLVED).order_by("-resolved_at", "-pk")
    else:
        states = [wanted.state] if wanted.state in UNRESOLVED else list(UNRESOLVED)
        rows = rows.filter(state__in=states)
        rows = rows.order_by(F("promise_at").asc(nulls_last=True), "pk")
    for name in ("reason", "contract", "risk", "flow", "ticket", "customer"):
        value = getattr(wanted, name)
        if value:
            rows = rows.filter(**{name: value})
    if wanted.mine is not None:
        rows = rows.filter(claimed_by=wanted.mine)
    return rows.filter(_at_risk()) if wanted.at_risk else rows


def _at_risk() -> Exists:
    """A promise to the ticket is broken and still open, or its warning has gone out."""
    warned = TimerAlarm.objects.filter(
        timer__ticket=OuterRef("ticket"),
        timer__stopped_at=None,
        timer__state__in=[TimerState.RUNNING, TimerState.BREACHED],
        fired_at__isnull=False,
    )
    return Exists(warned)


def _rows(handoffs: Sequence[Handoff]) -> list[Row]:
    due = next_breaks(handoff.ticket for handoff in handoffs)
    pressers = _pressers(handoffs)
    return [
        Row(handoff, due.get(handoff.ticket), pressers.get(handoff.pk, "")) for handoff in handoffs
    ]


def next_breaks(tickets: Iterable[str]) -> dict[str, datetime]:
    """Return when the next promise to each ticket breaks (past: it is broken and still open)."""
    timers = (
        SlaTimer.objects.filter(ticket__in={ticket for ticket in tickets if ticket})
        .filter(
            Q(state=TimerState.RUNNING, due_at__isnull=False)
            | Q(state=TimerState.BREACHED, stopped_at=None)
        )
        .values_list("ticket", "due_at", "breached_at")
    )
    first: dict[str, datetime] = {}
    for ticket, due_at, breached_at in timers:
        at = breached_at or due_at
        if at is not None and (ticket not in first or at < first[ticket]):
            first[ticket] = at
    return first


def _pressers(handoffs: Sequence[Handoff]) -> dict[int, str]:
    """Return who set going the run that each handoff follows, while it is under way."""
    claimed = {h.run_id: h.pk for h in handoffs if h.state == HandoffState.CLAIMED and h.run_id}
    if not claimed:
        return {}
    active: set[UUID] = set(
        Run.objects.filter(pk__in=claimed, state__in=ACTIVE).values_list("pk", flat=True)
    )
    presses = Intervention.objects.filter(
        handoff_id__in=[claimed[pk] for pk in active], result_run_id__in=active
    ).select_related("actor")
    return {
        press.handoff_id: press.actor.get_full_name() or press.actor.get_username()
        for press in presses
        if press.handoff_id is not None and press.action != "escalate"
    }


def _grouped(rows: Sequence[Row]) -> list[Group]:
    by_cause: dict[str, list[Row]] = {}
    for row in sorted(rows, key=_urgency):
        by_cause.setdefault(row.handoff.cause, []).append(row)
    return [Group(cause, members) for cause, members in by_cause.items()]


def _urgency(row: Row) -> tuple[Any, ...]:
    at = row.breaks_at
    return (at is None, at.timestamp() if at else 0.0, row.handoff.pk)
