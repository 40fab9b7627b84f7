"""Create runs for an event; replay, retry, cancel or settle one by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Max

from contracts_app.rules.versions import matches
from meshline.core.errors import IllegalTransition
from meshline.core.ids import uuid7_at
from meshline.core.safejson import Json
from orchestration import wake
from orchestration.models import Effect, Event, FlowVersion, Run, RunOutcome, RunState
from orchestration.queries import documents
from orchestration.rules import expressions
from orchestration.rules.advance import retried_by_person
from orchestration.rules.flow_spec import FlowSpec
from orchestration.rules.preview import replay_state
from orchestration.rules.run_state import RunState as StartState
from orchestration.services import expectations, handoffs, scope, steps

INTERNAL_SOURCE = "meshline"
NOWHERE = StartState()


def create_runs(*, event: Event, payload: Json, now: datetime) -> list[Run]:
    """Start a run of every published flow that this event triggers, in the event's transaction."""
    runs = []
    values = scope.of_event(event, payload)
    for version in documents.published_flows(event.contract):
        spec = documents.flow_spec(version)
        if _triggers(spec, event, values):
            runs.append(_new_run(event=event, version=version, spec=spec, values=values, now=now))
    return runs


def _triggers(spec: FlowSpec, event: Event, values: dict[str, Json]) -> bool:
    if not matches(spec.trigger.version, event.contract_version):
        return False
    if spec.trigger.when is None:
        return True
    return expressions.holds(spec.trigger.when, {**values, "constants": dict(spec.constants)})


def _new_run(
    *,
    event: Event,
    version: FlowVersion,
    spec: FlowSpec,
    values: dict[str, Json],
    now: datetime,
    replay_of: Run | None = None,
    ordinal: int = 1,
) -> Run:
    """Insert the run, due now. Its ticket and impact are read from the event by the flow."""
    seen: dict[str, Any] = {**values, "constants": dict(spec.constants)}
    impact = _read(spec.impact, seen)
    amount = impact if isinstance(impact, dict) else {}
    run = Run(
        id=uuid7_at(now),
        event_id=event.pk,
        flow=version.name,
        flow_version=version,
        contract=event.contract,
        contract_version=event.contract_version,
        ticket=_ticket(_read(spec.ticket, seen)) or event.ticket,
        customer=str(_read(spec.customer, seen) or event.customer)[:200],
        customer_name=event.customer_name,
        order=event.order,
        amount_minor=amount.get("amount_minor"),
        currency=str(amount.get("currency") or "")[:3],
        internal=event.source == INTERNAL_SOURCE,
        wake_at=now,
        deadline_at=now + spec.deadline,
        replay_of=replay_of.pk if replay_of else None,
        ordinal=ordinal,
        created_at=now,
        advanced_at=now,
    )
    run.save(force_insert=True)
    return run


def _read(template: Json, values: dict[str, Json]) -> Json:
    """A value the flow names; one whose path is not there is simply not known."""
    try:
        return expressions.render(template, values)
    except expressions.PathMissing:
        return None


def _ticket(value: Json) -> str:
    text = str(value or "")
    return text if ":" in text or not text else f"desk:{text}"


def replay(*, run: Run, now: datetime) -> Run:
    """Run the event again on the newest published version of the flow; done effects are reused.

    Call it in a transaction. The old run is over: what still waits in it is cancelled.
    Raises: IllegalTransition if the run is still going; FlowVersion.DoesNotExist if none is live.
    """
    locked = Run.objects.select_for_update().get(pk=run.pk)
    if locked.state in (RunState.READY, RunState.RUNNING):
        raise IllegalTransition(
            f"Run {locked} is being worked on right now.",
            remedy="Wait until it stands still, then look again.",
        )
    version = documents.published_flow(locked.flow)
    spec = documents.flow_spec(version)
    facts = scope.load_facts(locked.event_id)
    last = Run.objects.filter(event_id=locked.event_id, flow=locked.flow).aggregate(Max("ordinal"))
    fresh = _new_run(
        event=facts.event,
        version=version,
        spec=spec,
        values=scope.of_event(facts.event, facts.payload),
        now=now,
        replay_of=locked,
        ordinal=(last["ordinal__max"] or 0) + 1,
    )
    start = replay_state(
        spec, steps.load_state(locked).facts, ledger_states(locked), deadline_at=now + spec.deadline
    )
    steps.save_changes(run=fresh, spec=spec, before=NOWHERE, after=start, now=now)
    if locked.state in (RunState.WAITING, RunState.FAILED):
        end(run=locked, state=RunState.CANCELLED, now=now)
    wake.nudge_after_commit()
    return fresh


def ledger_states(run: Run) -> dict[str, str | None]:
    """What the ledger knows of the run's event and flow, by effect path; the last redo counts."""
    rows = Effect.objects.filter(event_id=run.event_id, flow=run.flow).order_by("pk")
    return {effect.path: effect.state for effect in rows}


def retry_step(*, run: Run, now: datetime) -> Run:
    """Open the step at which the run stopped again, in the same run.

    Raises: IllegalTransition if the run has not stopped.
    """
    locked = Run.objects.select_for_update().get(pk=run.pk)
    if locked.state != RunState.FAILED:
        raise IllegalTransition(
            f"Run {locked} is {locked.get_state_display().lower()}; there is no step to retry.",
            remedy="Look at the run: it may have recovered by itself.",
        )
    spec = documents.flow_spec(locked.flow_version)
    before = steps.load_state(locked)
    deadline = now + spec.deadline
    after = retried_by_person(spec, before, locked.step, deadline_at=deadline)
    steps.save_changes(run=locked, spec=spec, before=before, after=after, now=now)
    locked.state, locked.wake_at = RunState.READY, now
    locked.deadline_at = deadline
    locked.finished_at = None
    locked.save(update_fields=["state", "wake_at", "deadline_at", "finished_at"])
    wake.nudge_after_commit()
    return locked


def settle_by_hand(*, run: Run, by: User, reason: str, evidence: str, now: datetime) -> None:
    """End a run whose work a person did elsewhere; what it did itself stays done."""
    locked = Run.objects.select_for_update().get(pk=run.pk)
    if locked.state in (RunState.SUCCEEDED, RunState.CANCELLED):
        return
    steps.note(
        run=locked,
        path=locked.step,
        kind="person",
        reason=reason,
        detail={"by": by.get_username(), "evidence": evidence},
        now=now,
    )
    end(run=locked, state=RunState.CANCELLED, now=now)


def end(*, run: Run, state: RunState, now: datetime) -> None:
    """Put a run that stands still to its end, without doing anything more."""
    expectations.close(run=run, state="cancelled")
    Run.objects.filter(pk=run.pk).update(
        state=state,
        outcome=RunOutcome.PERSON,
        wake_at=None,
        lease_until=None,
        finished_at=now,
        fence=run.fence + 1,
    )
    if state == RunState.SUCCEEDED:
        handoffs.settle_followers(run=run, now=now)
