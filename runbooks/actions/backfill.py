"""Backfill: run the same flow again for every ticket with the same cause, at a pace."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from meshline.core.errors import IllegalTransition
from orchestration.models import Handoff, HandoffState
from orchestration.queries import documents
from orchestration.rules.catalog import CATALOG
from orchestration.rules.flow_spec import CallStep
from runbooks.actions.base import Press, Preview, Result, Target
from runbooks.actions.replay_event import lines_of
from runbooks.models import Backfill, BackfillItem
from runbooks.queries.presses import UNDER_WAY
from runbooks.rules.permit import is_large_backfill

MOST = 2000
PER_SECOND = 5


def same_trouble(handoff: Handoff) -> QuerySet[Handoff]:
    """The unresolved handoffs of the same cause, flow and contract, oldest first.

    What somebody has in hand stays theirs, but for the one that the button is pressed on.
    """
    free = Q(state__in=[HandoffState.OPEN, HandoffState.SNOOZED])
    return Handoff.objects.filter(
        free | Q(pk=handoff.pk, state=HandoffState.CLAIMED),
        reason=handoff.reason,
        flow=handoff.flow,
        contract=handoff.contract,
        run_id__isnull=False,
    ).order_by("pk")


def waiting_items(handoff: Handoff) -> QuerySet[BackfillItem]:
    """What other backfills of the flow, running or paused, still have to start."""
    going = Backfill.objects.filter(state__in=UNDER_WAY, flow=handoff.flow)
    return BackfillItem.objects.filter(
        backfill__in=list(going.values_list("pk", flat=True)), run_id=None
    )


def to_run(handoff: Handoff) -> QuerySet[Handoff]:
    """Those of the same trouble that no other backfill is going to start."""
    in_another = waiting_items(handoff).filter(event_id=OuterRef("event_id"))
    return same_trouble(handoff).filter(~Exists(in_another), event_id__isnull=False)


def counted(rows: QuerySet[Any]) -> int:
    """How many there are; it is not counted further than a backfill can hold."""
    return rows[:MOST].count()


class BackfillFlow:
    """The button on a cause that many tickets share."""

    slug = "flow.backfill"
    title = "Backfill"
    icon = "history"
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "per_second": {
                "type": "integer",
                "title": "Tickets a second",
                "minimum": 1,
                "maximum": 50,
                "default": PER_SECOND,
            }
        },
    }
    reasons = ("The other system knows them by now", "The outage is over", "Asked to by the owner")

    def rule(self, target: Target) -> str:
        """A large one, or one that moves money, is judged more strictly."""
        if target.handoff is None:
            return self.slug
        count = counted(same_trouble(target.handoff))
        large = is_large_backfill(count, money=_moves_money(target.handoff.flow))
        return f"{self.slug}_large" if large else self.slug

    def offered(self, target: Target) -> bool:
        """Where a flow left a handoff that others may share."""
        return target.handoff is not None and bool(target.handoff.flow)

    def preview(self, target: Target) -> Preview:
        """How many tickets, frozen when it is pressed; effect by effect for the one at hand."""
        assert target.handoff is not None  # noqa: S101 offered() said so
        count = counted(to_run(target.handoff))
        held = _in_others(target.handoff)
        if not count:
            return Preview(_nothing_left(held), count=0)
        are = f"{tickets(count)} with the same cause {'is' if count == 1 else 'are'} run again"
        besides = f"; {held}" if held else ""
        return Preview(
            f"{are}{besides}. Each effect is done at most once.", lines_of(target), count=count
        )

    def perform(self, target: Target, press: Press) -> Result:
        """Freeze the list; the sweep works it off."""
        assert target.handoff is not None  # noqa: S101 offered() said so
        # Those that somebody has in hand just now are theirs: to wait for them could be for ever.
        locked = to_run(target.handoff).select_for_update(skip_locked=True)[:MOST]
        chosen = _once_each(locked)
        # Another backfill may have frozen some of them while we came to lock them.
        for event_id in _taken_meanwhile(target.handoff, chosen):
            chosen.pop(event_id)
        if not chosen:
            raise IllegalTransition(
                _nothing_left(_in_others(target.handoff)),
                remedy="Look at who has them in hand, or replay this one by itself.",
            )
        backfill = Backfill.objects.create(
            title=target.handoff.cause,
            contract=target.handoff.contract,
            flow=target.handoff.flow,
            ticket=press.ticket,
            intervention_id=press.intervention_id,
            per_second=int(press.values.get("per_second") or PER_SECOND),
            total=len(chosen),
            wake_at=press.now,
            created_at=press.now,
        )
        _freeze(backfill, chosen)
        return Result(
            f"{backfill.reference} runs {tickets(len(chosen))} again.",
            detail={"backfill": backfill.pk, "total": len(chosen)},
        )


def _moves_money(flow: str) -> bool:
    spec = documents.flow_spec(documents.published_flow(flow))
    return any(isinstance(step, CallStep) and CATALOG[step.operation].money for step in spec.steps)


def tickets(count: int) -> str:
    """A number of tickets in words: "1 ticket", "5 tickets"."""
    return f"{count} ticket" if count == 1 else f"{count} tickets"


def _in_others(handoff: Handoff) -> str:
    """How many of the same trouble wait in which other backfills, as part of a sentence."""
    events = same_trouble(handoff).values("event_id")
    waiting = waiting_items(handoff).filter(event_id__in=events)
    count = counted(waiting)
    if not count:
        return ""
    numbers = waiting.order_by("backfill_id").values_list("backfill_id", flat=True).distinct()[:3]
    listed = " and ".join(f"BF-{number}" for number in numbers)
    return f"{count} more {'is' if count == 1 else 'are'} in {listed} already"


def _nothing_left(held: str) -> str:
    said = "No ticket with this cause is left to run again: what somebody has in hand stays theirs"
    return f"{said}, and {held.replace(' more', '', 1)}." if held else f"{said}."


def _once_each(handoffs: Iterable[Handoff]) -> dict[UUID, Handoff]:
    """One handoff for each event, the oldest."""
    found: dict[UUID, Handoff] = {}
    for handoff in handoffs:
        if handoff.event_id is not None:
            found.setdefault(handoff.event_id, handoff)
    return found


def _taken_meanwhile(handoff: Handoff, chosen: Collection[UUID]) -> set[UUID]:
    rows = waiting_items(handoff).filter(event_id__in=list(chosen))
    return set(rows.values_list("event_id", flat=True))


def _freeze(backfill: Backfill, chosen: Mapping[UUID, Handoff]) -> None:
    items = [
        BackfillItem(
            backfill=backfill,
            position=position,
            event_id=event_id,
            handoff_id=handoff.pk,
            ticket=handoff.ticket,
        )
        for position, (event_id, handoff) in enumerate(chosen.items())
    ]
    BackfillItem.objects.bulk_create(items)
