"""Who holds which role, and who answers for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.db.models.functions import Now

from contracts_app.models import Deputation, Owner, Ownership

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User

ENGINE = "engine"


def roles_of(user: AbstractBaseUser | AnonymousUser) -> frozenset[str]:
    """Return the slugs of a person's roles, read anew from the database; a nobody has none."""
    if not user.is_authenticated or not user.is_active or not hasattr(user, "groups"):
        return frozenset()
    return frozenset(user.groups.values_list("name", flat=True))


def owners_of(user: AbstractBaseUser) -> frozenset[str]:
    """Return the slugs of the owners (teams and persons) for which this person answers."""
    return frozenset(Owner.objects.filter(person_id=user.pk).values_list("name", flat=True))


def running() -> Q:
    """Return the condition that a deputation runs at this moment, by the database's clock."""
    return Q(starts_at__lte=Now(), ends_at__gt=Now())


def stood_in_for(user: AbstractBaseUser) -> frozenset[str]:
    """Return the slugs of the owners whose deputy this person is at this moment."""
    rows = Deputation.objects.filter(running(), deputy_id=user.pk)
    return frozenset(rows.values_list("owner__name", flat=True))


def owned_contracts(user: AbstractBaseUser) -> frozenset[str]:
    """Return the names of the contracts that this person owns in any role, or deputises for."""
    deputised = Deputation.objects.filter(running(), deputy_id=user.pk).values("owner_id")
    mine = Q(owner__person_id=user.pk) | Q(deputy__person_id=user.pk) | Q(owner__in=deputised)
    rows = Ownership.objects.filter(mine)
    return frozenset(rows.values_list("contract__name", flat=True).distinct())


def answers_for(user: AbstractBaseUser, contract: str, named: Iterable[str]) -> bool:
    """Say whether this person owns a contract in any role, or deputises for who does.

    `named`: the owners in its text, which count until a version has served; then the matrix does.
    """
    if contract in owned_contracts(user):
        return True
    mine = frozenset(named) & (owners_of(user) | stood_in_for(user))
    return bool(mine) and not Ownership.objects.filter(contract__name=contract).exists()


def names_of(logins: Iterable[str]) -> dict[str, str]:
    """Return how those who act are called: full names; the engine is Meshline itself. One query."""
    wanted = set(logins)
    rows = get_user_model().objects.filter(username__in=wanted - {ENGINE})
    known = {row.get_username(): row.get_full_name() or row.get_username() for row in rows}
    return {login: login for login in wanted} | known | {ENGINE: "Meshline itself"}


def person_with_email(email: str) -> User | None:
    """Return the active account with this address, in any case; None if there is none or many."""
    found = list(get_user_model().objects.filter(email__iexact=email, is_active=True)[:2])
    return found[0] if email and len(found) == 1 else None
