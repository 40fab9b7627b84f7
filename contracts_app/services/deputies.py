"""Deputations: who signs for an owner from one moment to another; each has an end."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from contracts_app.models import Deputation, Owner, Ownership
from contracts_app.queries.people import roles_of
from contracts_app.services import audit
from contracts_app.services.people import COMMAND
from contracts_app.services.rights import check_owned
from meshline.core.errors import BadValue, IllegalTransition, NotAllowed

LONGEST = timedelta(days=90)


@transaction.atomic
def name_deputation(
    *,
    owner: Owner,
    deputy: User,
    starts_at: datetime | None,
    ends_at: datetime | None,
    reason: str,
    by: User,
    now: datetime,
) -> Deputation:
    """Let a person draft and sign for an owner until an end; without a beginning from now on.

    Raises: BadValue without an end, for times that do not fit, a deputy who could not sign, or no
    reason; NotAllowed if `by` is neither the owner nor an administrator, or names themselves.
    """
    _check_who(owner, deputy, by=by)
    begin = starts_at or now
    if ends_at is None:
        raise BadValue("A deputation needs an end.", remedy="Say until when it runs.")
    if ends_at <= max(begin, now):
        raise BadValue(
            "The deputation would end before it begins, or is over already.",
            remedy="Give an end that is still to come and lies after the beginning.",
        )
    if ends_at - begin > LONGEST:
        raise BadValue(
            f"A deputation runs {LONGEST.days} days at most.",
            remedy="Give an earlier end, or name another person of the owner.",
        )
    if not reason.strip():
        raise BadValue("No reason is given.", remedy="Say why, for instance: on leave.")
    made = Deputation(
        owner=owner, deputy=deputy, starts_at=begin, ends_at=ends_at, reason=reason.strip()[:200],
        named_by=by.get_username(), named_at=now,
    )  # fmt: skip
    _tell("deputy.name", made, by=by, now=now, reason=made.reason)
    made.save()
    return made


@transaction.atomic
def end_deputation(*, deputation: Deputation, by: User, now: datetime) -> Deputation:
    """End a deputation now, or keep one from beginning.

    Raises: NotAllowed if `by` is neither owner, deputy nor administrator; IllegalTransition if it
    has ended.
    """
    held = Deputation.objects.select_for_update(of=("self",)).select_related("owner", "deputy")
    row = held.get(pk=deputation.pk)
    if by.pk != row.deputy_id and not _answers(row.owner, by):
        raise NotAllowed(
            f"You do not answer for {row.owner}.",
            remedy="Its owner, the deputy or an administrator can end it.",
        )
    if row.ends_at <= now:
        raise IllegalTransition(
            f"The deputation of {row.deputy} ended on {row.ends_at:%-d %B %Y, %H:%M} UTC.",
            remedy="Nothing is left to do.",
        )
    _tell("deputy.end", row, by=by, now=now)
    if row.starts_at >= now:  # it never ran
        row.starts_at = now - timedelta(seconds=1)
    row.ends_at = now
    row.save(update_fields=["starts_at", "ends_at"])
    return row


@transaction.atomic
def name_deputy(*, ownership: Ownership, by: User | None = None, now: datetime) -> None:
    """Store who answers for a contract beside its owner, for as long as the contract says so.

    This deputy drafts, and is who is called. For signing there are deputations, which end.

    Raises: NotAllowed if `by` does not own the contract, or names themselves.
    """
    contract = ownership.contract
    if by is not None:
        check_owned(by, what=contract.name, contracts=[contract.name])
        if ownership.deputy is not None and ownership.deputy.person_id == by.pk:
            raise NotAllowed("Nobody names themselves deputy.", remedy="Ask the owner to do it.")
    Ownership.objects.filter(pk=ownership.pk).update(deputy=ownership.deputy)
    audit.record(
        action="contract.deputy",
        actor=by or COMMAND,
        object_type="contract",
        object_id=contract.name,
        contract=contract.name,
        detail={
            "role": ownership.role,
            "deputy": ownership.deputy.name if ownership.deputy else "",
        },
        now=now,
    )


def _check_who(owner: Owner, deputy: User, *, by: User) -> None:
    if deputy.pk == by.pk:
        raise NotAllowed("Nobody names themselves deputy.", remedy="Ask the owner to do it.")
    if not _answers(owner, by):
        raise NotAllowed(
            f"You do not answer for {owner}.",
            remedy="The owner names the deputy; an administrator does where the owner cannot.",
        )
    if deputy.pk == owner.person_id:
        raise BadValue(f"{deputy} is the owner.", remedy="Choose another person.")
    if not deputy.is_active or not deputy.is_staff:
        raise BadValue(
            f"{deputy} could not sign: the account is switched off or has no role that may.",
            remedy="Choose somebody whose role lets them into the administration.",
        )


def _answers(owner: Owner, by: User) -> bool:
    return owner.person_id == by.pk or by.is_superuser or "admin" in roles_of(by)


def _tell(action: str, row: Deputation, *, by: User, now: datetime, reason: str = "") -> None:
    audit.record(
        action=action,
        actor=by,
        object_type="owner",
        object_id=row.owner.name,
        reason=reason,
        detail={
            "deputy": row.deputy.get_username(),
            "from": row.starts_at.isoformat(),
            "until": row.ends_at.isoformat(),
        },
        now=now,
    )
