"""Contracts as the catalogue lists them, and who answers for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

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
from contracts_app.queries.drift import contracts_with_drift
from contracts_app.queries.registry import SERVING
from contracts_app.queries.standing import Standing
from contracts_app.rules.contract_health import MEASURED, Health
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.versions import parse_version
from meshline.core.errors import BadValue, NotFound

COMING = (ContractState.IN_REVIEW, ContractState.DRAFT)
RISKS = ("critical", "high", "medium", "low")


@dataclass(frozen=True)
class Numbered:
    """One version without its text; consumers, fallback, targets are told of the serving one."""

    pk: int
    version: str
    state: str
    published_at: datetime | None = None
    consumers: int = 0
    fallback: str = ""
    targets: tuple[tuple[str, str], ...] = ()  # of its objectives: what is measured, and the share


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
    drifts: bool = False
    health: Health | None = None

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
        case "drift":
            return frozenset({"open"} if row.drifts else ())
        case "health":
            return frozenset({row.health.state} if row.health else ())
    return frozenset()


def catalogue(q: str = "") -> list[Listed]:
    """Return every contract by name, or those in which `q` is found.

    Contracts and versions are read once per change of the registry; people's and systems' names
    each time. What `q` stands in is the text of the versions that are shown, or a name.
    """
    framed: tuple[_Framed, ...] = Standing.read().ask("catalogue", _framed)
    owners = {row.pk: row for row in Owner.objects.select_related("person")}
    systems = dict(System.objects.values_list("name", "title"))
    hits = _with_text(q, framed)
    drifting = contracts_with_drift()
    listed = [
        replace(_listed(one, owners, systems), drifts=one.contract.pk in drifting) for one in framed
    ]
    return [row for row in listed if not q or row.contract.pk in hits or _says(row, q)]


@dataclass(frozen=True)
class _Framed:
    """One contract, its versions, its owners' ids: what changes with the registry only."""

    contract: Contract
    versions: tuple[Numbered, ...]
    serving: Numbered | None
    owners: Mapping[str, tuple[int, int | None]]

    @property
    def shown(self) -> list[int]:
        """The ids of the versions that the catalogue speaks of."""
        coming = [one.pk for one in self.versions if one.state in COMING]
        return [*([self.serving.pk] if self.serving else []), *coming]


def _framed(contract: Contract | None = None) -> tuple[_Framed, ...]:
    """Read all contracts, or one."""
    rows = [contract] if contract else Contract.objects.order_by("name")
    own = {"contract": contract} if contract else {}
    owned: dict[int, dict[str, tuple[int, int | None]]] = {}
    matrix = Ownership.objects.filter(**own)
    for pk, role, owner, deputy in matrix.values_list(
        "contract_id", "role", "owner_id", "deputy_id"
    ):
        owned.setdefault(pk, {})[role] = (owner, deputy)
    numbered = _numbered(ContractVersion.objects.filter(**own))
    serving = {pk: _serving(found) for pk, found in numbered.items()}
    told = _details([one.pk for one in serving.values() if one is not None])
    return tuple(
        _Framed(
            row,
            numbered.get(row.pk, ()),
            replace(one, **told[one.pk]) if (one := serving.get(row.pk)) else None,
            owned.get(row.pk, {}),
        )
        for row in rows
    )


def serving_versions() -> dict[int, int]:
    """Return the id of the version that events are judged by, by its contract's id."""
    rows = ContractVersion.objects.filter(state__in=SERVING)
    serving = {pk: _serving(found) for pk, found in _numbered(rows).items()}
    return {pk: one.pk for pk, one in serving.items() if one is not None}


def listed_contract(name: str) -> Listed:
    """Return one contract as the catalogue has it. Raises: NotFound."""
    row = Contract.objects.filter(name=name).first()
    if row is None:
        raise NotFound(f"There is no contract {name}.")
    (framed,) = _framed(row)
    ids = [pk for pair in framed.owners.values() for pk in pair if pk is not None]
    owners = {one.pk: one for one in Owner.objects.filter(pk__in=ids).select_related("person")}
    systems = dict(System.objects.values_list("name", "title"))
    return _listed(framed, owners, systems)


def version_of(contract: Contract, number: str) -> ContractVersion:
    """Return one version with its text, whatever its state. Raises: NotFound."""
    rows = ContractVersion.objects.select_related("contract", "published_by", "created_by")
    found = rows.filter(contract=contract, version=number).first()
    if found is None:
        raise NotFound(f"{contract.name} has no version {number}.")
    return found


def named_by(spec: ContractSpec) -> tuple[Answers, ...]:
    """Return the owners that a text names: who answers for a contract that never served."""
    groups = {role: ref.group for role, ref in spec.owners.items()}
    rows = Owner.objects.filter(name__in=groups.values()).select_related("person")
    owners = {row.pk: row for row in rows}
    held = {row.name: (row.pk, None) for row in owners.values()}
    return tuple(_answers(role, held.get(groups.get(role, "")), owners) for role in OwnerRole)


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


def _numbered(rows: QuerySet[ContractVersion]) -> dict[int, tuple[Numbered, ...]]:
    """Return the versions by contract, the highest first, without their texts."""
    columns = ("contract_id", "pk", "version", "state", "published_at")
    found: dict[int, list[Numbered]] = {}
    for contract, pk, number, state, published_at in rows.order_by().values_list(*columns):
        found.setdefault(contract, []).append(Numbered(pk, number, state, published_at))
    return {
        contract: tuple(sorted(ones, key=_rank, reverse=True)) for contract, ones in found.items()
    }


def _details(pks: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return what the texts of some versions say of consumers, fallback and objectives."""
    inner = ("pk", "body__consumers", "body__manual_fallback__runbook", "body__slo")
    rows = ContractVersion.objects.filter(pk__in=pks).order_by().values_list(*inner)
    return {
        pk: {
            "consumers": len(consumers or ()),
            "fallback": fallback or "",
            "targets": tuple(
                (str(one["sli"]), str(one["target"]))
                for one in objectives or ()
                if one.get("sli") in MEASURED and one.get("target")
            ),
        }
        for pk, consumers, fallback, objectives in rows
    }


def _serving(versions: Iterable[Numbered]) -> Numbered | None:
    """Return the version that events are judged by: the newest active, else deprecated one."""
    listed = list(versions)
    by_state = (one for state in SERVING for one in listed if one.state == state)
    return next(by_state, None)


def _rank(one: Numbered) -> tuple[int, int, int]:
    try:
        return parse_version(one.version).numbers
    except BadValue:  # a draft whose author has not come to the version yet
        return (0, 0, 0)


def _listed(framed: _Framed, owners: Mapping[int, Owner], systems: Mapping[str, str]) -> Listed:
    producer = framed.contract.producer
    return Listed(
        contract=framed.contract,
        producer=systems.get(producer, producer),
        serving=framed.serving,
        coming=tuple(one for one in framed.versions if one.state in COMING),
        versions=framed.versions,
        owners=tuple(_answers(role, framed.owners.get(role), owners) for role in OwnerRole),
    )


def _answers(
    role: OwnerRole, held: tuple[int, int | None] | None, owners: Mapping[int, Owner]
) -> Answers:
    if held is None or held[0] not in owners:
        return Answers(role.value, role.label)
    owner, deputy = owners[held[0]], owners.get(held[1] or 0)
    person = owner.person
    return Answers(
        role=role.value,
        title=role.label,
        name=_name_of(owner),
        team=owner.title,
        email=(person.email if person else "") or owner.email,
        rota=owner.rota,
        deputy=_name_of(deputy) if deputy else "",
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


def _with_text(q: str, framed: Iterable[_Framed]) -> frozenset[int]:
    """Contracts in whose shown texts, fields and consumers included, `q` stands."""
    if not q:
        return frozenset()
    shown = [pk for one in framed for pk in one.shown]
    rows = ContractVersion.objects.filter(pk__in=shown, text__icontains=q)
    return frozenset(rows.values_list("contract_id", flat=True))
