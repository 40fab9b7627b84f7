"""Runs: the list by its filters, paged by key, and what one run's page needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from contracts_app.rules import identity
from meshline.core.errors import MeshlineError
from meshline.core.ids import uuid7_floor
from orchestration.models import Event, Expectation, FlowVersion, Run, RunOutcome, RunState
from orchestration.models.run import StepRecord
from orchestration.queries import documents, merges
from orchestration.rules.flow_spec import FlowSpec

PAGE = 50
COUNTED = 999
UNDER_WAY = (RunState.READY, RunState.RUNNING)


@dataclass(frozen=True)
class Wanted:
    """Which runs: filters as they stand in the address; empty is any."""

    state: str = ""
    outcome: str = ""
    flow: str = ""
    contract: str = ""
    ticket: str = ""
    customer: str = ""
    text: str = ""  # ticket, customer, order, event or run id
    since: datetime | None = None
    until: datetime | None = None
    internal: bool = False
    before: UUID | None = None
    after: UUID | None = None
    newest: UUID | None = None  # rows above it are counted, not shown


@dataclass(frozen=True)
class Row:
    """One run with where it stands: its steps' states in order, the step's title, its deadline."""

    run: Run
    steps: list[str]
    step_title: str
    error: str = ""
    due_at: datetime | None = None

    @property
    def title(self) -> str:
        """What people call it."""
        return title_of(self.run)


@dataclass(frozen=True)
class Page:
    """One page, newest first. `older`, `newer`: keys of the neighbouring pages; `fresh`: how many
    have come since `newest`."""

    rows: list[Row] = field(default_factory=list)
    older: UUID | None = None
    newer: UUID | None = None
    newest: UUID | None = None
    fresh: int = 0


def title_of(run: Run) -> str:
    """Return what people call a run: its flow, and the order or ticket it is about."""
    flow = run.flow.replace("-", " ").replace("_", " ").capitalize().replace("Sla ", "SLA ")
    about = f"order {run.order}" if run.order else run.ticket
    return f"{flow} for {about}" if about else flow


def short_id(run_id: UUID) -> str:
    """Return the part of an id that people read to each other."""
    return str(run_id)[-8:]


def page_of(wanted: Wanted) -> Page:
    """Return one page of runs; four queries, none of which counts the table."""
    rows = _filtered(wanted)
    listed = rows
    if wanted.newest is not None and wanted.before is None and wanted.after is None:
        listed = listed.filter(pk__lte=wanted.newest)
    if wanted.after is not None:
        found = list(listed.filter(pk__gt=wanted.after).order_by("pk")[: PAGE + 1])
        more_newer, found = len(found) > PAGE, found[:PAGE][::-1]
        more_older = bool(found)
    else:
        if wanted.before is not None:
            listed = listed.filter(pk__lt=wanted.before)
        found = list(listed.order_by("-pk")[: PAGE + 1])
        more_newer, more_older = wanted.before is not None, len(found) > PAGE
        found = found[:PAGE]
    newest = wanted.newest or (found[0].pk if found else None)
    fresh = rows.filter(pk__gt=wanted.newest)[:COUNTED].count() if wanted.newest else 0
    return Page(
        rows=rows_of(found),
        older=found[-1].pk if found and more_older else None,
        newer=found[0].pk if found and more_newer else None,
        newest=newest,
        fresh=fresh,
    )


def counts(*, since: datetime | None = None) -> dict[str, int]:
    """Return how many runs stand at each tab, counted up to 999; by the index of states."""
    rows = Run.objects.filter(internal=False)
    if since is not None:
        rows = rows.filter(pk__gte=uuid7_floor(since))
    queries = {
        "failed": rows.filter(state=RunState.FAILED),
        "waiting": rows.filter(state=RunState.WAITING),
        "running": rows.filter(state__in=UNDER_WAY),
        "recovered": rows.filter(outcome=RunOutcome.RECOVERED),
        "cancelled": rows.filter(state=RunState.CANCELLED),
    }
    return {name: query.order_by("-pk")[: COUNTED + 1].count() for name, query in queries.items()}


def _filtered(wanted: Wanted) -> QuerySet[Run]:
    rows = (
        Run.objects.all()
        if wanted.internal or wanted.ticket
        else Run.objects.filter(internal=False)
    )
    if wanted.state == RunState.RUNNING:
        rows = rows.filter(state__in=UNDER_WAY)
    elif wanted.state:
        rows = rows.filter(state=wanted.state)
    for name in ("outcome", "flow", "contract"):
        value = getattr(wanted, name)
        if value:
            rows = rows.filter(**{name: value})
    for name in ("ticket", "customer"):
        value = getattr(wanted, name)
        if value:
            rows = rows.filter(**{f"{name}__in": merges.names_of(name, value)})
    if wanted.since is not None:
        rows = rows.filter(pk__gte=uuid7_floor(wanted.since))
    if wanted.until is not None:
        rows = rows.filter(pk__lt=uuid7_floor(wanted.until))
    return rows.filter(_names(wanted.text)) if wanted.text else rows


def _names(text: str) -> Q:
    """Ticket (with or without its system), customer, order, event or run: whatever it names."""
    try:
        identifier = UUID(text)
    except ValueError:
        ticket = text if ":" in text else f"desk:{text}"
        order = identity.canonical_order(text) or text
        orders = Event.objects.filter(order=order).values("pk")[:COUNTED]
        mails = Event.objects.filter(email=text.lower()).values("pk")[:COUNTED]
        return Q(ticket=ticket) | Q(customer=text) | Q(event_id__in=orders) | Q(event_id__in=mails)
    return Q(pk=identifier) | Q(event_id=identifier)


def rows_of(runs: Sequence[Run]) -> list[Row]:
    """Return the runs with their steps; three queries for all of them."""
    specs = specs_of(runs)
    ids = [run.pk for run in runs]
    records: dict[UUID, dict[str, tuple[str, str]]] = {}
    for run_id, path, state, error in StepRecord.objects.filter(run_id__in=ids).values_list(
        "run_id", "path", "state", "error"
    ):
        records.setdefault(run_id, {})[path] = (state, error)
    due = dict(
        Expectation.objects.filter(run_id__in=ids, state="open").values_list("run_id", "due_at")
    )
    return [
        _row(run, specs.get(run.flow_version_id), records.get(run.pk, {}), due.get(run.pk))
        for run in runs
    ]


def _row(
    run: Run,
    spec: FlowSpec | None,
    records: Mapping[str, tuple[str, str]],
    due_at: datetime | None,
) -> Row:
    steps = [records.get(step.id, ("ready", ""))[0] for step in spec.steps] if spec else []
    title = next((step.title for step in spec.steps if step.id == run.step), "") if spec else ""
    if run.state == RunState.RUNNING and "running" not in steps and "ready" in steps:
        steps[steps.index("ready")] = "running"
    return Row(run, steps, title or run.step, records.get(run.step, ("", ""))[1], due_at)


def specs_of(runs: Iterable[Run]) -> dict[int, FlowSpec]:
    """Return what the flow of each run declares, by the id of its version; one query."""
    wanted = {run.flow_version_id for run in runs}
    specs: dict[int, FlowSpec] = {}
    for pk, version in FlowVersion.objects.in_bulk(wanted).items():
        try:
            specs[pk] = documents.flow_spec(version)
        except MeshlineError:
            continue  # a version that today's rules no longer read: the run is shown without steps
    return specs


def spec_of(run: Run) -> FlowSpec | None:
    """Return what the run's flow declares, or None if it can no longer be read."""
    return specs_of([run]).get(run.flow_version_id)


def choices() -> dict[str, list[str]]:
    """Return what runs can be filtered by: the names of flows and of their triggers."""
    rows = FlowVersion.objects.exclude(state="draft").order_by()
    return {
        "flow": sorted(set(rows.values_list("name", flat=True))),
        "contract": sorted(set(rows.values_list("trigger", flat=True)) - {""}),
    }
