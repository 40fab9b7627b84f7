"""Create runs for an event; replay, retry, cancel or settle one by hand."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, User
from django.db.models import F, Max

from contracts_app.queries.standing import Standing
from contracts_app.rules.versions import matches
from contracts_app.services import audit
from meshline.core.errors import IllegalTransition, MeshlineError, Unavailable
from meshline.core.ids import uuid7_at, uuid7_floor
from meshline.core.safejson import Json
from orchestration import wake
from orchestration.models import Attempt, Effect, Event, FlowVersion, Run, RunOutcome, RunState
from orchestration.queries import documents
from orchestration.rules import expressions
from orchestration.rules.advance import retried_by_person
from orchestration.rules.flow_spec import FlowSpec
from orchestration.rules.preview import replay_state
from orchestration.rules.run_state import RunState as StartState
from orchestration.services import expectations, handoffs, journal, scope, steps
from orchestration.services.handoffs import Trouble

log = logging.getLogger(__name__)

INTERNAL_SOURCE = "meshline"
NOWHERE = StartState()
LARGEST = 2**63


def create_runs(*, event: Event, payload: Json, standing: Standing) -> list[Run]:
    """Start a run of every published flow that this event triggers, in the event's transaction."""
    runs, now = [], standing.now
    values = scope.of_event(event, payload)
    for version in documents.triggered_flows(event.contract, standing):
        spec = _spec_of(version)
        try:
            wanted = _triggers(spec, event, values)
        except expressions.ExpressionFailed as error:
            runs.append(_doubtful_run(event, version, spec, values, str(error), now))
            continue
        if wanted:
            runs.append(_new_run(event=event, version=version, spec=spec, values=values, now=now))
    return runs


def _spec_of(version: FlowVersion) -> FlowSpec:
    """What the flow says; if that cannot be read any more, the sender shall come again."""
    try:
        return documents.flow_spec(version)
    except MeshlineError as error:
        raise Unavailable(
            f"The published flow {version.name} cannot be read: {error.message}",
            remedy="Publish a new version of it, or retire it.",
        ) from error


def _doubtful_run(
    event: Event,
    version: FlowVersion,
    spec: FlowSpec,
    values: dict[str, Json],
    why: str,
    now: datetime,
) -> Run:
    """Nobody can tell whether the flow was to start: a person decides, and the event is kept."""
    run = _new_run(event=event, version=version, spec=spec, values=values, now=now)
    Run.objects.filter(pk=run.pk).update(
        state=RunState.FAILED, outcome=RunOutcome.PERSON, wake_at=None
    )
    runbook = spec.route.runbook if spec.route else ""
    trouble = Trouble("step_error", f"The flow's condition fails on this event: {why}", "", runbook)
    handoffs.open_for_run(run=run, trouble=trouble, risk=spec.risk, now=now)
    return run


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
    minor = amount.get("amount_minor")
    whole = isinstance(minor, int) and not isinstance(minor, bool) and abs(minor) < LARGEST
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
        amount_minor=minor if whole else None,
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
    replayed = {"replay_of": str(replay_of.pk)} if replay_of else {}
    journal.run_changed(run, "run.start", now=now, detail={"version": version.number, **replayed})
    return run


def _read(template: Json, values: dict[str, Json]) -> Json:
    """A value the flow names; one that cannot be read from the event is simply not known."""
    try:
        return expressions.render(template, values)
    except expressions.PathMissing:
        return None
    except expressions.ExpressionFailed as error:
        log.warning("a flow names what cannot be read: %s", error)
        return None


def _ticket(value: Json) -> str:
    text = str(value or "")[:70]
    return text if ":" in text or not text else f"desk:{text}"


def replay(*, run: Run, now: datetime) -> Run:
    """Run the event again on the newest published version of the flow; done effects are reused.

    Call it in a transaction. The old run is over: what still waits in it is cancelled.
    Raises: IllegalTransition if the run is being driven, or is not the event's newest;
    NotFound if no version of the flow is published.
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
    same = Run.objects.filter(event_id=locked.event_id, flow=locked.flow)
    last = same.aggregate(n=Max("ordinal"))["n"]
    if last != locked.ordinal:  # two runs of one event would ask for the same effects at once
        raise IllegalTransition(
            f"Run {locked} has been run again already; its newest run is number {last}.",
            remedy="Look at the newest run of this event.",
        )
    fresh = _new_run(
        event=facts.event,
        version=version,
        spec=spec,
        values=scope.of_event(facts.event, facts.payload),
        now=now,
        replay_of=locked,
        ordinal=last + 1,
    )
    if _call_may_be_under_way(locked, now):
        # Not both at once: this one looks first what came of that one.
        later = now + timedelta(seconds=settings.CALL_TIMEOUT_S)
        Run.objects.filter(pk=fresh.pk).update(wake_at=later)
    start = replay_state(
        spec, steps.load_state(locked).facts, ledger_states(locked), deadline_at=now + spec.deadline
    )
    steps.save_changes(run=fresh, spec=spec, before=NOWHERE, after=start, now=now)
    if locked.state in (RunState.WAITING, RunState.FAILED):
        end(run=locked, state=RunState.CANCELLED, now=now, reason="run again")
    wake.nudge_after_commit()
    return fresh


def is_superseded(run: Run) -> bool:
    """Whether its event has been run again since, so that the newer run is the one to look at."""
    same = Run.objects.filter(event_id=run.event_id, flow=run.flow)
    return same.filter(ordinal__gt=run.ordinal).exists()


def _call_may_be_under_way(run: Run, now: datetime) -> bool:
    """A worker that was stopped or cut off may have left a request on its way."""
    since = uuid7_floor(now - timedelta(seconds=settings.CALL_TIMEOUT_S))
    return Attempt.objects.filter(run=run, pk__gte=since, ended_at=None).exists()


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
    locked.lapses, locked.cancelling = 0, False
    locked.save(
        update_fields=["state", "wake_at", "deadline_at", "finished_at", "lapses", "cancelling"]
    )
    journal.run_changed(locked, "run.retry", now=now, detail={"step": locked.step})
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
    _stop(locked, by=by, reason=reason, now=now)


def cancel(*, run: Run, by: User, reason: str, now: datetime) -> bool:
    """Stop a run; what it has done stays done. Handoffs that follow it are closed.

    Returns False if it is being driven: it ends at its next checkpoint, when a call that is under
    way has come back, so that the ledger knows what that came to.
    Raises: IllegalTransition if it has ended already.
    """
    locked = Run.objects.select_for_update().get(pk=run.pk)
    if locked.state in (RunState.SUCCEEDED, RunState.CANCELLED):
        raise IllegalTransition(
            f"Run {locked} has ended already.", remedy="Nothing is left to do here."
        )
    handoffs.settle_followers(run=locked, by=by, text=f"The run was cancelled: {reason}", now=now)
    return _stop(locked, by=by, reason=reason, now=now)


def _stop(run: Run, *, by: User, reason: str, now: datetime) -> bool:
    """End a locked run, or have whoever drives it end it at the next checkpoint."""
    if run.state != RunState.RUNNING:
        end(run=run, state=RunState.CANCELLED, now=now, by=by, reason=reason)
        return True
    Run.objects.filter(pk=run.pk).update(cancelling=True, outcome=RunOutcome.PERSON)
    journal.run_changed(run, "run.cancelling", now=now, by=by, reason=reason)
    return False


def end(
    *,
    run: Run,
    state: RunState,
    now: datetime,
    by: AbstractBaseUser | str = audit.ENGINE,
    reason: str = "",
) -> None:
    """Put a run that stands still to its end, without doing anything more."""
    expectations.close(run=run, state="cancelled")
    Run.objects.filter(pk=run.pk).update(
        state=state,
        outcome=RunOutcome.PERSON,
        wake_at=None,
        lease_until=None,
        lease_by="",
        finished_at=now,
        fence=F("fence") + 1,
    )
    succeeded = state == RunState.SUCCEEDED
    action = "run.succeed" if succeeded else "run.cancel"
    journal.run_changed(run, action, now=now, by=by, reason=reason)
    if succeeded:
        handoffs.settle_followers(run=run, now=now)
