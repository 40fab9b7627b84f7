"""Held events: release one to be judged again, or discard it."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from contracts_app.queries import registry
from contracts_app.queries.standing import Standing
from contracts_app.services import audit
from meshline.core.errors import ContractViolation, IllegalTransition
from orchestration.models import Event, EventBody, EventState, Handoff, HeldEvent
from orchestration.services import acceptance, handoffs, intake, tolerating


@transaction.atomic
def release(*, held: HeldEvent, by: User, reason: str, ticket: str = "", now: datetime) -> Event:
    """Judge the event again, with today's source and contract, and start what it starts.

    `ticket` is kept in the audit entry where the event itself names none.
    Raises: IllegalTransition if it was decided before; ContractViolation if it still does not fit.
    """
    locked = _undecided(held)
    event = Event.objects.select_for_update().get(pk=held.event_id)
    standing = Standing.at(now)
    judged = intake.judge_again(event, EventBody.objects.get(pk=event.pk), standing)
    if judged.hold_reason or judged.version is None:
        raise ContractViolation(
            "The event still does not fit its contract.",
            violations=judged.problems,
            remedy="Mend the source's mapping or the contract first, or discard the event.",
        )
    event.state = EventState.ACCEPTED
    event.contract = judged.mapped.contract
    event.contract_version = judged.version.version
    event.own_write = judged.mapped.own_write
    spec = registry.spec_of(judged.version)
    acceptance.name_subjects(event, spec, judged.mapped.payload, standing=standing)
    event.save()
    if judged.tolerances:
        tolerating.mark(event, judged.tolerances, judged.tolerated)
    EventBody.objects.filter(pk=event.pk).update(payload=judged.mapped.payload)
    _decide(locked, event, state="released", by=by, reason=reason, ticket=ticket, now=now)
    if not event.own_write:
        acceptance.start(event, spec, judged.mapped.payload, standing=standing)
    return event


@transaction.atomic
def discard(*, held: HeldEvent, by: User, reason: str, ticket: str = "", now: datetime) -> Event:
    """Decide that the event starts nothing; its bytes stay. Raises: IllegalTransition."""
    locked = _undecided(held)
    event = Event.objects.select_for_update().get(pk=held.event_id)
    event.state = EventState.DISCARDED
    event.save(update_fields=["state"])
    _decide(locked, event, state="discarded", by=by, reason=reason, ticket=ticket, now=now)
    return event


def _undecided(held: HeldEvent) -> HeldEvent:
    locked = HeldEvent.objects.select_for_update().get(pk=held.pk)
    if locked.state != "held":
        raise IllegalTransition(
            f"{locked.decided_by} has {locked.state} this event already.",
            remedy="Nothing is left to do here.",
        )
    return locked


def _decide(
    held: HeldEvent,
    event: Event,
    *,
    state: str,
    by: User,
    reason: str,
    ticket: str,
    now: datetime,
) -> None:
    audit.record(
        action=f"event.{'release' if state == 'released' else 'discard'}",
        actor=by,
        object_type="event",
        object_id=event.pk,
        contract=event.contract,
        contract_version=event.contract_version,
        ticket=event.ticket or ticket,
        reason=reason,
        before=event.digest,
        after=event.digest,
        now=now,
    )
    held.state, held.decided_at, held.decided_by = state, now, by.get_username()
    held.save(update_fields=["state", "decided_at", "decided_by"])
    for handoff in Handoff.objects.filter(held_event_id=event.pk).exclude(state="resolved"):
        handoffs.resolve(handoff=handoff, by=by, reason=f"Event {state}: {reason}", now=now)
