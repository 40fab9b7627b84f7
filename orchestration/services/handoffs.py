"""Handoffs: open one, claim it, let it follow a replay, resolve it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, User
from django.db import transaction
from django.db.models import F

from contracts_app.models import RiskClass
from contracts_app.queries import people
from contracts_app.services import audit
from meshline.core.errors import IllegalTransition
from orchestration.models import Handoff, HandoffState, HeldEvent, Run
from orchestration.models.event import Event
from orchestration.queries import promises
from orchestration.rules.causes import cause_of
from orchestration.services import tallies


@dataclass(frozen=True)
class Trouble:
    """Why a person is needed: a reason word, a sentence, and where it happened."""

    reason: str
    detail: str = ""
    step: str = ""
    runbook: str = ""


def open_for_run(*, run: Run, trouble: Trouble, risk: str, now: datetime) -> tuple[Handoff, bool]:
    """Put a run's trouble in front of people; returns the handoff and whether it is a new one.

    Call it in the transaction that stops the run. A handoff that already follows this run (it was
    replayed, or it is open at another step) is brought back to the top instead.
    """
    followed = _unresolved().filter(run_id=run.pk).order_by("pk").first()
    values: dict[str, Any] = {
        "reason": trouble.reason,
        "cause": cause_of(trouble.reason),
        "detail": trouble.detail[:1000],
        "step": trouble.step,
        "promise_at": promises.next_due(run.ticket),
    }
    if followed is not None:
        return _bring_back(followed, values, now=now), False
    handoff = Handoff.objects.create(
        **values,
        risk=risk,
        run_id=run.pk,
        event_id=run.event_id,
        flow=run.flow,
        contract=run.contract,
        contract_version=run.contract_version,
        ticket=run.ticket,
        customer=run.customer,
        customer_name=run.customer_name,
        order=run.order,
        amount_minor=run.amount_minor,
        currency=run.currency,
        runbook=trouble.runbook,
        opened_at=now,
    )
    _opened(handoff, now=now)
    return handoff, True


def open_for_held(*, held: HeldEvent, event: Event, detail: str, now: datetime) -> Handoff:
    """Put a held event in front of people; it may name no ticket yet."""
    handoff = Handoff.objects.create(
        reason=f"held_{held.reason}",
        cause=cause_of(f"held_{held.reason}"),
        detail=detail[:1000],
        risk=RiskClass.HIGH,
        event_id=event.pk,
        held_event_id=event.pk,
        contract=event.contract or "unknown",
        contract_version=event.contract_version,
        ticket=event.ticket,
        customer=event.customer,
        customer_name=event.customer_name,
        order=event.order,
        promise_at=promises.next_due(event.ticket),
        runbook="held-event",
        opened_at=now,
    )
    _opened(handoff, now=now)
    return handoff


@transaction.atomic
def claim(*, handoff: Handoff, by: User, now: datetime) -> Handoff:
    """Give the open handoff to `by`. Raises: IllegalTransition if somebody else has it."""
    moved = (
        Handoff.objects.filter(pk=handoff.pk)
        .filter(state=HandoffState.OPEN)
        .update(state=HandoffState.CLAIMED, claimed_by=by, claimed_at=now)
    )
    handoff = Handoff.objects.select_related("claimed_by").get(pk=handoff.pk)
    if not moved and (handoff.state == HandoffState.RESOLVED or handoff.claimed_by_id != by.pk):
        raise _not_free(handoff, by)
    if moved:
        _record(handoff, action="handoff.claim", actor=by, now=now)
    return handoff


def follow(*, handoff: Handoff, run: Run, by: User, now: datetime) -> None:
    """After Replay or Retry: the handoff goes with the run, and resolves when that succeeds."""
    Handoff.objects.filter(pk=handoff.pk).update(
        run_id=run.pk,
        state=HandoffState.CLAIMED,
        claimed_by=by,
        claimed_at=now,
        generation=F("generation") + 1,
    )
    followed = Handoff.objects.get(pk=handoff.pk)
    goes = "goes on with the run" if handoff.run_id == run.pk else "goes with the new run"
    _record(followed, action="handoff.follow", actor=by, now=now, reason=f"{goes} {run}")


def settle_followers(
    *,
    run: Run,
    now: datetime,
    by: AbstractBaseUser | str = audit.ENGINE,
    text: str = "The run has succeeded.",
    but: Collection[str] = (),
) -> None:
    """Resolve the handoffs that follow a run which has succeeded, or was cancelled by a person.

    `but` names the steps whose handoffs stay.
    """
    for handoff in _unresolved().filter(run_id=run.pk).exclude(step__in=but).order_by("pk"):
        _close(handoff, by=by, text=text, now=now)


@transaction.atomic
def resolve(*, handoff: Handoff, by: AbstractBaseUser | str, reason: str, now: datetime) -> Handoff:
    """Close the handoff with a reason. Raises: IllegalTransition if it is closed already."""
    locked = Handoff.objects.select_for_update().get(pk=handoff.pk)
    if locked.state == HandoffState.RESOLVED:
        raise _is_resolved(locked, by)
    _close(locked, by=by, text=reason, now=now)
    return locked


def _not_free(handoff: Handoff, by: User) -> IllegalTransition:
    """Say who has it, or that nobody needs to take it any more."""
    if handoff.state == HandoffState.RESOLVED:
        return _is_resolved(handoff, by)
    holder = handoff.claimed_by
    if holder is None:
        return IllegalTransition(
            f"{handoff.reference} cannot be taken: it is put off until later.",
            remedy="Take another one.",
        )
    who = holder.get_full_name() or holder.get_username()
    return IllegalTransition(
        f"{who} was first and has {handoff.reference} now.", remedy="Ask them, or take another one."
    )


def _is_resolved(handoff: Handoff, by: AbstractBaseUser | str) -> IllegalTransition:
    own = not isinstance(by, str) and handoff.resolved_by == by.get_username()
    who = "you" if own else people.names_of([handoff.resolved_by])[handoff.resolved_by]
    said = f"{handoff.reference} is resolved already, by {who}: {handoff.resolution}"
    return IllegalTransition(
        said if said.endswith((".", "!", "?")) else f"{said}.",
        remedy="Nothing is left to do here.",
    )


def _unresolved() -> Any:
    return Handoff.objects.exclude(state=HandoffState.RESOLVED).select_for_update()


def _bring_back(handoff: Handoff, values: dict[str, Any], *, now: datetime) -> Handoff:
    before = handoff.generation
    for name, value in values.items():
        setattr(handoff, name, value)
    handoff.state = HandoffState.OPEN
    handoff.generation = before + 1
    handoff.save(update_fields=[*values, "state", "generation"])
    _record(handoff, action="handoff.reopen", actor=audit.ENGINE, now=now)
    return handoff


def _close(handoff: Handoff, *, by: AbstractBaseUser | str, text: str, now: datetime) -> None:
    handoff.state = HandoffState.RESOLVED
    handoff.resolved_at = now
    handoff.resolved_by = by if isinstance(by, str) else by.get_username()
    handoff.resolution = text[:1000]
    handoff.generation += 1
    handoff.save(update_fields=["state", "resolved_at", "resolved_by", "resolution", "generation"])
    _record(handoff, action="handoff.resolve", actor=by, now=now, reason=text)


def _opened(handoff: Handoff, *, now: datetime) -> None:
    _record(handoff, action="handoff.open", actor=audit.ENGINE, now=now)
    tallies.count("person", now=now, contract=handoff.contract, flow=handoff.flow)


def _record(
    handoff: Handoff,
    *,
    action: str,
    actor: AbstractBaseUser | str,
    now: datetime,
    reason: str = "",
) -> None:
    audit.record(
        action=action,
        actor=actor,
        object_type="handoff",
        object_id=handoff.reference,
        contract=handoff.contract,
        contract_version=handoff.contract_version,
        ticket=handoff.ticket,
        run_id=handoff.run_id,
        reason=reason or handoff.detail,
        detail={"why": handoff.reason, "step": handoff.step, "generation": handoff.generation},
        now=now,
    )
