"""Pause, go on with or stop a backfill: by permit, with a reason, and with refusals kept."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.contrib.auth.models import User

from contracts_app.queries import people
from meshline.core.errors import ContractViolation, IllegalTransition, NotAllowed, NotFound
from runbooks.models import Backfill
from runbooks.rules.permit import Permit, may
from runbooks.services import backfills, refusals
from runbooks.services.refusals import About


def permit_to_steer(backfill: Backfill, user: User) -> Permit:
    """Whether the user may pause, go on with or stop it, and why not.

    Who may start a small backfill may hold back any: a brake asks for no second person.
    """
    owns = backfill.contract in people.owned_contracts(user)
    return may(people.roles_of(user), "flow.backfill", owns=owns, ticket=bool(backfill.ticket))


def steer(*, backfill: Backfill, move: str, by: User, reason: str, now: datetime) -> Backfill:
    """Do `move`: pause, go_on or stop.

    Raises: NotAllowed; NotFound for another move; ContractViolation without a reason;
    IllegalTransition if its state does not allow it (any more).
    """
    if move not in backfills.MOVES:
        raise NotFound("Say what the backfill shall do: pause, go on or stop.")
    about = About("backfill", backfill.reference, backfill.contract, ticket=backfill.ticket)
    refuse = partial(refusals.record, f"backfill.{move}", about, by=by, reason=reason, now=now)
    permit = permit_to_steer(backfill, by)
    if not permit:
        refuse(why=permit.why)
        raise NotAllowed(permit.why, remedy=permit.remedy)
    if not reason.strip():
        raise ContractViolation("A reason is missing.", remedy="Say why, in a few words.")
    try:
        return backfills.steer(backfill=backfill, move=move, by=by, reason=reason.strip(), now=now)
    except IllegalTransition as late:
        refuse(why=late.message)
        raise
