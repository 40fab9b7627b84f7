"""Roles as data: Django groups with the permissions that roles.toml names."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction

_VERBS = {"view": ("view",), "write": ("view", "add", "change", "delete")}


@dataclass(frozen=True)
class Role:
    """What a role is called, whether it may enter the administration, and what it may do there."""

    slug: str
    title: str
    staff: bool
    permissions: frozenset[str]


@cache
def roles() -> Mapping[str, Role]:
    """Return every role by its slug, in the order of roles.toml."""
    data = tomllib.loads(Path(__file__).with_name("roles.toml").read_text("utf-8"))
    return {
        slug: Role(
            slug,
            entry["title"],
            entry["staff"],
            frozenset(_permissions(entry, data["models"])),
        )
        for slug, entry in data["roles"].items()
    }


def title_of(slug: str) -> str:
    """Return a role's name for people: "Contract owner"."""
    return roles()[slug].title if slug in roles() else slug


@transaction.atomic
def ensure_roles() -> None:
    """Make the groups, and give each exactly the permissions of roles.toml. Safe to repeat."""
    wanted = {name for role in roles().values() for name in role.permissions}
    known = _known_permissions()
    if not wanted <= set(known):
        for label in {name.partition(".")[0] for name in wanted - set(known)}:
            create_permissions(apps.get_app_config(label), verbosity=0)
        known = _known_permissions()
    for slug, role in roles().items():
        group, _ = Group.objects.get_or_create(name=slug)
        group.permissions.set([known[name] for name in role.permissions])
        if role.staff:  # accounts from before the role was let in
            User.objects.filter(groups=group, is_staff=False).update(is_staff=True)


def _permissions(entry: Mapping[str, Any], models: Mapping[str, list[str]]) -> Iterator[str]:
    for kind, verbs in _VERBS.items():
        for chosen in entry.get(kind, ()):
            for model in models[chosen]:
                label, _, name = model.partition(".")
                yield from (f"{label}.{verb}_{name}" for verb in verbs)


def _known_permissions() -> dict[str, Permission]:
    rows = Permission.objects.select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}": row for row in rows}
