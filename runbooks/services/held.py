"""Release or discard a held event: by permit, with a reason, and with refusals kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib.auth.models import User

from contracts_app.queries import people
from contracts_app.queries.standing import Standing
from contracts_app.rules.validate import Violation
from meshline.core.errors import (
    ContractViolation,
    IllegalTransition,
    MeshlineError,
    NotAllowed,
)
from meshline.core.keys import TicketKey
from meshline.core.safejson import Json
from orchestration.models import Event, EventBody, HeldEvent
from orchestration.queries import events
from orchestration.queries.held import masked_violations
from orchestration.services import intake, quarantine
from runbooks.rules.permit import Permit, may
from runbooks.services import refusals
from runbooks.services.refusals import About

RELEASE, DISCARD = "held.release", "held.discard"


@dataclass(frozen=True)
class Judgement:
    """What today's mapping and contract say of a held event; the violations are masked."""

    contract: str = ""
    version: str = ""
    violations: tuple[Violation, ...] = ()
    amount_minor: int | None = None
    currency: str = ""
    tolerated: bool = False

    @property
    def fits(self) -> bool:
        """Whether a release would be accepted now."""
        return bool(self.version) and not self.violations


def judge(held: HeldEvent) -> Judgement:
    """Judge the event by what is published now. Changes nothing; never raises."""
    event = Event.objects.filter(pk=held.event_id).first()
    body = EventBody.objects.filter(pk=held.event_id).first()
    if event is None or body is None or not body.raw:
        gone = Violation("", "gone", "Its bytes are kept no longer, so it cannot be judged again.")
        return Judgement(violations=(gone,))
    try:
        judged = intake.judge_again(event, body, Standing.read())
    except MeshlineError as error:
        return Judgement(violations=(Violation("", error.code, f"{error.message}"),))
    mapped = judged.mapped
    version = judged.version.version if judged.version else ""
    marks = events.marks_of(mapped.contract, version)
    amount, currency = _money(mapped.payload)
    return Judgement(
        contract=mapped.contract,
        version=version,
        violations=masked_violations(judged.problems, mapped.payload, marks),
        amount_minor=amount,
        currency=currency,
        tolerated=bool(judged.tolerances),
    )


def permits(held: HeldEvent, user: User, *, ticket: str = "") -> dict[str, Permit]:
    """Return whether the user may release and discard this one, and why not."""
    return {action: permit_to(action, held, user, ticket=ticket) for action in (RELEASE, DISCARD)}


def permit_to(
    action: str,
    held: HeldEvent,
    user: User,
    *,
    ticket: str = "",
    judgement: Judgement | None = None,
) -> Permit:
    """Whether the user may do `action` to this one; the event names a ticket, a contract, or they
    do. A release is limited as a replay is, by the money that it moves."""
    money = judgement or Judgement()
    return may(
        people.roles_of(user),
        action,
        owns=held.contract in people.owned_contracts(user),
        ticket=bool(held.ticket or held.contract or ticket),
        amount_minor=money.amount_minor,
        currency=money.currency,
    )


def release(*, held: HeldEvent, by: User, reason: str, ticket: str = "", now: datetime) -> Event:
    """Judge it again and start what it starts.

    Raises: NotAllowed; BadValue for a ticket that is none; ContractViolation without a reason or
    if it still does not fit; IllegalTransition if somebody has decided already.
    """
    permit = permit_to(RELEASE, held, by, ticket=ticket, judgement=judge(held))
    return _decide(RELEASE, quarantine.release, permit, held, by, reason, ticket, now)


def discard(*, held: HeldEvent, by: User, reason: str, ticket: str = "", now: datetime) -> Event:
    """Decide that it starts nothing; its bytes stay.

    Raises: NotAllowed; BadValue; ContractViolation without a reason; IllegalTransition.
    """
    permit = permit_to(DISCARD, held, by, ticket=ticket)
    return _decide(DISCARD, quarantine.discard, permit, held, by, reason, ticket, now)


def _decide(
    action: str,
    act: Callable[..., Event],
    permit: Permit,
    held: HeldEvent,
    by: User,
    reason: str,
    ticket: str,
    now: datetime,
) -> Event:
    about = About("event", str(held.event_id), held.contract, ticket=held.ticket or ticket)
    refuse = partial(refusals.record, action, about, by=by, reason=reason, now=now)
    if not permit:
        refuse(why=permit.why)
        raise NotAllowed(permit.why, remedy=permit.remedy)
    if not reason.strip():
        raise ContractViolation("A reason is missing.", remedy="Say why, in a few words.")
    if ticket:
        TicketKey.parse(ticket)
    try:
        return act(held=held, by=by, reason=reason.strip(), ticket=ticket, now=now)
    except IllegalTransition as late:
        refuse(why=late.message)
        raise


def _money(payload: Json) -> tuple[int | None, str]:
    """What the event asks to be moved, as far as it says so in one of the two usual forms."""
    data: Any = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(data, dict):
        return None, ""
    nested = data.get("amount")
    money = nested if isinstance(nested, dict) else data
    amount = money.get("amount_minor", money.get("value"))
    whole = isinstance(amount, int) and not isinstance(amount, bool)
    return (amount if whole else None), str(money.get("currency") or "")
