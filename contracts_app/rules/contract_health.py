"""How a contract in service is doing: failing, at risk, silent or healthy, with the reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

State = Literal["failing", "at-risk", "silent", "healthy"]
TITLES: Mapping[State, str] = {
    "failing": "Failing",
    "at-risk": "At risk",
    "silent": "Silent",
    "healthy": "Healthy",
}
_KINDS: Mapping[State, str] = {"failing": "bad", "at-risk": "warn", "silent": "", "healthy": "good"}
# Service-level indicators that the day's counts can tell; a contract may promise others beside.
MEASURED = ("latency", "valid_share")
_NEARLY = Decimal("0.75")


@dataclass(frozen=True)
class Day:
    """What the last 24 hours counted of one contract."""

    received: int = 0
    held: int = 0
    rejected: int = 0
    finished: int = 0
    late: int = 0


@dataclass(frozen=True)
class HealthFacts:
    """What is stored about a contract in service. `targets`: indicator and the share promised."""

    day: Day = Day()
    targets: Sequence[tuple[str, str]] = ()
    tests_fail: bool = False
    held_open: int = 0
    drifts: bool = False
    heard: bool = True


@dataclass(frozen=True)
class Health:
    """The state and, unless it is healthy, why."""

    state: State
    reasons: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The state in words."""
        return TITLES[self.state]

    @property
    def kind(self) -> str:
        """Its colour class."""
        return _KINDS[self.state]


def health_of(facts: HealthFacts) -> Health:
    """Return how it is doing; the worst that is true decides."""
    spent = {sli: _spent(sli, target, facts.day) for sli, target in facts.targets}
    failing = ["its tests fail"] if facts.tests_fail else []
    failing += [_SAID[sli] for sli, share in spent.items() if share > 1]
    if failing:
        return Health("failing", tuple(failing))
    risky = []
    if facts.held_open:
        risky.append(f"{facts.held_open} held event{'' if facts.held_open == 1 else 's'}")
    if facts.drifts:
        risky.append("something drifts")
    risky += [f"nearly {_SAID[sli]}" for sli, share in spent.items() if share >= _NEARLY]
    if risky:
        return Health("at-risk", tuple(risky))
    return Health("healthy") if facts.heard else Health("silent", ("nothing came in 7 days",))


_SAID = {"latency": "too many late", "valid_share": "too many refused"}


def _spent(sli: str, target: str, day: Day) -> Decimal:
    """Return which share of what the objective allows was used up; more than 1 breaks it."""
    if sli == "latency":
        bad, counted = day.late, day.finished
    else:
        bad, counted = day.held + day.rejected, day.received + day.rejected
    if not bad:
        return Decimal(0)
    allowed = (1 - Decimal(target)) * max(counted, bad)
    return bad / allowed if allowed > 0 else Decimal(2)
