"""Service objectives of contracts, first form: attainment from the tallies and the open runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Q
from django.db.models.functions import TruncDay

from contracts_app.models import ContractState, ContractVersion
from contracts_app.queries import registry
from contracts_app.queries.remembered import Remembered, document_of
from contracts_app.rules.contract_spec import ContractSpec, Slo, parse_contract
from contracts_app.rules.versions import best
from meshline.core.errors import NotFound
from meshline.core.ids import uuid7_floor
from orchestration.models import Run, RunState
from orchestration.queries import tallied
from orchestration.queries.tallied import Counts
from orchestration.rules.attainment import Score
from orchestration.rules.periods import Period

OWN_SYSTEM = "meshline"
METRICS = ("received", "held", "rejected", "finished", "late")
OPEN = (RunState.READY, RunState.RUNNING, RunState.WAITING, RunState.FAILED)
BURN_HOURS = 6

_specs: Remembered[tuple[int, str], ContractSpec] = Remembered()


@dataclass(frozen=True)
class Objective:
    """One contract's tightest objective and how it was kept, in all and day by day."""

    contract: str
    text: str
    target: Decimal
    score: Score
    days: tuple[Score, ...]
    recent: Score

    @property
    def kept(self) -> bool | None:
        """Whether it is within its objective; None without data."""
        return self.score.keeps(self.target)

    @property
    def budget_left(self) -> Decimal | None:
        """The share of the error budget that is left; below 0 it is overspent."""
        return self.score.budget_left(self.target)

    @property
    def burn(self) -> Decimal | None:
        """How fast the budget was spent over the last hours; 1 is just as fast as allowed."""
        return self.recent.burn(self.target)

    @property
    def kind(self) -> str:
        """The colour of its state: good, high (less than a quarter is left), bad."""
        left = self.budget_left
        if left is None:
            return ""
        return "bad" if left < 0 else "high" if left < Decimal("0.25") else "good"


def latency_threshold(spec: ContractSpec) -> timedelta | None:
    """Return within which time a run of this contract shall have ended, if that is promised."""
    return next((slo.threshold for slo in spec.slo if slo.sli == "latency"), None)


def threshold_of(contract: str, version: str) -> timedelta | None:
    """Return within which time runs of one contract's version shall have ended, if promised."""
    try:
        return latency_threshold(registry.spec_of(registry.published_version(contract, version)))
    except NotFound:
        return None


def judged_contracts() -> list[ContractSpec]:
    """Return the newest active version of every contract but Meshline's own."""
    return [spec for spec in _published() if spec.producer.system != OWN_SYSTEM]


def objectives(specs: Sequence[ContractSpec], period: Period) -> list[Objective]:
    """Return the tightest objective of each contract, the worst first, those without data last."""
    hour = period.end.replace(minute=0, second=0, microsecond=0)
    hours = tuple(hour + timedelta(hours=n) for n in range(1 - BURN_HOURS, 2))
    counts = tallied.counts(METRICS, period.day_edges())
    recent = tallied.counts(METRICS, hours)
    overdue = _overdue(specs, period)
    found = [_tightest(spec, period, counts, recent, overdue.get(spec.name, {})) for spec in specs]
    return sorted((one for one in found if one is not None), key=_worst_first)


def kept_over_time(specs: Sequence[ContractSpec], edges: tuple[datetime, ...]) -> list[int | None]:
    """Return how many contracts were within their objective at each of the edges but the first."""
    counts = tallied.counts(METRICS, edges)
    running: dict[tuple[str, str], Score] = {}
    found: list[int | None] = []
    for at in range(counts.slices):
        verdicts = []
        for spec in specs:
            for slo in _judged(spec):
                key = (spec.name, slo.name)
                running[key] = running.get(key, Score()) + _score(slo, spec.name, counts, at)
            kept = [running[spec.name, s.name].keeps(_target(s)) for s in _judged(spec)]
            verdicts.append(_all(kept))
        known = [verdict for verdict in verdicts if verdict is not None]
        found.append(sum(known) if known else None)
    return found


def _all(kept: list[bool | None]) -> bool | None:
    known = [one for one in kept if one is not None]
    return all(known) if known else None


def _tightest(
    spec: ContractSpec, period: Period, counts: Counts, recent: Counts, overdue: Mapping[date, int]
) -> Objective | None:
    """The objective that has the least of its budget left speaks for the contract."""
    dates = [edge.astimezone(period.zone).date() for edge in period.day_edges()[:-1]]
    found = []
    for slo in _judged(spec):
        late = overdue if slo.sli == "latency" else {}
        days = tuple(
            _score(slo, spec.name, counts, at) + Score(0, late.get(day, 0))
            for at, day in enumerate(dates)
        )
        earlier = Score(0, sum(count for day, count in late.items() if day not in dates))
        hours = (_score(slo, spec.name, recent, at) for at in range(recent.slices))
        now = sum(hours, Score(0, late.get(dates[-1], 0)))
        total = sum(days, earlier)
        found.append(Objective(spec.name, slo.in_words, _target(slo), total, days, now))
    return min(found, key=_worst_first, default=None)


def _score(slo: Slo, contract: str, counts: Counts, at: int) -> Score:
    def count(metric: str) -> int:
        return counts.found.get((metric, contract, at), 0)

    if slo.sli == "latency":
        return Score(count("finished") - count("late"), count("late"))
    return Score(count("received") - count("held"), count("held") + count("rejected"))


def _overdue(specs: Iterable[ContractSpec], period: Period) -> dict[str, dict[date, int]]:
    """Runs still open past their contract's threshold: bad from that moment on, by start day."""
    late = Q(pk__in=[])
    for spec in specs:
        threshold = latency_threshold(spec)
        if threshold is not None:
            late |= Q(contract=spec.name, id__lt=uuid7_floor(period.end - threshold))
    rows = Run.objects.filter(late, state__in=OPEN, internal=False).order_by()
    by_day = rows.annotate(day=TruncDay("created_at", tzinfo=period.zone))
    found: dict[str, dict[date, int]] = {}
    counted = by_day.values("contract", "day").annotate(n=Count("pk"))
    for contract, day, count in counted.values_list("contract", "day", "n"):
        found.setdefault(contract, {})[day.astimezone(period.zone).date()] = count
    return found


def _published() -> list[ContractSpec]:
    """The newest active version of every contract; texts are read once."""
    rows = ContractVersion.objects.filter(state=ContractState.ACTIVE).order_by()
    newest: dict[str, list[tuple[str, int, str]]] = {}
    for name, version, pk, digest in rows.values_list("contract__name", "version", "pk", "digest"):
        newest.setdefault(name, []).append((version, pk, digest))
    chosen = []
    for listed in newest.values():
        number = best("*", [version for version, _, _ in listed])
        chosen += [(pk, digest) for version, pk, digest in listed if version == number]
    return [_specs.get(key, lambda pk=key[0]: _read(pk)) for key in chosen]  # type: ignore[misc]


def _read(pk: int) -> ContractSpec:
    return parse_contract(document_of(ContractVersion.objects.get(pk=pk)))


def _judged(spec: ContractSpec) -> list[Slo]:
    return [slo for slo in spec.slo if slo.sli in ("latency", "valid_share") and slo.target]


def _target(slo: Slo) -> Decimal:
    return Decimal(slo.target or "1")


def _worst_first(one: Objective) -> tuple[bool, Decimal, str]:
    left = one.budget_left
    return (left is None, left if left is not None else Decimal(0), one.contract)
