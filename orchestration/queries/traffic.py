"""What has come in under each contract, what became of it, and which flows use it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Sum

from contracts_app.queries.documents import all_published
from orchestration.models import Event, FlowVersion, Handoff, HandoffState, Run, Tally
from orchestration.queries.documents import flow_spec
from orchestration.rules.flow_spec import AwaitStep, FlowSpec

COUNTED = ("received", "duplicate", "conflict", "held", "rejected", "straight", "recovered")


@dataclass(frozen=True)
class Traffic:
    """Counts of one contract over a period, and what of it needs a person now."""

    received: int = 0
    duplicate: int = 0
    conflict: int = 0
    held: int = 0
    rejected: int = 0
    straight: int = 0
    recovered: int = 0
    handed_over: int = 0
    waiting: int = 0

    @property
    def ended(self) -> int:
        """How many runs came to an end or to a person."""
        return self.straight + self.recovered + self.handed_over

    @property
    def by_itself(self) -> float | None:
        """Share of the runs that needed nobody, 0 to 1; None without runs."""
        return (self.straight + self.recovered) / self.ended if self.ended else None

    @property
    def kind(self) -> str:
        """Colour of the contract's state: bad while somebody is needed, "" without traffic."""
        if self.waiting:
            return "bad"
        return "good" if self.received or self.ended else ""


def by_contract(names: Iterable[str], *, since: datetime) -> dict[str, Traffic]:
    """Return what each contract had from `since` on, from the tallies; three queries."""
    wanted = list(names)
    figures: dict[str, dict[str, int]] = {name: {} for name in wanted}
    tallies = Tally.objects.filter(minute__gte=since, metric__in=COUNTED, contract__in=wanted)
    for contract, metric, total in (
        tallies.values_list("contract", "metric").annotate(total=Sum("count")).order_by()
    ):
        figures[contract][metric] = total
    handoffs = Handoff.objects.filter(contract__in=wanted).order_by()
    unresolved = handoffs.exclude(state=HandoffState.RESOLVED)
    for contract, count in unresolved.values_list("contract").annotate(n=Count("pk")):
        figures[contract]["waiting"] = count
    stopped = handoffs.filter(opened_at__gte=since, run_id__isnull=False)
    for contract, count in stopped.values_list("contract").annotate(n=Count("pk")):
        figures[contract]["handed_over"] = count
    return {name: Traffic(**found) for name, found in figures.items()}


@dataclass(frozen=True)
class FlowUse:
    """One flow that a contract starts or that waits for it."""

    version: FlowVersion
    spec: FlowSpec
    starts: bool
    awaits: tuple[str, ...]

    @property
    def how(self) -> str:
        """What the contract is to the flow, in words."""
        parts = ["starts it"] if self.starts else []
        parts += [f"awaited by {step}" for step in self.awaits]
        return ", ".join(parts)


def flows_using(contract: str) -> list[FlowUse]:
    """Return the published flows that the contract's events start or that await them."""
    found = []
    for version in all_published(FlowVersion):
        spec = flow_spec(version)
        awaits = tuple(
            step.id
            for step in spec.steps
            if isinstance(step, AwaitStep) and step.contract == contract
        )
        starts = spec.trigger.contract == contract
        if starts or awaits:
            found.append(FlowUse(version, spec, starts, awaits))
    return found


def names_of_flows_using(contract: str) -> list[str]:
    """Return the names of those flows."""
    return sorted(use.version.name for use in flows_using(contract))


def newest_events(contract: str, *, limit: int = 6) -> list[Event]:
    """Return the contract's newest events."""
    return list(Event.objects.filter(contract=contract).order_by("-id")[:limit])


def newest_runs(contract: str, *, limit: int = 6) -> list[Run]:
    """Return the newest runs that the contract's events started."""
    return list(Run.objects.filter(contract=contract).order_by("-id")[:limit])


def newest_handoffs(contract: str, *, limit: int = 6) -> list[Handoff]:
    """Return the contract's newest handoffs, those without a person first."""
    rows = Handoff.objects.filter(contract=contract).select_related("claimed_by")
    open_ones = list(rows.exclude(state=HandoffState.RESOLVED).order_by("-pk")[:limit])
    closed = rows.filter(state=HandoffState.RESOLVED).order_by("-pk")
    return [*open_ones, *closed[: limit - len(open_ones)]]
