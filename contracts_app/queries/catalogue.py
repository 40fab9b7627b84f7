"""Contracts as the catalogue lists them, and who answers for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from contracts_app.models import (
    Contract,
    ContractState,
    ContractVersion,
    Owner,
    OwnerRole,
    Ownership,
    System,
)
from contracts_app.queries import oncall
from contracts_app.queries.registry import SERVING
from contracts_app.rules.versions import parse_version
from meshline.core.errors import BadValue, NotFound

COMING = (ContractState.IN_REVIEW, ContractState.DRAFT)
RISKS = ("critical", "high", "medium", "low")


@dataclass(frozen=True)
class Numbered:
    """One version without its text."""

    version: str
    state: str
    published_at: datetime | None = None
    consumers: int = 0
    fallback: str = ""


@dataclass(frozen=True)
class Answers:
    """Who answers for a contract in one role, and how they are reached."""

    role: str
    title: str
    name: str = ""
    team: str = ""
    email: str = ""
    rota: str = ""
    on_call: str = ""
    deputy: str = ""


@dataclass(frozen=True)
class Listed:
    """One contract of the catalogue. `serving`: the version that new events are judged by."""

    contract: Contract
    producer: str
    serving: Numbered | None
    coming: tuple[Numbered, ...]
    versions: tuple[Numbered, ...]
    owners: tuple[Answers, ...]

    @property
    def name(self) -> str:
        """The contract's name."""
        return self.contract.name

    @property
    def states(self) -> frozenset[str]:
        """Under which states it is found: that of the serving version, and what is coming."""
        shown = [self.serving, *self.coming]
        found = frozenset(one.state for one in shown if one is not None)
        return found or frozenset({ContractState.RETIRED})

    @property
    def missing(self) -> frozenset[str]:
        """What it still lacks: owner, fallback, signoff."""
        gaps = {
            "owner": any(not owner.name for owner in self.owners),
            "fallback": self.serving is not None and not self.serving.fallback,
            "signoff": any(one.state == ContractState.IN_REVIEW for one in self.coming),
        }
        return frozenset(gap for gap, there in gaps.items() if there)


@dataclass(frozen=True)
class Wanted:
    """Which contracts: what is searched, and the facets ticked; an empty facet is any."""

    q: str = ""
    facets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    mine: frozenset[str] | None = None

    def takes(self, row: Listed, *, without: str = "") -> bool:
        """Say whether a contract fits every facet, or every one but `without`."""
        return (self.mine is None or row.name in self.mine) and all(
            not ticked or name == without or ticked & values_of(row, name)
            for name, ticked in self.facets.items()
        )


def values_of(row: Listed, facet: str) -> frozenset[str]:
    """Return under which values of a facet a contract is found."""
    match facet:
        case "risk":
            return frozenset({row.contract.risk})
        case "status":
            return row.states
        case "system":
            return frozenset({row.contract.producer or ""})
        case "owner":
            return frozenset(owner.name for owner in row.owners if owner.name)
        case "missing":
            return row.missing
    return frozenset()


def catalogue(q: str = "") -> list[Listed]:
    """Return every contract by name, or those in which `q` is found; four queries."""
    rows = Contract.objects.order_by("name")
    versions = _versions(ContractVersion.objects.all())
    owners = _owners(Ownership.objects.all())
    systems = dict(System.objects.values_list("name", "title"))
    hits = _with_text(q)
    listed = [
        _listed(row, versions.get(row.pk, ()), owners.get(row.pk, {}), systems) for row in rows
    ]
    return [row for row in listed if not q or row.contract.pk in hits or _says(row, q)]


def listed_contract(name: str) -> Listed:
    """Return one contract as the catalogue has it. Raises: NotFound."""
    row = Contract.objects.filter(name=name).first()
    if row is None:
        raise NotFound(f"There is no contract {name}.")
    versions = _versions(ContractVersion.objects.filter(contract=row)).get(row.pk, ())
    owners = _owners(Ownership.objects.filter(contract=row)).get(row.pk, {})
    systems = dict(System.objects.values_list("name", "title"))
    return _listed(row, versions, owners, systems)


def version_of(contract: Contract, number: str) -> ContractVersion:
    """Return one version with its text, whatever its state. Raises: NotFound."""
    rows = ContractVersion.objects.select_related("contract", "published_by", "created_by")
    found = rows.filter(contract=contract, version=number).first()
    if found is None:
        raise NotFound(f"{contract.name} has no version {number}.")
    return found


def with_on_call(owners: Iterable[Answers], now: datetime) -> list[Answers]:
    """Return the owners with who is on call for each of them at the moment."""
    people: dict[str, str] = {}
    found = []
    for owner in owners:
        if owner.rota and owner.rota not in people:
            person = oncall.on_call(owner.rota, now)
            people[owner.rota] = person.name if person else ""
        found.append(Answers(**{**vars(owner), "on_call": people.get(owner.rota, "")}))
    return found


def _versions(rows: QuerySet[ContractVersion]) -> dict[int, tuple[Numbered, ...]]:
    """Return the versions by contract, the highest first, without their texts."""
    columns = ("contract_id", "version", "state", "published_at")
    inner = ("body__consumers", "body__manual_fallback__runbook")
    found: dict[int, list[Numbered]] = {}
    for contract, number, state, published_at, consumers, fallback in rows.order_by().values_list(
        *columns, *inner
    ):
        one = Numbered(number, state, published_at, len(consumers or ()), fallback or "")
        found.setdefault(contract, []).append(one)
    return {
        contract: tuple(sorted(ones, key=_rank, reverse=True)) for contract, ones in found.items()
    }


def _rank(one: Numbered) -> tuple[int, int, int]:
    try:
        return parse_version(one.version).numbers
    except BadValue:  # a draft whose author has not come to the version yet
        return (0, 0, 0)


def _owners(rows: QuerySet[Ownership]) -> dict[int, dict[str, Ownership]]:
    found: dict[int, dict[str, Ownership]] = {}
    for row in rows.select_related("owner__person", "deputy__person"):
        found.setdefault(row.contract_id, {})[row.role] = row
    return found


def _listed(
    row: Contract,
    versions: Iterable[Numbered],
    owners: Mapping[str, Ownership],
    systems: Mapping[str, str],
) -> Listed:
    listed = tuple(versions)
    by_state = [one for state in SERVING for one in listed if one.state == state]
    return Listed(
        contract=row,
        producer=systems.get(row.producer, row.producer),
        serving=by_state[0] if by_state else None,
        coming=tuple(one for one in listed if one.state in COMING),
        versions=listed,
        owners=tuple(_answers(role, owners.get(role)) for role in OwnerRole),
    )


def _answers(role: OwnerRole, ownership: Ownership | None) -> Answers:
    if ownership is None:
        return Answers(role.value, role.label)
    owner = ownership.owner
    person = owner.person
    return Answers(
        role=role.value,
        title=role.label,
        name=_name_of(owner),
        team=owner.title,
        email=(person.email if person else "") or owner.email,
        rota=owner.rota,
        deputy=_name_of(ownership.deputy) if ownership.deputy else "",
    )


def _name_of(owner: Owner) -> str:
    if owner.person is None:
        return owner.title
    return owner.person.get_full_name() or owner.person.get_username()


def _says(row: Listed, q: str) -> bool:
    contract = row.contract
    people = (part for owner in row.owners for part in (owner.name, owner.team))
    texts = (contract.name, contract.title, contract.domain, row.producer, *people)
    return any(q.casefold() in text.casefold() for text in texts)


def _with_text(q: str) -> frozenset[int]:
    """Contracts in whose texts, fields and consumers included, `q` stands."""
    if not q:
        return frozenset()
    rows = ContractVersion.objects.filter(text__icontains=q).exclude(state=ContractState.RETIRED)
    return frozenset(rows.values_list("contract_id", flat=True))
