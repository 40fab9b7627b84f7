"""Temporary tolerances by permit: asked for, confirmed by another person, ended; refusals kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from django.contrib.auth.models import User

from contracts_app.models import Contract, TemporaryTolerance
from contracts_app.queries import people, registry
from contracts_app.queries.standing import Standing
from contracts_app.queries.temporary_tolerances import guarded_in
from contracts_app.rules.temporary_tolerance import Allowance, places_of, refusal
from contracts_app.services import temporary_tolerances
from meshline.core.errors import Conflict, IllegalTransition, MeshlineError, NotAllowed
from orchestration.models import Event, EventBody, HeldEvent
from orchestration.services import intake
from runbooks.rules.permit import Permit, may
from runbooks.services import refusals
from runbooks.services.refusals import About

ASK, CONFIRM, END = "tolerance.ask", "tolerance.confirm", "tolerance.end"
T = TypeVar("T")


@dataclass(frozen=True)
class Offer:
    """One departure of a held event; `why_not` says why it can never be tolerated."""

    allowance: Allowance
    why_not: str = ""


def permit_to_ask(contract: str, user: User, *, action: str = ASK) -> Permit:
    """Whether the user may ask for a tolerance of this contract, or end one.

    The ticket is asked for by the form. To ask is what one person may; the second confirms.
    """
    owns = contract in people.owned_contracts(user)
    permit = may(people.roles_of(user), action, owns=owns, ticket=True)
    return replace(permit, verdict="yes", why="") if permit.verdict == "second" else permit


def permit_to_confirm(tolerance: TemporaryTolerance, user: User) -> Permit:
    """Whether the user may confirm what another person has asked for."""
    owns = tolerance.contract.name in people.owned_contracts(user)
    oneself = tolerance.asked_by_id == user.pk
    return may(people.roles_of(user), CONFIRM, owns=owns, ticket=True, oneself=oneself)


def offers_of(held: HeldEvent) -> list[Offer]:
    """Return where a held event breaks its contract as it is judged now; nothing if it fits."""
    event = Event.objects.filter(pk=held.event_id).first()
    body = EventBody.objects.filter(pk=held.event_id).first()
    if event is None or body is None or not body.raw:
        return []
    try:
        judged = intake.judge_again(event, body, Standing.read())
    except MeshlineError:
        return []
    if judged.version is None or judged.mapped.problems:
        return []
    spec = registry.spec_of(judged.version)
    guarded = guarded_in(spec)
    wanted = dict.fromkeys(one for problem in judged.problems for one in places_of(problem))
    return [Offer(one, refusal(one, spec, guarded)) for one in wanted]


def ask(
    *,
    contract: Contract,
    allowed: Sequence[Allowance],
    hours: int,
    reason: str,
    ticket: str,
    by: User,
    now: datetime,
) -> TemporaryTolerance:
    """Ask for a tolerance. Raises: NotAllowed; BadValue; Conflict; NotFound."""
    about = About("tolerance", contract.name, contract.name, ticket=ticket[:80])
    act = partial(
        temporary_tolerances.ask, contract=contract, allowed=allowed, hours=hours, reason=reason,
        ticket=ticket, by=by, now=now,
    )  # fmt: skip
    return _press(ASK, act, permit_to_ask(contract.name, by), about, by, reason, now)


def confirm(*, tolerance: TemporaryTolerance, by: User, now: datetime) -> TemporaryTolerance:
    """Confirm another's request. Raises: NotAllowed; IllegalTransition; BadValue."""
    act = partial(temporary_tolerances.confirm, tolerance=tolerance, by=by, now=now)
    permit = permit_to_confirm(tolerance, by)
    return _press(CONFIRM, act, permit, _about(tolerance), by, "", now)


def end(*, tolerance: TemporaryTolerance, by: User, now: datetime) -> TemporaryTolerance:
    """End one early, or take it back. Raises: NotAllowed; IllegalTransition."""
    act = partial(temporary_tolerances.end, tolerance=tolerance, by=by, now=now)
    permit = permit_to_ask(tolerance.contract.name, by, action=END)
    return _press(END, act, permit, _about(tolerance), by, "", now)


def _press(
    action: str,
    act: Callable[[], T],
    permit: Permit,
    about: About,
    by: User,
    reason: str,
    now: datetime,
) -> T:
    refuse = partial(refusals.record, action, about, by=by, reason=reason, now=now)
    if not permit:
        refuse(why=permit.why)
        raise NotAllowed(permit.why, remedy=permit.remedy)
    try:
        return act()
    except (NotAllowed, IllegalTransition, Conflict) as refused:
        refuse(why=refused.message)
        raise


def _about(tolerance: TemporaryTolerance) -> About:
    contract = tolerance.contract.name
    return About("tolerance", str(tolerance), contract, ticket=tolerance.ticket)
