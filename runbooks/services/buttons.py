"""Preview and press a button: permit, audit and perform in one transaction, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction

from contracts_app.queries import people
from contracts_app.services import audit
from meshline.core.errors import (
    Conflict,
    ContractViolation,
    IllegalTransition,
    NotAllowed,
    NotFound,
)
from meshline.core.keys import TicketKey
from orchestration.models import Event, Handoff, HandoffState, Run
from orchestration.services import storms, tallies
from runbooks.actions import ACTIONS, action_named
from runbooks.actions.base import Action, Press, Preview, Target
from runbooks.models import Intervention
from runbooks.queries import presses
from runbooks.rules.parameters import clean
from runbooks.rules.permit import Permit, may
from runbooks.services import refusals
from runbooks.services.refusals import About


class TooLate(Conflict):
    """Somebody else pressed first; `first` is their intervention, if it was one."""

    code = "too_late"

    def __init__(self, message: str, *, first: Intervention | None, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.first = first


@dataclass(frozen=True)
class Wish:
    """What the form said: why, for which ticket, and the state it was drawn from."""

    ticket: str
    reason: str
    values: Mapping[str, Any]
    press_key: str


@dataclass(frozen=True)
class Button:
    """An action as it stands for one person on one target."""

    action: Action
    permit: Permit
    reason: str = ""

    @property
    def allowed(self) -> bool:
        """Whether this person may press it now."""
        return bool(self.permit)


def target_of(
    *, handoff: Handoff | None = None, run: Run | None = None, event: Event | None = None
) -> Target:
    """What a button here acts on; a handoff brings its run along, a run its open handoff.

    `event` stands for its ticket, where neither a handoff nor a run is the matter.
    """
    if handoff is not None and run is None and handoff.run_id is not None:
        run = Run.objects.filter(pk=handoff.run_id).first()
    if run is not None and handoff is None:
        open_ones = Handoff.objects.filter(run_id=run.pk).exclude(state="resolved")
        handoff = open_ones.order_by("-pk").first()
    return Target(handoff, run, event)


def buttons_for(*, target: Target, user: User) -> list[Button]:
    """The buttons that make sense on the target, with whether `user` may press them and why not."""
    roles = people.roles_of(user)
    owns = target.contract in people.owned_contracts(user)
    return [
        Button(action, _permit(action, target, roles, owns))
        for action in ACTIONS.values()
        if is_offered(action, target)
    ]


def is_offered(action: Action, target: Target) -> bool:
    """Whether the button makes sense here. A handoff that is resolved offers none."""
    if target.handoff is not None and target.handoff.state == HandoffState.RESOLVED:
        return False
    return action.offered(target)


def preview_button(*, target: Target, slug: str) -> Preview:
    """What a press would do. Raises: NotFound if the action is not offered here."""
    action = action_named(slug)
    if not is_offered(action, target):
        raise NotFound(
            f"{action.title} is not possible here any more.",
            remedy="Load the page again: somebody or the engine has moved on.",
        )
    return action.preview(target)


def press_button(*, target: Target, slug: str, wish: Wish, by: User, now: datetime) -> Intervention:
    """Press once: intervention and audit entry are written before the action, all in one commit.

    Raises: TooLate if somebody pressed first; NotAllowed; ContractViolation for bad values;
    NotFound if there is no such action; whatever the action itself refuses with.
    """
    action = action_named(slug)
    try:
        return storms.once_more(lambda: _press(action, target, wish, by, now))
    except (NotAllowed, TooLate, IllegalTransition) as refusal:
        refusals.record(
            action.slug,
            _about(target, wish),
            by=by,
            why=refusal.message,
            reason=wish.reason,
            now=now,
        )
        raise


@transaction.atomic
def _press(action: Action, target: Target, wish: Wish, by: User, now: datetime) -> Intervention:
    target = _lock(target)
    _still_first(target, wish)
    if not is_offered(action, target):
        raise _not_possible(action, target)
    permit = _permit(
        action, target, people.roles_of(by), target.contract in people.owned_contracts(by)
    )
    if not permit:
        raise NotAllowed(permit.why, remedy=permit.remedy)
    values = _clean(action, wish)
    _check_ticket(target, wish.ticket)
    intervention = _write(action, target, wish, values, by, now)
    _record(action, target, intervention, now)
    press = Press(by, intervention.ticket, wish.reason, values, intervention.pk, now)
    result = action.perform(target, press)
    intervention.result = result.text
    intervention.result_run_id = result.run_id
    intervention.save(update_fields=["result", "result_run_id"])
    tallies.count("intervention", now=now, contract=intervention.contract)
    return intervention


def press_key_of(target: Target) -> str:
    """What a form must carry: it changes with every press and whenever the engine moves on."""
    if target.handoff is not None:
        pressed = Intervention.objects.filter(handoff_id=target.handoff.pk).count()
        return f"handoff:{target.handoff.pk}:{target.handoff.generation}:{pressed}"
    if target.run is not None:
        pressed = Intervention.objects.filter(run_id=target.run.pk).count()
        return f"run:{target.run.pk}:{target.run.state}:{pressed}"
    pressed = Intervention.objects.filter(ticket=target.ticket).count()
    return f"ticket:{target.ticket}:{pressed}"[:80]


def latest_press(target: Target) -> Intervention | None:
    """The press that keeps its run going just now, or the newest on this handoff or run."""
    if target.run is not None and target.run.state in presses.ACTIVE:
        started = presses.starter_of(target.run)
        if started is not None:
            return started
    rows = Intervention.objects.select_related("actor")
    if target.handoff is not None:
        return rows.filter(handoff_id=target.handoff.pk).first()
    if target.run is not None:
        return rows.filter(run_id=target.run.pk).first()
    return rows.filter(ticket=target.ticket).first()


def _lock(target: Target) -> Target:
    """Take the rows again under lock, run before handoff as the engine does."""
    handoff, run_id = None, target.run.pk if target.run is not None else None
    if target.handoff is not None:
        run_id = Handoff.objects.values_list("run_id", flat=True).get(pk=target.handoff.pk)
    run = Run.objects.select_for_update().get(pk=run_id) if run_id is not None else None
    if target.handoff is not None:
        handoff = Handoff.objects.select_for_update().get(pk=target.handoff.pk)
        if handoff.run_id != run_id:
            raise TooLate(
                "Somebody was quicker by a moment. Nothing was done a second time.",
                first=latest_press(target),
                remedy="Look at what came of it.",
            )
    if handoff is None and run is None:
        _queue_up(target.ticket)
    return Target(handoff, run, target.event)


def _queue_up(ticket: str) -> None:
    """A ticket has no row of its own to lock: presses on it queue up behind its name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"press:{ticket}"])


def _still_first(target: Target, wish: Wish) -> None:
    if press_key_of(target) == wish.press_key:
        return
    first = Intervention.objects.select_related("actor").filter(press_key=wish.press_key).first()
    said = (
        f"{_name(first.actor)} pressed {_title(first.action)} first."
        if first
        else "Meshline itself has moved on since the page was loaded."
    )
    raise TooLate(
        f"{said} Nothing was done a second time.",
        first=first,
        remedy="Look at what came of it.",
    )


def _not_possible(action: Action, target: Target) -> TooLate:
    """Say what stands in the way, and who brought that about."""
    said = f"{action.title} is not possible here any more"
    last = latest_press(target)
    if target.handoff is not None and target.handoff.state == HandoffState.RESOLVED:
        said += f": {target.handoff.reference} is resolved"
    elif last is not None and target.run is not None and target.run.state in presses.ACTIVE:
        at = f"{last.pressed_at:%H:%M} UTC"
        said += f": {_name(last.actor)} pressed {_title(last.action)} at {at}, and that still runs"
    return TooLate(f"{said}.", first=last, remedy="Look at how it stands now.")


def _permit(action: Action, target: Target, roles: frozenset[str], owns: bool) -> Permit:
    thing = target.run or target.handoff
    return may(
        roles,
        action.rule(target),
        owns=owns,
        ticket=bool(target.ticket),
        amount_minor=thing.amount_minor if thing else None,
        currency=thing.currency if thing else "",
    )


def _clean(action: Action, wish: Wish) -> Mapping[str, Any]:
    if not wish.reason.strip():
        raise ContractViolation("A reason is missing.", remedy="Say why, in a few words.")
    TicketKey.parse(wish.ticket)
    cleaned = clean(action.parameters, wish.values)
    if cleaned.violations:
        raise ContractViolation(
            cleaned.violations[0].sentence, violations=cleaned.violations, remedy="Correct it."
        )
    return cleaned.values


def _check_ticket(target: Target, ticket: str) -> None:
    """A press belongs to its target's ticket, or to another one that events have named."""
    if ticket == target.ticket or not target.ticket:
        return
    if not Event.objects.filter(ticket=ticket).exists():
        raise ContractViolation(
            f"No event has ever named the ticket {ticket}.",
            remedy=f"Press under {target.ticket}, or under a ticket that Meshline knows.",
        )


def _write(
    action: Action,
    target: Target,
    wish: Wish,
    values: Mapping[str, Any],
    by: User,
    now: datetime,
) -> Intervention:
    return Intervention.objects.create(
        action=action.slug,
        actor=by,
        ticket=wish.ticket,
        contract=target.contract,
        contract_version=target.contract_version,
        reason=wish.reason.strip()[:1000],
        handoff_id=target.handoff.pk if target.handoff else None,
        generation=target.handoff.generation if target.handoff else 0,
        press_key=press_key_of(target),
        run_id=target.run.pk if target.run else None,
        values=dict(values),
        pressed_at=now,
    )


def _record(action: Action, target: Target, intervention: Intervention, now: datetime) -> None:
    audit.record(
        action=action.slug,
        actor=intervention.actor,
        object_type=_kind(target),
        object_id=_object_id(target),
        contract=intervention.contract,
        contract_version=intervention.contract_version,
        ticket=intervention.ticket,
        run_id=intervention.run_id,
        reason=intervention.reason,
        detail={"intervention": intervention.pk, "values": dict(intervention.values)},
        now=now,
    )


def _about(target: Target, wish: Wish) -> About:
    return About(
        kind=_kind(target),
        name=_object_id(target),
        contract=target.contract,
        contract_version=target.contract_version,
        ticket=target.ticket or wish.ticket[:80],
        run_id=target.run.pk if target.run else None,
    )


def _object_id(target: Target) -> str:
    if target.handoff is not None:
        return target.handoff.reference
    return str(target.run.pk) if target.run is not None else target.ticket


def _kind(target: Target) -> str:
    if target.handoff is not None:
        return "handoff"
    return "run" if target.run is not None else "ticket"


def _name(user: User) -> str:
    return user.get_full_name() or user.get_username()


def _title(slug: str) -> str:
    return ACTIONS[slug].title if slug in ACTIONS else slug
