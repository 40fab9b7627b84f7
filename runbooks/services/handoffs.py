"""Claim a handoff and close one with a reason: by permit, and with refusals kept."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User

from contracts_app.queries import people
from contracts_app.services import audit
from meshline.core.errors import ContractViolation, IllegalTransition, NotAllowed
from orchestration.models import Handoff
from orchestration.services import handoffs
from runbooks.rules.permit import Permit, may


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
        _record_refusal("handoff.claim", handoff, by, late.message, now)
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
        _record_refusal("handoff.resolve", handoff, by, late.message, now, reason=reason.strip())
        raise


def _require(action: str, handoff: Handoff, by: User, now: datetime) -> None:
    permit = permit_to(action, handoff=handoff, user=by)
    if not permit:
        _record_refusal(action, handoff, by, permit.why, now)
        raise NotAllowed(permit.why, remedy=permit.remedy)


def _record_refusal(
    action: str, handoff: Handoff, by: User, why: str, now: datetime, *, reason: str = ""
) -> None:
    """Refused and late presses are kept too; nothing of the winner's is locked meanwhile."""
    audit.record(
        action=f"{action}.refused",
        actor=by,
        object_type="handoff",
        object_id=handoff.reference,
        contract=handoff.contract,
        ticket=handoff.ticket,
        run_id=handoff.run_id,
        reason=why,
        detail={"reason": reason[:1000]} if reason else {},
        now=now,
    )
