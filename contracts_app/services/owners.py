"""Owners and systems: the plain rows that documents name."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from django.contrib.auth.models import User
from django.db import transaction

from contracts_app.models import Owner, System
from contracts_app.services import audit
from contracts_app.services.people import COMMAND
from meshline.core import canonical
from meshline.core.errors import NotAllowed

M = TypeVar("M", Owner, System)

_OWNER_FIELDS = ("title", "person_id", "email", "rota")
_SYSTEM_FIELDS = ("title", "connector", "note")


@transaction.atomic
def save_owner(*, owner: Owner, by: User | None = None, now: datetime) -> bool:
    """Store an owner, new or changed; returns whether anything changed.

    Raises: NotAllowed if `by` makes themselves the person who answers and signs.
    """
    before = Owner.objects.filter(pk=owner.pk).first()
    was = before.person_id if before else None
    if by is not None and owner.person_id == by.pk and was != by.pk:
        raise NotAllowed(
            "Nobody makes themselves the person of an owner: that person signs.",
            remedy="Ask another administrator.",
        )
    return _save(owner, before, _OWNER_FIELDS, by=by, now=now)


@transaction.atomic
def save_system(*, system: System, by: User | None = None, now: datetime) -> bool:
    """Store an outside system, new or changed; returns whether anything changed."""
    before = System.objects.filter(pk=system.pk).first()
    return _save(system, before, _SYSTEM_FIELDS, by=by, now=now)


def _save(
    row: M, before: M | None, fields: tuple[str, ...], *, by: User | None, now: datetime
) -> bool:
    word = row._meta.model_name
    old = "" if before is None else canonical.digest([getattr(before, name) for name in fields])
    new = canonical.digest([getattr(row, name) for name in fields])
    if old == new:
        return False
    row.save()
    audit.record(
        action=f"{word}.create" if before is None else f"{word}.edit",
        actor=by or COMMAND,
        object_type=str(word),
        object_id=row.name,
        before=old,
        after=new,
        now=now,
    )
    return True
