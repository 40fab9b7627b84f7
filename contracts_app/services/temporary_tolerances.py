"""Temporary tolerances: asked for by one person, confirmed by another, ended early or by time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from contracts_app.models import Contract, TemporaryTolerance
from contracts_app.queries.registry import published_version, spec_of
from contracts_app.queries.temporary_tolerances import guarded_in
from contracts_app.rules.temporary_tolerance import CONFIRM_WITHIN, Allowance, check_request
from contracts_app.services import audit
from meshline.core import canonical
from meshline.core.errors import BadValue, Conflict, IllegalTransition, NotAllowed
from meshline.core.keys import TicketKey


@transaction.atomic
def ask(
    *,
    contract: Contract,
    allowed: Iterable[Allowance],
    hours: int,
    reason: str,
    ticket: str,
    by: User,
    now: datetime,
) -> TemporaryTolerance:
    """Ask to let named departures through for some hours; nothing is let through before another
    person has confirmed it.

    Raises: BadValue for a place that may not be tolerated, for no reason, ticket or end; Conflict
    if the same is asked for or runs already; NotFound if nothing is in service.
    """
    Contract.objects.select_for_update().get(pk=contract.pk)
    listed = sorted(set(allowed))
    span = timedelta(hours=hours)
    _check(contract, listed, span)
    if not reason.strip():
        raise BadValue("No reason is given.", remedy="Say what the vendor changed, and since when.")
    made = TemporaryTolerance(
        contract=contract,
        allowances=[[one.path, one.rule] for one in listed],
        digest=canonical.digest([[one.path, one.rule] for one in listed]),
        reason=reason.strip()[:500],
        ticket=str(TicketKey.parse(ticket.strip())),
        asked_by=by,
        asked_at=now,
        ends_at=now + span,
    )
    same = TemporaryTolerance.objects.filter(contract=contract, digest=made.digest, ended_at=None)
    for other in same.filter(ends_at__gt=now):
        if other.state_at(now) in ("asked", "runs"):
            raise Conflict(
                f"{other}, asked for by {_name(other.asked_by)}, lets the same through already.",
                remedy="Have it confirmed if it still waits.",
            )
    made.save()
    _tell("tolerance.ask", made, by=by, now=now)
    return made


@transaction.atomic
def confirm(*, tolerance: TemporaryTolerance, by: User, now: datetime) -> TemporaryTolerance:
    """Let through from now on what was asked for.

    Raises: NotAllowed for the person who asked; IllegalTransition if somebody was first or it is
    too late; BadValue if the contract or a flow has changed so that it may not be tolerated.
    """
    held = _locked(tolerance)
    if held.asked_by_id == by.pk:
        raise NotAllowed(
            "You have asked for it yourself: another person confirms it.",
            remedy="Ask somebody whose role may confirm.",
        )
    match held.state_at(now):
        case "runs" | "ended" if held.confirmed_by is not None:
            raise IllegalTransition(
                f"{_name(held.confirmed_by)} has confirmed {held} already.",
                remedy="Load the page again.",
            )
        case "taken back":
            raise IllegalTransition(f"{held} was taken back.", remedy="Ask for it again.")
        case "ran out":
            hours = CONFIRM_WITHIN // timedelta(hours=1)
            raise IllegalTransition(
                f"{held} ran out: it was not confirmed in time ({hours} hours at most).",
                remedy="Ask for it again.",
            )
    _check(held.contract, held.allowed, held.ends_at - held.asked_at)
    _tell("tolerance.confirm", held, by=by, now=now)
    held.confirmed_by, held.confirmed_at = by, now
    held.save(update_fields=["confirmed_by", "confirmed_at"])
    return held


@transaction.atomic
def end(*, tolerance: TemporaryTolerance, by: User, now: datetime) -> TemporaryTolerance:
    """End a tolerance now, or take back one that nobody has confirmed.

    Raises: IllegalTransition if it is over already.
    """
    held = _locked(tolerance)
    state = held.state_at(now)
    if state not in ("asked", "runs"):
        raise IllegalTransition(f"{held} is over already.", remedy="Load the page again.")
    _tell("tolerance.end" if state == "runs" else "tolerance.take_back", held, by=by, now=now)
    held.ended_by, held.ended_at = by, now
    held.save(update_fields=["ended_by", "ended_at"])
    return held


def _locked(tolerance: TemporaryTolerance) -> TemporaryTolerance:
    # Without joins: who waited for the lock would see the other tables as they were before.
    return TemporaryTolerance.objects.select_for_update().get(pk=tolerance.pk)


def _check(contract: Contract, allowed: Iterable[Allowance], span: timedelta) -> None:
    spec = spec_of(published_version(contract.name))
    wrong = check_request(list(allowed), span, spec, guarded_in(spec))
    if wrong:
        raise BadValue(
            " ".join(wrong), remedy="Name other places, or publish a version that takes it."
        )


def _tell(action: str, row: TemporaryTolerance, *, by: User, now: datetime) -> None:
    audit.record(
        action=action,
        actor=by,
        object_type="tolerance",
        object_id=str(row),
        contract=row.contract.name,
        ticket=row.ticket,
        reason=row.reason,
        after=row.digest,
        detail={
            "allowed": [str(one) for one in row.allowed],
            "until": row.ends_at.isoformat(),
            "asked_by": row.asked_by.get_username(),
        },
        now=now,
    )


def _name(user: User) -> str:
    return user.get_full_name() or user.get_username()
