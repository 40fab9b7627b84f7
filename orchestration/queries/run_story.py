"""Everything one run's page tells: steps, attempts, waits, effects, other runs of its event."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.models import Attempt, Effect, Expectation, Handoff, Run
from orchestration.models.run import StepRecord
from orchestration.queries import runs
from orchestration.queries.events import ShownEvent, shown_event
from orchestration.rules.catalog import CATALOG
from orchestration.rules.flow_spec import AwaitStep, CallStep, FlowSpec

MAX_ATTEMPTS = 400
MAX_RELATED = 30


@dataclass(frozen=True)
class StepStory:
    """One step of a run: what the document says of it, and what has come of it."""

    path: str
    title: str
    kind: str  # call, await, other
    is_effect: bool
    record: StepRecord | None
    attempts: list[Attempt]
    waits: list[Expectation]

    @property
    def state(self) -> str:
        """The step's state; an untouched one is ready."""
        return self.record.state if self.record else "ready"


@dataclass(frozen=True)
class EffectLine:
    """One effect that the flow has: from the ledger, or not run yet."""

    title: str
    system: str
    path: str
    effect: Effect | None

    @property
    def state(self) -> str:
        """The ledger's state, or `not_run`."""
        return self.effect.state if self.effect else "not_run"


@dataclass(frozen=True)
class RunStory:
    """One run, whole."""

    run: Run
    spec: FlowSpec | None
    event: ShownEvent | None
    steps: list[StepStory]
    attempts: list[Attempt]
    effects: list[EffectLine]
    related: list[Run]
    handoffs: list[Handoff]

    @property
    def title(self) -> str:
        """What people call it."""
        return runs.title_of(self.run)

    @property
    def short_id(self) -> str:
        """The part of its id that people read to each other."""
        return runs.short_id(self.run.pk)


def story_of(run: Run) -> RunStory:
    """Return the run with all that belongs to it; nine queries, whatever its length."""
    spec = runs.spec_of(run)
    attempts = list(Attempt.objects.filter(run_id=run.pk)[:MAX_ATTEMPTS])
    related = Run.objects.filter(event_id=run.event_id).exclude(pk=run.pk)
    handoffs = Handoff.objects.filter(run_id=run.pk).select_related("claimed_by")
    return RunStory(
        run=run,
        spec=spec,
        event=shown_event(run.event_id),
        steps=_steps(run, spec, attempts),
        attempts=attempts,
        effects=_effects(run, spec),
        related=list(related.order_by("-pk")[:MAX_RELATED]),
        handoffs=list(handoffs[:MAX_RELATED]),
    )


def attempts_of(run: Run) -> list[Attempt]:
    """Return the history of the run and of the runs that it repeats, or that repeat it."""
    together = Attempt.objects.filter(run__event_id=run.event_id, run__flow=run.flow)
    return list(together[:MAX_ATTEMPTS])


def ledger_of(run: Run) -> list[Effect]:
    """Return the effects of the run's event and flow, as the runs that repeat it share them."""
    return list(Effect.objects.filter(event_id=run.event_id, flow=run.flow).order_by("pk"))


def _steps(run: Run, spec: FlowSpec | None, attempts: list[Attempt]) -> list[StepStory]:
    records = {record.path: record for record in StepRecord.objects.filter(run_id=run.pk)}
    waits: dict[str, list[Expectation]] = {}
    for wait in Expectation.objects.filter(run_id=run.pk).order_by("pk"):
        waits.setdefault(wait.path, []).append(wait)
    known = [step.id for step in spec.steps] if spec else []
    paths = [*known, *(path for path in records if path not in known)]
    return [_step(path, spec, records.get(path), attempts, waits.get(path, [])) for path in paths]


def _step(
    path: str,
    spec: FlowSpec | None,
    record: StepRecord | None,
    attempts: list[Attempt],
    waits: list[Expectation],
) -> StepStory:
    step = next((step for step in spec.steps if step.id == path), None) if spec else None
    operation = CATALOG.get(step.operation) if isinstance(step, CallStep) else None
    kind = "call" if operation else "await" if isinstance(step, AwaitStep) else "other"
    return StepStory(
        path=path,
        title=step.title if step else path,
        kind=kind,
        is_effect=bool(operation and operation.is_effect),
        record=record,
        attempts=[attempt for attempt in attempts if attempt.path == path],
        waits=waits,
    )


def _effects(run: Run, spec: FlowSpec | None) -> list[EffectLine]:
    """The ledger's rows of this event and flow, then the effects that have not been run."""
    rows = ledger_of(run)
    lines = [
        EffectLine(title_of_effect(row, spec), row.scope.partition(".")[0], row.path, row)
        for row in rows
    ]
    touched = {row.path for row in rows}
    for step in spec.steps if spec else ():
        operation = CATALOG.get(step.operation) if isinstance(step, CallStep) else None
        if operation is None or not operation.is_effect or step.id in touched:
            continue
        lines.append(EffectLine(step.title, operation.system, step.id, None))
    return lines


def title_of_effect(effect: Effect, spec: FlowSpec | None = None) -> str:
    """Return an effect in words: its step's title, or its operation's."""
    for step in spec.steps if spec else ():
        if step.id == effect.path:
            return step.title
    return CATALOG[effect.scope].title if effect.scope in CATALOG else effect.scope
