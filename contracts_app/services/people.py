"""Accounts and their roles."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from contracts_app.queries.people import roles_of
from contracts_app.services import audit
from contracts_app.services.roles import ensure_roles, roles, title_of
from meshline.core import canonical
from meshline.core.errors import BadValue, Conflict, NotAllowed

COMMAND = "command"  # the actor of what a management command did


@dataclass(frozen=True)
class NewUser:
    """An account just made, and its first password, which is kept nowhere."""

    user: User
    password: str


def strong_password() -> str:
    """Return a random password of 80 bits in four groups, easy to copy from a terminal."""
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


@transaction.atomic
def create_user(
    *,
    username: str,
    roles: Iterable[str],
    name: str = "",
    email: str = "",
    password: str | None = None,
    by: User | None = None,
    now: datetime,
) -> NewUser:
    """Make an account with these roles; without a password it gets a random one.

    Raises: BadValue for an unknown role, a bad name or a weak password; Conflict if the name is
    taken.
    """
    wanted = _checked_roles(roles)
    first, _, last = name.partition(" ")
    user = User(username=username, first_name=first, last_name=last, email=email)
    chosen = password or strong_password()
    _check(user, chosen)
    user.set_password(chosen)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise Conflict(
            f"There is an account {username!r} already.", remedy="Choose another name."
        ) from None
    _assign(user, wanted)
    audit.record(
        action="user.create",
        actor=by or COMMAND,
        object_type="user",
        object_id=user.username,
        after=_digest(wanted),
        detail={"roles": wanted},
        now=now,
    )
    return NewUser(user, chosen)


@transaction.atomic
def set_roles(*, user: User, roles: Iterable[str], by: User | None, now: datetime) -> None:
    """Give an account exactly these roles; they count from its next request.

    Raises: NotAllowed if `by` is the account itself; BadValue for an unknown role.
    """
    wanted = _checked_roles(roles)
    locked = User.objects.select_for_update().get(pk=user.pk)
    before = sorted(roles_of(locked)) or sorted(locked.groups.values_list("name", flat=True))
    if before == wanted:
        return
    if by is not None and by.pk == user.pk:
        raise NotAllowed(
            "Nobody changes their own roles.", remedy="Ask another administrator to do it."
        )
    _assign(locked, wanted)
    user.is_staff = locked.is_staff
    audit.record(
        action="user.roles",
        actor=by or COMMAND,
        object_type="user",
        object_id=user.username,
        before=_digest(before),
        after=_digest(wanted),
        detail={"before": before, "after": wanted},
        now=now,
    )


@transaction.atomic
def set_active(*, user: User, active: bool, by: User | None, now: datetime) -> None:
    """Open or close an account; a closed one is signed out at its next request.

    Raises: NotAllowed if `by` is the account itself.
    """
    if by is not None and by.pk == user.pk:
        raise NotAllowed("Nobody closes their own account.", remedy="Ask another administrator.")
    if User.objects.filter(pk=user.pk, is_active=not active).update(is_active=active):
        audit.record(
            action="user.open" if active else "user.close",
            actor=by or COMMAND,
            object_type="user",
            object_id=user.username,
            now=now,
        )


@transaction.atomic
def change_user(
    *,
    user: User,
    names: Mapping[str, str],
    roles: Iterable[str] | None,
    active: bool | None,
    by: User | None,
    now: datetime,
) -> User:
    """Change an account's names, roles and whether it is open; None leaves a thing as it is.

    Raises: NotAllowed for one's own roles; BadValue for an unknown role.
    """
    locked = User.objects.select_for_update().get(pk=user.pk)
    changed = {name: value for name, value in names.items() if getattr(locked, name) != value}
    if changed:
        User.objects.filter(pk=locked.pk).update(**changed)
        audit.record(
            action="user.edit",
            actor=by or COMMAND,
            object_type="user",
            object_id=locked.username,
            detail={"fields": sorted(changed)},
            now=now,
        )
    if roles is not None:
        set_roles(user=locked, roles=roles, by=by, now=now)
    if active is not None and active != locked.is_active:
        set_active(user=locked, active=active, by=by, now=now)
    locked.refresh_from_db()
    return locked


@transaction.atomic
def give_password(*, user: User, password: str, by: User | None, now: datetime) -> None:
    """Set a password that somebody else chose. Raises: BadValue if it is weak."""
    _check(user, password)
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record(
        action="user.password",
        actor=by or COMMAND,
        object_type="user",
        object_id=user.username,
        now=now,
    )


def role_titles(user: User) -> str:
    """Return a person's roles for people to read: "Contract owner, Auditor"."""
    return ", ".join(title_of(slug) for slug in roles() if slug in roles_of(user))


def _checked_roles(chosen: Iterable[str]) -> list[str]:
    wanted = sorted(set(chosen))
    unknown = [slug for slug in wanted if slug not in roles()]
    if unknown:
        raise BadValue(f"{unknown[0]!r} is no role.", remedy=f"Use one of {', '.join(roles())}.")
    return wanted


def _assign(user: User, wanted: list[str]) -> None:
    if Group.objects.filter(name__in=wanted).count() < len(wanted):
        ensure_roles()
    user.groups.set(Group.objects.filter(name__in=wanted))
    user.is_staff = user.is_superuser or any(roles()[slug].staff for slug in wanted)
    user.save(update_fields=["is_staff"])


def _check(user: User, password: str) -> None:
    try:
        user.clean_fields(exclude=["password"])
        validate_password(password, user)
    except ValidationError as error:
        raise BadValue(" ".join(error.messages)) from None


def _digest(wanted: list[str]) -> str:
    return canonical.digest(wanted)
