"""What people decide about drift: set a finding aside or put it into the draft, by permit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

from django.contrib.auth.models import User

from contracts_app.models import ContractVersion, DriftFinding
from contracts_app.queries import people
from contracts_app.services import drift
from meshline.core.errors import IllegalTransition, NotAllowed
from runbooks.rules.permit import Permit, may
from runbooks.services import refusals
from runbooks.services.refusals import About

ADD, ASIDE = "drift.add", "drift.aside"
T = TypeVar("T")


def permit_to_decide(contract: str, user: User) -> Permit:
    """Whether the user may decide about the drift of a contract, and why not."""
    return may(people.roles_of(user), ADD, owns=contract in people.owned_contracts(user))


def add_to_draft(*, finding: DriftFinding, by: User, now: datetime) -> ContractVersion:
    """Put a finding's change into the draft, which is started if there is none.

    Raises: NotAllowed; IllegalTransition; BadValue; NotFound; DocumentRefused.
    """
    act = partial(drift.add_to_draft, finding=finding, by=by, now=now)
    return _decide(ADD, act, finding, by, "", now)


def set_aside(*, finding: DriftFinding, reason: str, by: User, now: datetime) -> DriftFinding:
    """Ignore a finding, with a reason, until it comes in another shape.

    Raises: NotAllowed; BadValue; IllegalTransition.
    """
    act = partial(drift.set_aside, finding=finding, reason=reason, by=by, now=now)
    return _decide(ASIDE, act, finding, by, reason, now)


def _decide(
    action: str, act: Callable[[], T], finding: DriftFinding, by: User, reason: str, now: datetime
) -> T:
    contract = finding.contract.name
    about = About("drift", str(finding.pk), contract)
    refuse = partial(refusals.record, action, about, by=by, reason=reason, now=now)
    permit = permit_to_decide(contract, by)
    if not permit:
        refuse(why=permit.why)
        raise NotAllowed(permit.why, remedy=permit.remedy)
    try:
        return act()
    except (NotAllowed, IllegalTransition) as refused:
        refuse(why=refused.message)
        raise
