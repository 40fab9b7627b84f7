"""A proposed version against those in service: verdict, least version number, who would be hurt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from contracts_app.rules.compat import Bump, Comparison, Direction, Policy, compare
from contracts_app.rules.consumer_impact import Impact, impacts
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.inclusion import Verdict
from contracts_app.rules.versions import bump, parse_version

_STEPS: tuple[Bump, ...] = ("patch", "minor", "major")


@dataclass(frozen=True)
class Against:
    """The comparison with one version in service."""

    version: str
    comparison: Comparison


@dataclass(frozen=True)
class ContractChange:
    """What a proposed version means for those who rely on the ones in service.

    `comparisons`: with the newest version first; a transitive mode adds every other one.
    `least_version`: the lowest number that the proposal may carry. `impacts`: one per consumer.
    """

    verdict: Verdict
    comparisons: tuple[Against, ...]
    least_version: str
    impacts: tuple[Impact, ...]

    @property
    def newest(self) -> Against | None:
        """The comparison with the newest version, None if nothing is in service."""
        return self.comparisons[0] if self.comparisons else None

    @property
    def deciding(self) -> Against | None:
        """The comparison that made the verdict what it is."""
        same = (one for one in self.comparisons if one.comparison.verdict == self.verdict)
        return next(same, self.newest)

    @property
    def hurt(self) -> tuple[Impact, ...]:
        """The consumers that are not proved safe."""
        return tuple(one for one in self.impacts if one.state in ("hurt", "unknown"))


def judge_change(
    proposed: ContractSpec, serving: Sequence[ContractSpec], *, budget_s: float = 2.0
) -> ContractChange:
    """Judge a proposed version by its own compatibility mode against the versions in service.

    `budget_s` bounds each comparison, in seconds. Nothing in service: compatible, any number.
    """
    ordered = sorted(serving, key=lambda spec: parse_version(spec.version), reverse=True)
    if not ordered:
        return ContractChange("compatible", (), "0.0.0", impacts(proposed, None))
    mode = proposed.compatibility.mode
    asked = ordered if mode.endswith("_transitive") else ordered[:1]
    compared = tuple(Against(old.version, _compared(old, proposed, budget_s)) for old in asked)
    found = impacts(proposed, ordered[0])
    verdict = _verdict(mode, [one.comparison.verdict for one in compared], found)
    newest = ordered[0].version
    return ContractChange(verdict, compared, bump(newest, _step(verdict, compared)), found)


def direction_of(mode: str) -> Direction:
    """Return the direction that a compatibility mode asks for; "none" is shown as backward."""
    way = mode.removesuffix("_transitive")
    return way if way in ("forward", "full") else "backward"  # type: ignore[return-value]


def _compared(old: ContractSpec, new: ContractSpec, budget_s: float) -> Comparison:
    policy: Policy = "strict" if new.compatibility.policy == "strict" else "tolerant_reader"
    examples = [one.payload for one in (*old.examples_valid, *new.examples_valid)]
    return compare(
        old.full_schema,
        new.full_schema,
        direction=direction_of(new.compatibility.mode),
        policy=policy,
        examples=examples,
        budget_s=budget_s,
    )


def _verdict(mode: str, verdicts: Sequence[Verdict], found: Sequence[Impact]) -> Verdict:
    """A consumer that is hurt makes a change breaking, whatever the mode allows."""
    told = [] if mode == "none" else list(verdicts)
    states: list[Literal["hurt", "unknown", "safe", "apart"]] = [one.state for one in found]
    if "breaking" in told or "hurt" in states:
        return "breaking"
    return "unknown" if "unknown" in told or "unknown" in states else "compatible"


def _step(verdict: Verdict, compared: Sequence[Against]) -> Bump:
    if verdict != "compatible":
        return "major"
    # Under mode "none" even a break asks for no more than a minor number: it was agreed so.
    steps = [min(one.comparison.bump, "minor", key=_STEPS.index) for one in compared]
    return max(steps, key=_STEPS.index)
