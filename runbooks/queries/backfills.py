"""Backfills as the console shows them: how far each is, and what became of every ticket."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, Exists, F, OuterRef, QuerySet, Subquery, Value, When

from meshline.core.errors import MeshlineError, NotFound
from orchestration.models import Effect, EffectState, Handoff, HandoffState, Run
from orchestration.queries import documents
from orchestration.rules.catalog import CATALOG, Operation
from orchestration.rules.flow_spec import CallStep
from runbooks.models import Backfill, BackfillItem, Intervention

PAGE = 50
# What became of one ticket, in the order of the report's tabs: title and colour.
OUTCOMES = {
    "repaired": ("Repaired", "good"),
    "running": ("Running", "accent"),
    "failed": ("Needs a person", "bad"),
    "left_alone": ("Left alone", "plum"),
    "waiting": ("Left", "none"),
}


@dataclass(frozen=True)
class Progress:
    """How many tickets of a backfill stand where."""

    total: int
    repaired: int = 0
    running: int = 0
    failed: int = 0
    left_alone: int = 0
    waiting: int = 0

    @property
    def done(self) -> int:
        """How many have come to an end, good or bad."""
        return self.repaired + self.failed + self.left_alone

    @property
    def percent(self) -> int:
        """Share that has come to an end, 0 to 100, rounded down."""
        return self.done * 100 // self.total if self.total else 100

    @property
    def parts(self) -> list[tuple[str, int, str]]:
        """Label, count and colour of each part of the bar."""
        return [(title, getattr(self, name), kind) for name, (title, kind) in OUTCOMES.items()]

    def count(self, outcome: str) -> int:
        """How many have this outcome; all for an empty one."""
        return int(getattr(self, outcome)) if outcome in OUTCOMES else self.total


@dataclass(frozen=True)
class Listed:
    """One backfill in the list; `by` is the name of who started it."""

    backfill: Backfill
    progress: Progress

    @property
    def by(self) -> str:
        """The starter's name."""
        actor = self.backfill.intervention.actor
        return actor.get_full_name() or actor.get_username()

    @property
    def moves(self) -> tuple[str, ...]:
        """What it can be steered to: pause, go_on, stop."""
        match self.backfill.state:
            case "running":
                return ("pause", "stop")
            case "paused":
                return ("go_on", "stop")
        return ()

    def time_left(self) -> timedelta | None:
        """How long it takes to start what is left at its pace; None if it is not running."""
        if self.backfill.state != "running":
            return None
        return timedelta(seconds=-(-self.progress.waiting // max(self.backfill.per_second, 1)))


@dataclass(frozen=True)
class TicketRow:
    """One line of the report: a ticket, its run and what it changed."""

    item: BackfillItem
    outcome: str
    run: Run | None
    effects: tuple[Effect, ...]
    handoff: Handoff | None

    @property
    def title(self) -> str:
        """The outcome in words."""
        return OUTCOMES[self.outcome][0]

    @property
    def took(self) -> timedelta | None:
        """From the start of its run to the end."""
        run = self.run
        if run is None or run.finished_at is None or self.outcome == "left_alone":
            return None
        return run.finished_at - run.created_at

    @property
    def changed(self) -> str:
        """What the run has changed in other systems, or why it could not."""
        if self.outcome == "left_alone":
            return "Somebody had taken it up already"
        if self.outcome == "failed":
            return (self.handoff.detail or self.handoff.cause) if self.handoff else ""
        own = self.item.run_id
        titles = [
            _operation_title(effect.scope)
            + ("" if effect.run_id == own else ", done by an earlier run")
            for effect in self.effects
        ]
        return "; ".join(dict.fromkeys(titles))


@dataclass(frozen=True)
class PlanLine:
    """One step of the flow that talks to another system, as planned for each ticket."""

    step: str
    operation: Operation


@dataclass(frozen=True)
class Report:
    """Some lines of the report; `more` is the position to go on from, or None."""

    rows: list[TicketRow]
    more: int | None


def newest(
    *, state: str = "", before: int | None = None, limit: int = PAGE
) -> tuple[list[Listed], int | None]:
    """Return the newest backfills and where the next page begins; two queries."""
    rows = Backfill.objects.select_related("intervention__actor").order_by("-pk")
    if state:
        rows = rows.filter(state=state)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: limit + 1])
    figures = _progress(found[:limit])
    listed = [Listed(row, figures[row.pk]) for row in found[:limit]]
    return listed, found[limit - 1].pk if len(found) > limit else None


def backfill_numbered(pk: int) -> Listed:
    """Return one backfill with its progress. Raises: NotFound."""
    row = Backfill.objects.select_related("intervention__actor").filter(pk=pk).first()
    if row is None:
        raise NotFound(f"There is no backfill BF-{pk}.")
    return Listed(row, _progress([row])[row.pk])


def under_way() -> int:
    """How many backfills are running or paused."""
    return Backfill.objects.filter(state__in=["running", "paused"]).count()


def report(backfill: Backfill, *, outcome: str = "", start: int = 0, limit: int = PAGE) -> Report:
    """Return the tickets from a position on, those with `outcome` only if one is given."""
    rows = _with_outcome(backfill.items.all()).filter(position__gte=start)
    if outcome in OUTCOMES:
        rows = rows.filter(outcome=outcome)
    found = list(rows.order_by("position")[: limit + 1])
    more = found[limit].position if len(found) > limit else None
    return Report(_ticket_rows(found[:limit], backfill), more)


def plan_of(backfill: Backfill) -> list[PlanLine]:
    """Return what the flow does in other systems for each ticket; none if it is not published."""
    try:
        spec = documents.flow_spec(documents.published_flow(backfill.flow))
    except MeshlineError:
        return []
    return [
        PlanLine(step.id, CATALOG[step.operation])
        for step in spec.steps
        if isinstance(step, CallStep)
    ]


def _progress(backfills: Sequence[Backfill]) -> dict[int, Progress]:
    """Return the counts of each backfill; one query."""
    figures: dict[int, dict[str, int]] = {row.pk: {} for row in backfills}
    items = _with_outcome(BackfillItem.objects.filter(backfill__in=[row.pk for row in backfills]))
    counted = items.order_by().values_list("backfill_id", "outcome").annotate(n=Count("pk"))
    for pk, outcome, count in counted:
        figures[pk][outcome] = count
    return {row.pk: Progress(total=row.total, **figures[row.pk]) for row in backfills}


def _with_outcome(items: QuerySet[BackfillItem]) -> Any:
    """Name what became of each item: by its run's state, and whether the backfill started it.

    Items hold no foreign key to their run, which lies in a partitioned table.
    """
    run = Run.objects.filter(pk=OuterRef("run_id"))
    replayed_by_person = Intervention.objects.filter(
        result_run_id=OuterRef("run_id"), action="flow.replay"
    )
    return items.annotate(
        run_state=Subquery(run.values("state")[:1]),
        run_since=Subquery(run.values("created_at")[:1]),
        outcome=Case(
            When(run_id=None, then=Value("waiting")),
            When(run_since__lt=F("backfill__created_at"), then=Value("left_alone")),
            When(Exists(replayed_by_person), then=Value("left_alone")),
            When(run_state="succeeded", then=Value("repaired")),
            When(run_state__in=["ready", "running", "waiting"], then=Value("running")),
            default=Value("failed"),
        ),
    )


def _ticket_rows(items: Sequence[BackfillItem], backfill: Backfill) -> list[TicketRow]:
    """Return the report's lines with runs, effects and handoffs; three queries."""
    run_ids = [item.run_id for item in items if item.run_id]
    runs = Run.objects.in_bulk(run_ids)
    effects = _effects([item.event_id for item in items], backfill)
    open_ones = Handoff.objects.filter(run_id__in=run_ids).exclude(state=HandoffState.RESOLVED)
    handoffs = {handoff.run_id: handoff for handoff in open_ones.order_by("pk")}
    return [
        TicketRow(
            item=item,
            outcome=str(getattr(item, "outcome", "waiting")),
            run=runs.get(item.run_id) if item.run_id else None,
            effects=effects.get(item.event_id, ()),
            handoff=handoffs.get(item.run_id),
        )
        for item in items
    ]


def _effects(event_ids: Iterable[UUID], backfill: Backfill) -> dict[UUID, tuple[Effect, ...]]:
    rows = Effect.objects.filter(
        event_id__in=list(event_ids), flow=backfill.flow, state=EffectState.DONE
    )
    found: dict[UUID, tuple[Effect, ...]] = {}
    for effect in rows.order_by("pk"):
        found[effect.event_id] = (*found.get(effect.event_id, ()), effect)
    return found


def _operation_title(scope: str) -> str:
    return CATALOG[scope].title if scope in CATALOG else scope
