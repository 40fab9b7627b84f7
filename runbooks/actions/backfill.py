"""Backfill: run the same flow again for every ticket with the same cause, at a pace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from orchestration.models import Handoff, HandoffState
from orchestration.queries import documents
from orchestration.rules.catalog import CATALOG
from orchestration.rules.flow_spec import CallStep
from runbooks.actions.base import Press, Preview, Result, Target
from runbooks.actions.replay_event import lines_of
from runbooks.models import Backfill, BackfillItem
from runbooks.rules.permit import is_large_backfill

MOST = 2000
PER_SECOND = 5


def same_trouble(handoff: Handoff) -> QuerySet[Handoff]:
    """The unresolved handoffs of the same cause, flow and contract, oldest first."""
    return Handoff.objects.filter(
        state__in=[HandoffState.OPEN, HandoffState.SNOOZED],
        reason=handoff.reason,
        flow=handoff.flow,
        contract=handoff.contract,
        run_id__isnull=False,
    ).order_by("pk")


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
        count = same_trouble(target.handoff).count()
        large = is_large_backfill(count, money=_moves_money(target.handoff.flow))
        return f"{self.slug}_large" if large else self.slug

    def offered(self, target: Target) -> bool:
        """Where a flow left a handoff that others may share."""
        return target.handoff is not None and bool(target.handoff.flow)

    def preview(self, target: Target) -> Preview:
        """How many tickets, frozen when it is pressed; effect by effect for the one at hand."""
        assert target.handoff is not None  # noqa: S101 offered() said so
        count = min(same_trouble(target.handoff).count(), MOST)
        return Preview(
            f"{count} tickets with the same cause are run again. Each effect is done at most once.",
            lines_of(target),
            count=count,
        )

    def perform(self, target: Target, press: Press) -> Result:
        """Freeze the list; the sweep works it off."""
        assert target.handoff is not None  # noqa: S101 offered() said so
        # Those that somebody has in hand just now are theirs: to wait for them could be for ever.
        chosen = list(same_trouble(target.handoff).select_for_update(skip_locked=True)[:MOST])
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
        _freeze(backfill, chosen, press.now)
        return Result(
            f"{backfill.reference} runs {len(chosen)} tickets again.",
            detail={"backfill": backfill.pk, "total": len(chosen)},
        )


def _moves_money(flow: str) -> bool:
    spec = documents.flow_spec(documents.published_flow(flow))
    return any(isinstance(step, CallStep) and CATALOG[step.operation].money for step in spec.steps)


def _freeze(backfill: Backfill, chosen: list[Handoff], now: datetime) -> None:
    seen: set[object] = set()
    items: list[BackfillItem] = []
    for handoff in chosen:
        if handoff.event_id is None or handoff.event_id in seen:
            continue
        seen.add(handoff.event_id)
        items.append(
            BackfillItem(
                backfill=backfill,
                position=len(items),
                event_id=handoff.event_id,
                handoff_id=handoff.pk,
                ticket=handoff.ticket,
            )
        )
    BackfillItem.objects.bulk_create(items)
    Backfill.objects.filter(pk=backfill.pk).update(total=len(items))
