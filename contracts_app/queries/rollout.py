"""Which version of a contract is read where, as far as deployments and verifications tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts_app.models import Contract, ContractVersion, Deployment, Verification
from contracts_app.queries.registry import SERVING
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.versions import best
from meshline.core.errors import BadValue


@dataclass(frozen=True)
class Deployed:
    """One system's version in one environment; `passed` None: nobody has verified it."""

    environment: str
    system_version: str
    since: datetime
    passed: bool | None


@dataclass(frozen=True)
class Part:
    """A system that sends or reads the contract, and the version in service that it gets.

    `reads` is "" where no version in service is in its range.
    """

    system: str
    role: str
    status: str
    pinned: str
    reads: str
    deployed: tuple[Deployed, ...]


@dataclass(frozen=True)
class Rollout:
    """What serves, and who reads which of it."""

    serving: tuple[ContractVersion, ...]
    parts: tuple[Part, ...]


def rollout_of(contract: Contract, spec: ContractSpec) -> Rollout:
    """Return it for the systems that one version names; three queries."""
    rows = contract.versions.filter(state__in=SERVING).only(
        "pk", "version", "state", "published_at", "sunset_on", "contract"
    )
    serving = {row.version: row for row in rows}
    named = [(spec.producer.system, "producer", "live", "*")]
    named += [(one.system, "consumer", one.status, one.pinned) for one in spec.consumers]
    deployed = _deployed({system for system, *_ in named})
    results = _results(serving.values(), deployed)
    parts = []
    for system, role, status, pinned in named:
        reads = _best(pinned, serving)
        row = serving.get(reads)
        places = tuple(
            Deployed(
                one.environment, one.system_version, one.at,
                results.get((row.pk if row else 0, system, one.system_version)),
            )
            for one in deployed
            if one.system == system
        )  # fmt: skip
        parts.append(Part(system, role, status, pinned, reads, places))
    order = sorted(serving.values(), key=lambda row: (row.state, -row.pk))
    return Rollout(tuple(order), tuple(parts))


def _best(pinned: str, versions: Iterable[str]) -> str:
    try:
        return best(pinned, versions) or ""
    except BadValue:
        return ""


def _deployed(systems: set[str]) -> Sequence[Deployment]:
    """The latest deployment of each system to each environment."""
    rows = Deployment.objects.filter(system__in=systems)
    return list(rows.order_by("environment", "system", "-id").distinct("environment", "system"))


def _results(
    versions: Iterable[ContractVersion], deployed: Sequence[Deployment]
) -> dict[tuple[int, str, str], bool]:
    keys = ("version_id", "system", "system_version")
    rows = Verification.objects.filter(
        version__in=list(versions),
        system__in={one.system for one in deployed},
        system_version__in={one.system_version for one in deployed},
    )
    latest = rows.order_by(*keys, "-id").distinct(*keys).values_list(*keys, "passed")
    return {(version, system, number): passed for version, system, number, passed in latest}
