"""Say that two identifiers are one, or take it back; audited before it has an effect."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from contracts_app.queries import registry
from contracts_app.rules.identity import canonical_of
from contracts_app.services import audit
from meshline.core.errors import BadValue, Conflict, IllegalTransition
from meshline.core.ids import uuid7_at
from orchestration.models import IdMerge
from orchestration.queries import merges
from orchestration.rules.merging import check_merge
from orchestration.services import expectations

OBJECT = "merge"


def canonical_pair(kind: str, merged: str, into: str, contract: str) -> tuple[str, str]:
    """Return both ids as the contract spells them.

    Raises: NotFound for a contract that is not in service; BadValue for one that names no such id,
    and for a text that cannot be one.
    """
    identity = registry.spec_of(registry.published_version(contract)).identity
    first, second = (canonical_of(identity, kind, text) for text in (merged, into))
    if first is None or second is None:
        raise BadValue(
            f"{contract} does not say where a {kind} stands.",
            remedy=f"Name a contract whose identity has the {kind}.",
        )
    return first, second


@transaction.atomic
def merge(
    *, kind: str, merged: str, into: str, contract: str, ticket: str, reason: str, by: User,
    now: datetime,
) -> IdMerge:  # fmt: skip
    """Lead one id to another from now on; what is stored stays as it is.

    Waits that were open under either are looked at again. Raises: NotFound, BadValue; Conflict if
    the two are one already, if one is led elsewhere, or if the chain would be too long.
    """
    one, other = canonical_pair(kind, merged, into, contract)
    _take_turns(kind)
    check_merge(kind, one, other, merges.family_of(kind, one), merges.family_of(kind, other))
    pk = uuid7_at(now)
    # The log is for ever and these ids may be personal: it names the merge, which holds them.
    audit.record(
        action="ids.merge", actor=by, object_type=OBJECT, object_id=pk, contract=contract,
        ticket=ticket, reason=reason, detail={"kind": kind}, now=now,
    )  # fmt: skip
    try:
        with transaction.atomic():
            row = IdMerge.objects.create(
                id=pk, kind=kind, merged=one, into=other, contract=contract, ticket=ticket,
                reason=reason[:1000], made_by=by.get_username(), made_at=now,
            )  # fmt: skip
    except IntegrityError as error:
        raise Conflict(
            f"Somebody has led this {kind} to another just now.",
            remedy="Look at the list of merges.",
        ) from error
    expectations.look_again(kind, merges.names_of(kind, one), now=now)
    return row


@transaction.atomic
def unmerge(*, row: IdMerge, ticket: str, reason: str, by: User, now: datetime) -> IdMerge:
    """Take a merge back: both ids stand for themselves again. Raises: IllegalTransition."""
    _take_turns(row.kind)
    locked = IdMerge.objects.select_for_update().get(pk=row.pk)
    if locked.ended_at is not None:
        raise IllegalTransition(
            f"{locked.ended_by} has taken this merge back already.",
            remedy="Nothing is left to do here.",
        )
    audit.record(
        action="ids.unmerge", actor=by, object_type=OBJECT, object_id=locked.pk,
        contract=locked.contract, ticket=ticket, reason=reason, detail={"kind": locked.kind},
        now=now,
    )  # fmt: skip
    locked.ended_at, locked.ended_by = now, by.get_username()
    locked.end_reason = reason[:1000]
    locked.save(update_fields=["ended_at", "ended_by", "end_reason"])
    return locked


def _take_turns(kind: str) -> None:
    """One at a time for each kind: A into B and B into A at once would break no constraint."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"merge:{kind}"])
