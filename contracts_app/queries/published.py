"""The public catalogue: what is in service, for readers who have not signed in.

Nothing here comes from a draft, a retired version or a person's name, so that neither a list nor a
search nor a refusal can tell of one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from contracts_app.models import ContractState, ContractVersion, Owner, Ownership, System
from contracts_app.queries import registry
from contracts_app.queries.remembered import Remembered
from contracts_app.queries.standing import Standing
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.public_contract import public_spec
from contracts_app.rules.versions import parse_version
from meshline.core.errors import BadValue, NotFound

ROLES = (("contract", "The contract"), ("runtime", "Operation"), ("product", "The product"))


@dataclass(frozen=True)
class PublicVersion:
    """A version in service; `sunset_on`: the day from which it is no longer taken."""

    pk: int
    version: str
    state: str
    published_at: datetime | None
    deprecated_at: datetime | None
    sunset_on: date | None


@dataclass(frozen=True)
class PublicContract:
    """A contract with a version in service; `versions` has the one that judges events first."""

    name: str
    title: str
    description: str
    kind: str
    producer: str
    teams: tuple[tuple[str, str], ...]
    versions: tuple[PublicVersion, ...]
    said: str = field(repr=False)

    @property
    def serving(self) -> PublicVersion:
        """The version that new events are judged by."""
        return self.versions[0]

    def version(self, number: str) -> PublicVersion:
        """Return a version in service. Raises: NotFound."""
        for one in self.versions:
            if one.version == number:
                return one
        raise NotFound(f"{self.name} has no published version {number}.")


# Two: the one that stands, and the one before for those who still read it.
_kept: Remembered[UUID | None, tuple[PublicContract, ...]] = Remembered(2)


def published_contracts(q: str = "", *, system: str = "") -> Sequence[PublicContract]:
    """Return what is in service by name: all, those that say `q`, or those of one producer.

    Read once for each change of the registry, so that strangers' searches ask the database for
    nothing but whether it has changed.
    """
    words = q.casefold().split()
    return [
        one
        for one in _all()
        if (not system or one.producer == system) and all(word in one.said for word in words)
    ]


def published_contract(name: str) -> PublicContract:
    """Return one contract. Raises: NotFound, the same for a draft and for a name nobody has."""
    for one in _all():
        if one.name == name:
            return one
    raise NotFound(f"There is no published contract {name}.")


def published_spec(version: PublicVersion) -> ContractSpec:
    """Return the public part of a version."""
    row = ContractVersion.objects.select_related("contract").get(pk=version.pk)
    return public_spec(registry.spec_of(row), state=version.state)


def _all() -> tuple[PublicContract, ...]:
    standing = Standing.read()
    return _read() if standing.stamp is None else _kept.get(standing.stamp, _read)


def _read() -> tuple[PublicContract, ...]:
    rows = ContractVersion.objects.filter(state__in=registry.SERVING).order_by("contract__name")
    columns = rows.values_list(
        *("pk", "contract_id", "contract__name", "version", "state", "published_at"),
        *("deprecated_at", "sunset_on"),
        *("body__title", "body__description", "body__kind", "body__domain", "body__tags"),
        *("body__producer__system", "body__schema__payload"),
    )
    teams, systems = _teams(), dict(System.objects.values_list("name", "title"))
    grouped: dict[int, list[tuple[PublicVersion, str, _Said]]] = {}
    for pk, contract, name, number, state, published_at, deprecated_at, sunset_on, *said in columns:
        version = PublicVersion(pk, number, state, published_at, deprecated_at, sunset_on)
        grouped.setdefault(contract, []).append((version, name, _Said(*said)))
    return tuple(
        _contract(listed, teams.get(contract, {}), systems) for contract, listed in grouped.items()
    )


@dataclass(frozen=True)
class _Said:
    """What a version's text says of itself."""

    title: str
    description: str | None
    kind: str
    domain: str | None
    tags: list[str] | None
    system: str
    schema: object


def _contract(
    listed: list[tuple[PublicVersion, str, _Said]],
    teams: Mapping[str, str],
    systems: Mapping[str, str],
) -> PublicContract:
    listed.sort(key=lambda one: _order(one[0]), reverse=True)
    _, name, said = listed[0]
    producer = systems.get(said.system, said.system)
    found = tuple((title, teams[role]) for role, title in ROLES if role in teams)
    texts = (
        *(name, said.title, said.description or "", said.domain or "", said.system, producer),
        *(said.tags or ()),
        *(team for _, team in found),
        json.dumps(said.schema, ensure_ascii=False),
    )
    return PublicContract(
        name=name,
        title=said.title,
        description=said.description or "",
        kind=said.kind,
        producer=producer,
        teams=found,
        versions=tuple(version for version, *_ in listed),
        said="\n".join(texts).casefold(),
    )


def _teams() -> dict[int, dict[str, str]]:
    """Return the titles of the groups that answer, by contract and role.

    A row that stands for one person alone is titled like that person, and is left out.
    """
    names = {row.pk: _team(row) for row in Owner.objects.select_related("person")}
    found: dict[int, dict[str, str]] = {}
    for contract, role, owner in Ownership.objects.values_list("contract_id", "role", "owner_id"):
        if names[owner]:
            found.setdefault(contract, {})[role] = names[owner]
    return found


def _team(owner: Owner) -> str:
    person = owner.person
    own = {person.get_full_name(), person.get_username(), person.email} if person else set()
    return "" if owner.title in own or "@" in owner.title else owner.title


def _order(version: PublicVersion) -> tuple[bool, tuple[int, int, int]]:
    """Active before deprecated, the newest first: as events are judged."""
    try:
        numbers = parse_version(version.version).numbers
    except BadValue:
        numbers = (0, 0, 0)
    return version.state == ContractState.ACTIVE, numbers
