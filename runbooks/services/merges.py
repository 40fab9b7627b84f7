"""Merging identifiers as people do it: by permit, for a ticket, and with refusals kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

from django.contrib.auth.models import User

from contracts_app.queries import people
from meshline.core.errors import Conflict, ContractViolation, IllegalTransition, NotAllowed
from meshline.core.keys import TicketKey
from orchestration.models import IdMerge
from orchestration.queries.merges import Joined, joined
from orchestration.services import merges
from runbooks.rules.permit import Permit, may
from runbooks.services import refusals
from runbooks.services.refusals import About

MERGE, UNMERGE = "ids.merge", "ids.unmerge"
T = TypeVar("T")


def permit_to(action: str, user: User, *, contract: str = "", ticket: str = "") -> Permit:
    """Whether the user may merge ids (or take it back), and why not."""
    owns = not contract or contract in people.owned_contracts(user)
    return may(people.roles_of(user), action, owns=owns, ticket=bool(ticket))


def preview(*, kind: str, merged: str, into: str, contract: str) -> tuple[str, str, Joined]:
    """Return both ids as the contract spells them, and what would be brought together.

    Changes nothing. Raises: NotFound; BadValue.
    """
    one, other = merges.canonical_pair(kind, merged, into, contract)
    return one, other, joined(kind, other, one)


def merge(
    *, kind: str, merged: str, into: str, contract: str, ticket: str, reason: str, by: User,
    now: datetime,
) -> IdMerge:  # fmt: skip
    """Say that one id is another from now on.

    Raises: NotAllowed; BadValue; NotFound; Conflict; ContractViolation without a reason.
    """
    act = partial(
        merges.merge, kind=kind, merged=merged, into=into, contract=contract, ticket=ticket,
        reason=reason.strip(), by=by, now=now,
    )  # fmt: skip
    return _decide(MERGE, act, About("merge", kind, contract, ticket=ticket), reason, by, now)


def unmerge(*, row: IdMerge, ticket: str, reason: str, by: User, now: datetime) -> IdMerge:
    """Take a merge back. Raises: NotAllowed; BadValue; IllegalTransition; ContractViolation."""
    act = partial(merges.unmerge, row=row, ticket=ticket, reason=reason.strip(), by=by, now=now)
    about = About("merge", str(row.pk), row.contract, ticket=ticket)
    return _decide(UNMERGE, act, about, reason, by, now)


def _decide(
    action: str, act: Callable[[], T], about: About, reason: str, by: User, now: datetime
) -> T:
    refuse = partial(refusals.record, action, about, by=by, reason=reason, now=now)
    permit = permit_to(action, by, contract=about.contract, ticket=about.ticket)
    if not permit:
        refuse(why=permit.why)
        raise NotAllowed(permit.why, remedy=permit.remedy)
    if not reason.strip():
        raise ContractViolation("A reason is missing.", remedy="Say why, in a few words.")
    TicketKey.parse(about.ticket)
    try:
        return act()
    except (Conflict, IllegalTransition) as late:
        refuse(why=late.message)
        raise
