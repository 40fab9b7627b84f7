"""What has drifted: a contract's findings with the change that would name each of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count, Max

from contracts_app.models import Contract, ContractVersion, DriftFinding, DriftState, DriftWatch
from contracts_app.queries.registry import SERVING, serving_specs, spec_of
from contracts_app.rules.contract_change import judge_change
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.drift.change import Change, change_for, mapping_for
from contracts_app.rules.splicing import path_of, spliced
from contracts_app.rules.versions import bump, parse_version
from meshline.core.errors import DocumentRefused
from meshline.core.pointers import get

BUDGET_S = 0.2
MOST_SHOWN = 100
_ADVICE = {
    "gone": "None: the field is optional. Ask who sends it, and tell the consumers that read it.",
    "type": "Ask who sends it. Have it sent as before, or name its types in a new version.",
}


@dataclass(frozen=True)
class Shown:
    """One finding as a page shows it. `change`: what would name it, None if a person must think."""

    row: DriftFinding
    change: Change | None

    @property
    def what(self) -> str:
        """What was noticed, in a few words."""
        if self.row.kind == "value":
            return f"New value {self.row.value}" if self.row.value else "Values not in the list"
        if self.row.kind in _ADVICE:
            return "No longer comes" if self.row.kind == "gone" else f"Comes as {self.row.value}"
        if self.row.kind.startswith("body"):
            return f"New {'value' if self.row.kind == 'body_value' else 'field'} in the body"
        return "Names that look like data" if self.row.path.endswith("*") else "New field"

    @property
    def advice(self) -> str:
        """What a person may do where no change of the schema would help."""
        return _ADVICE.get(self.row.kind, "A person has to think of one.")

    @property
    def mapping(self) -> str:
        """What the source's mapping would have to say, for a field that it leaves out."""
        return mapping_for(self.row.path) if self.row.kind == "body" else ""

    @property
    def addable(self) -> bool:
        """Whether its change may still be put into a draft."""
        open_now = self.row.state == DriftState.OPEN
        return open_now and self.row.draft is None and self.change is not None


@dataclass(frozen=True)
class Drift:
    """Everything noticed under one contract, and how far the watch has come."""

    watch: DriftWatch | None
    open: tuple[Shown, ...]
    aside: tuple[Shown, ...]
    beside: ContractVersion | None = None

    @property
    def drafts(self) -> tuple[ContractVersion, ...]:
        """The drafts in which findings stand."""
        found = {one.row.draft.pk: one.row.draft for one in self.open if one.row.draft}
        return tuple(found.values())

    @property
    def opened_by_itself(self) -> bool:
        """Whether the draft beside it was opened by the watch, and nobody has edited it since."""
        draft = self.beside
        return draft is not None and draft.created_by_id is None and draft in self.drafts


@dataclass(frozen=True)
class Drifting:
    """A contract with open findings, for a short list."""

    contract: str
    findings: int
    last_seen: datetime
    refused: bool


def drift_of(contract: Contract, *, beside: ContractVersion | None = None) -> Drift:
    """Return what was noticed under a contract, for a page of its version; three queries."""
    rows = DriftFinding.objects.filter(contract=contract).exclude(state=DriftState.SETTLED)
    found = list(rows.select_related("draft").order_by("-last_seen", "-pk")[:MOST_SHOWN])
    newest = newest_serving(contract) if found else None
    spec = spec_of(newest) if newest else None
    shown = [Shown(row, change_of_finding(row, spec) if spec else None) for row in found]
    return Drift(
        DriftWatch.objects.filter(pk=contract.pk).first(),
        tuple(one for one in shown if one.row.state == DriftState.OPEN),
        tuple(one for one in shown if one.row.state == DriftState.ASIDE),
        beside,
    )


def drifting(*, among: Iterable[str] | None = None, limit: int = 5) -> list[Drifting]:
    """Return the contracts with open findings, the newest first; one query by a partial index."""
    rows = DriftFinding.objects.filter(state=DriftState.OPEN)
    if among is not None:
        rows = rows.filter(contract__name__in=list(among))
    counted = rows.values("contract__name").annotate(
        found=Count("pk"), last=Max("last_seen"), refused=Max("refused")
    )
    return [
        Drifting(one["contract__name"], one["found"], one["last"], one["refused"] > 0)
        for one in counted.order_by("-last", "contract__name")[:limit]
    ]


def contracts_with_drift() -> frozenset[int]:
    """Return the ids of the contracts with open findings; one query by a partial index."""
    rows = DriftFinding.objects.filter(state=DriftState.OPEN).order_by()
    return frozenset(rows.values_list("contract_id", flat=True).distinct())


def newest_serving(contract: Contract) -> ContractVersion | None:
    """Return the version in service with the highest number, None if nothing is in service."""
    rows = contract.versions.filter(state__in=SERVING).select_related("contract")
    return max(rows, key=lambda row: parse_version(row.version), default=None)


def change_of_finding(row: DriftFinding, spec: ContractSpec) -> Change | None:
    """Return the smallest change of a version's schema that names a finding."""
    return change_for(
        spec.schema,
        kind=row.kind,
        path=row.path,
        value=row.value,
        types=row.types,
        words=bool(row.words),
    )


def verdict_of(row: DriftFinding, spec: ContractSpec) -> tuple[str, str]:
    """Return what naming a finding would mean for the versions in service, and the least number."""
    change = change_of_finding(row, spec)
    if change is None:
        return "", ""
    held = get(spec.schema, change.at)
    step: str | int = change.name or len(held)
    path = (*path_of(spec.schema, change.at), step)
    schema = spliced(spec.schema, path, change.put)
    proposed = replace(spec, version=bump(spec.version, "minor"), schema=schema, digest="")
    try:
        judged = judge_change(proposed, serving_specs(spec.name), budget_s=BUDGET_S)
    except DocumentRefused:
        return "unknown", ""
    return judged.verdict, judged.least_version
