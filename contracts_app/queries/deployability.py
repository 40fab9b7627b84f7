"""May a system's version go to an environment: the rows behind the rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from contracts_app.models import ContractVersion, Deployment, Verification
from contracts_app.queries.registry import SERVING, spec_of
from contracts_app.rules.contract_spec import Consumer
from contracts_app.rules.deployability import Answer, Part, Results, may_deploy
from contracts_app.rules.versions import parse_version
from meshline.core.errors import NotFound


def answer_for(*, system: str, version: str, environment: str, now: datetime) -> Answer:
    """Judge from the latest results and deployments.

    Raises: NotFound if no contract in service names the system.
    """
    parts = _parts(system, now)
    if not parts:
        raise NotFound(
            f"No contract in service names the system {system[:60]}.",
            remedy="Correct the name, or publish the contract in which it has a part.",
        )
    rows = Deployment.objects.filter(environment=environment).exclude(system=system)
    latest = rows.order_by("system", "-id").distinct("system")
    deployed = dict(latest.values_list("system", "system_version"))
    return may_deploy(system, version, parts, _results(parts, system, version, deployed), deployed)


def _parts(system: str, now: datetime) -> list[Part]:
    serving = ContractVersion.objects.filter(state__in=SERVING)
    named = Q(body__producer__system=system) | Q(body__consumers__contains=[{"system": system}])
    names = serving.filter(named).values_list("contract_id", flat=True)
    rows: dict[str, list[ContractVersion]] = defaultdict(list)
    for row in serving.filter(contract__in=set(names)).select_related("contract"):
        rows[row.contract.name].append(row)
    found = [_part(name, listed, now) for name, listed in sorted(rows.items())]
    return [one for one in found if system == one.producer or system in one.consumers]


def _part(name: str, rows: Sequence[ContractVersion], now: datetime) -> Part:
    """The newest version says who takes part."""
    ordered = sorted(rows, key=lambda row: parse_version(row.version), reverse=True)
    spec = spec_of(ordered[0])
    consumers = {one.system: one.pinned for one in spec.consumers if _counts(one, now)}
    return Part(name, spec.producer.system, consumers, tuple(row.version for row in ordered))


def _counts(consumer: Consumer, now: datetime) -> bool:
    """A consumer that leaves counts until its day; one that is planned does not yet."""
    if consumer.status == "leaving":
        return consumer.until is None or now.date().isoformat() <= consumer.until
    return consumer.status == "live"


def _results(parts: Sequence[Part], system: str, version: str, deployed: dict[str, str]) -> Results:
    pairs = Q(system=system, system_version=version)
    met = {one.producer for one in parts} | {name for one in parts for name in one.consumers}
    for other in met & deployed.keys():
        pairs |= Q(system=other, system_version=deployed[other])
    rows = Verification.objects.filter(
        pairs, version__contract__name__in=[one.contract for one in parts]
    )
    keys = ("version_id", "system", "system_version")
    latest = rows.order_by(*keys, "-id").distinct(*keys)
    values = latest.values_list(
        "version__contract__name", "version__version", "system", "system_version", "passed"
    )
    return {(one[0], one[1], one[2], one[3]): one[4] for one in values}
