"""What a good event sets off: names found, states moved, waits fulfilled, timers, runs."""

from __future__ import annotations

from contracts_app.queries.standing import Standing
from contracts_app.rules import identity
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.states import (
    Backward,
    StateMachine,
    Transition,
    advance,
    explained,
    follows,
)
from contracts_app.rules.validate import Violation
from meshline.core.safejson import Json
from orchestration import wake
from orchestration.models import Event, SubjectState
from orchestration.rules import expressions
from orchestration.services import correlation, expectations, runs, subjects, timers


def name_subjects(event: Event, spec: ContractSpec, payload: Json, *, standing: Standing) -> None:
    """Fill in whom the event is about: ticket, customer, order, correlation, subject."""
    names = identity.resolve(spec.identity, payload)
    event.correlation = (names.correlation or "")[:200]
    event.subject = (names.subject or "")[:200]
    event.ticket = str(names.ticket or "")
    event.customer = (names.customer or "")[:200]
    event.customer_name = (names.customer_name or "")[:200]
    event.email = (names.email or "")[:254]
    event.order = (names.order or "")[:80]
    if not event.ticket and event.correlation:
        _take_names_of_the_cause(event, correlation.of_event(event, spec, payload, standing))


def _take_names_of_the_cause(event: Event, keys: correlation.Keys) -> None:
    """An acknowledgement names no ticket: the request under the same correlation key does."""
    cause = Event.objects.filter(correlation__in=keys).exclude(ticket="").first()
    if cause is not None:
        _take_names(event, cause)


def _take_names(event: Event, cause: Event) -> None:
    event.ticket, event.order = cause.ticket, event.order or cause.order
    event.customer = cause.customer or event.customer
    event.customer_name = cause.customer_name or event.customer_name
    event.email = event.email or cause.email


def start(
    event: Event, spec: ContractSpec, payload: Json, *, standing: Standing
) -> tuple[Violation, ...]:
    """Move the subject's state, fulfil waits, run timers and create runs for an accepted event.

    `spec` is the contract that the event was judged by, `standing` the registry. Workers are woken
    after the commit if there is something for them. Call it in the transaction that stores it.
    Returns why the subject's state forbids it: then it has started nothing. Empty if it went on.
    """
    keys = correlation.of_event(event, spec, payload, standing)
    waiting = expectations.lock_waiting(event, keys)
    backward = _move_subject(event, spec, payload, standing)
    if backward:
        return backward
    due = waiting.fulfil(now=standing.now)
    timers.on_event(event=event, payload=payload, standing=standing)
    due += len(runs.create_runs(event=event, payload=payload, standing=standing))
    if due:
        wake.nudge_after_commit()
    return ()


def _move_subject(
    event: Event, spec: ContractSpec, payload: Json, standing: Standing
) -> tuple[Violation, ...]:
    """Advance the contract's state machine; return why, if the event may not move it."""
    keys = correlation.of_subject(event, spec, payload, standing)
    if spec.states is None or not keys:
        return ()
    if not spec.states.moves:
        _read_subject(event, spec.states.subject, keys)
        return ()
    key = subjects.kept_under(event.contract, keys)
    return _advance_subject(event, spec, spec.states, key, payload)


def _advance_subject(
    event: Event, spec: ContractSpec, states: StateMachine, key: str, payload: Json
) -> tuple[Violation, ...]:
    SubjectState.objects.bulk_create(
        [
            SubjectState(
                contract=event.contract, kind=states.subject, subject=key, state=states.initial
            )
        ],
        ignore_conflicts=True,
    )
    row = SubjectState.objects.select_for_update().get(contract=event.contract, subject=key)
    scope = {"event": payload}
    move = advance(states, row.state, by="event", holds=lambda text: expressions.holds(text, scope))
    event.state_before = row.state
    event.state_after = move.after if isinstance(move, Transition) else row.state
    if isinstance(move, Transition):
        row.state, row.changed_at = move.after, event.received_at
        row.event_id = event.pk
        row.save(update_fields=["state", "event_id", "changed_at"])
    event.save(update_fields=["state_before", "state_after"])
    return _explained(event, spec, states, row, move) if isinstance(move, Backward) else ()


def _explained(
    event: Event, spec: ContractSpec, states: StateMachine, row: SubjectState, held: Backward
) -> tuple[Violation, ...]:
    """Why the event is held, for the person who decides; only then its forerunner is read."""
    cause = Event.objects.filter(pk=row.event_id).first() if row.event_id else None
    since = cause.occurred_at if cause and cause.occurred_at else row.changed_at
    earlier = event.occurred_at is not None and event.occurred_at <= since
    late = earlier and follows(states, held.wanted, held.current)
    why, onward, remedy = explained(states, held, late=late)
    by = f"event {cause.external_id} of {cause.source}" if cause else "its flow or a person"
    stands = (
        f"The {states.subject} {row.subject} is {row.state} since {since:%Y-%m-%d %H:%M:%S} UTC"
    )
    place = (spec.identity.subject if event.subject else spec.identity.correlation) or ""
    return (
        Violation(place, "late" if late else "state", why),
        Violation(place, "current state", f"{stands}, by {by}."),
        Violation(place, "allowed moves", onward),
        Violation(place, "what you can do", remedy),
    )


def _read_subject(event: Event, kind: str, keys: correlation.Keys) -> None:
    """A contract without moves only reads the state that another contract's events have moved."""
    rows = SubjectState.objects.filter(kind=kind, subject__in=keys)
    row = rows.exclude(event_id=None).first()
    if row is None or row.event_id is None:
        return
    event.state_before = event.state_after = row.state
    cause = Event.objects.filter(pk=row.event_id).first()
    if cause is not None and not event.ticket:
        _take_names(event, cause)
    event.save()
