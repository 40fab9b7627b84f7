"""Builders of accounts and owners for tests of the registry and the administration."""

from __future__ import annotations

from django.contrib.auth.models import User

from contracts_app.models import Owner
from contracts_app.queries import clock
from contracts_app.services import people

PASSWORD = "a long enough pass phrase"


def given_person(
    *roles: str, username: str = "", superuser: bool = False, owns: tuple[str, ...] = ()
) -> User:
    """An account with these roles that answers for the owners named."""
    user = people.create_user(
        username=username or (roles[0] if roles else "nobody"),
        roles=roles,
        name=f"{(username or 'some').capitalize()} Body",
        email=f"{username or 'some.body'}@example.com",
        password=PASSWORD,
        now=clock.now(),
    ).user
    if superuser:
        user.is_superuser = user.is_staff = True
        user.save()
    for slug in owns:
        Owner.objects.update_or_create(name=slug, defaults={"title": slug, "person": user})
    return user
