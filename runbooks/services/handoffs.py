"""Claim a handoff and close one with a reason: by permit, and with refusals kept."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User

from contracts_app.queries import people
from meshline.core.errors import ContractViolation, IllegalTransition, NotAllowed
from orchestration.models import Handoff
from orchestration.services import handoffs
from runbooks.rules.permit import Permit, may
from runbooks.services import refusals
from runbooks.services.refusals import About


def permit_to(action: str, *, handoff: Handoff, user: User) -> Permit:
    """Whether the user may `handoff.claim` or `handoff.resolve` this one, and why not.

    A handoff of a held event may name no ticket yet; taking it is how somebody finds out.
    """
    roles, owns = people.roles_of(user), handoff.contract in people.owned_contracts(user)
    return may(roles, action, owns=owns, ticket=True)


def claim(*, handoff: Handoff, by: User, now: datetime) -> Handoff:
    """Give it to `by`. Raises: NotAllowed; IllegalTransition if somebody else was first."""
    _require("handoff.claim", handoff, by, now)
    try:
        return handoffs.claim(handoff=handoff, by=by, now=now)
    except IllegalTransition as late:
        refusals.record("handoff.claim", _about(handoff), by=by, why=late.message, now=now)
        raise


def resolve(*, handoff: Handoff, by: User, reason: str, now: datetime) -> Handoff:
    """Close it with a reason; its run is left as it stands.

    Raises: NotAllowed; ContractViolation without a reason; IllegalTransition if it is closed.
    """
    _require("handoff.resolve", handoff, by, now)
    if not reason.strip():
        raise ContractViolation("A reason is missing.", remedy="Say why, in a few words.")
    try:
        return handoffs.resolve(handoff=handoff, by=by, reason=reason.strip(), now=now)
    except IllegalTransition as late:
        refusals.record(
            "handoff.resolve", _about(handoff), by=by, why=late.message, reason=reason, now=now
        )
        raise


def _require(action: str, handoff: Handoff, by: User, now: datetime) -> None:
    permit = permit_to(action, handoff=handoff, user=by)
    if not permit:
        refusals.record(action, _about(handoff), by=by, why=permit.why, now=now)
        raise NotAllowed(permit.why, remedy=permit.remedy)


def _about(handoff: Handoff) -> About:
    return About(
        kind="handoff",
        name=handoff.reference,
        contract=handoff.contract,
        ticket=handoff.ticket,
        run_id=handoff.run_id,
    )
