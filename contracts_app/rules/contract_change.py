"""A proposed version against those in service: verdict, least version number, who would be hurt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

from contracts_app.rules.compat import Bump, Comparison, Direction, Policy, compare
from contracts_app.rules.consumer_impact import Impact, impacts
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.identity_change import with_identifiers
from contracts_app.rules.inclusion import Verdict
from contracts_app.rules.on_unknown import Doubt, doubt_of
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

    `comparisons`: with the newest version of the same major number first; a transitive mode adds
    the others of it.
    `least_version`: the lowest number that the proposal may carry. `impacts`: one per consumer.
    `doubt`: what the contract says of a verdict of "unknown", None with another verdict.
    """

    verdict: Verdict
    comparisons: tuple[Against, ...]
    least_version: str
    impacts: tuple[Impact, ...]
    doubt: Doubt | None = None

    @property
    def counts_as_break(self) -> bool:
        """Whether it asks for the number and the signatures of a break; what may break does."""
        return self.verdict != "compatible"

    @property
    def newest(self) -> Against | None:
        """The comparison with the newest version, None if nothing is in service."""
        return self.comparisons[0] if self.comparisons else None

    def allows(self, version: str) -> bool:
        """Say whether a number is as high as the change asks for. Raises: BadValue."""
        return parse_version(version) >= parse_version(self.least_version)

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

    Those of its own major number are asked; the first of a new one is compared with the newest of
    all, so that it is known what it breaks. `budget_s` bounds each comparison, in seconds. Nothing
    in service: compatible, any number.
    """
    ordered = sorted(serving, key=lambda spec: parse_version(spec.version), reverse=True)
    if not ordered:
        return ContractChange("compatible", (), "0.0.0", impacts(proposed, None))
    mode = proposed.compatibility.mode
    beside = [one for one in ordered if _major(one) == _major(proposed)] or ordered[:1]
    asked = beside if mode.endswith("_transitive") else beside[:1]
    compared = _compared_all(asked, proposed, budget_s)
    found = impacts(proposed, beside[0])
    verdict = _verdict(mode, [one.comparison.verdict for one in compared], found)
    step = _step(verdict, compared)
    # A new major number comes after all others; a smaller step stays within its own.
    least = bump(ordered[0].version if step == "major" else beside[0].version, step)
    doubt = doubt_of(proposed, beside) if verdict == "unknown" else None
    return ContractChange(verdict, compared, least, found, doubt)


def judge_pair(old: ContractSpec, new: ContractSpec, *, budget_s: float) -> ContractChange:
    """Judge one version as if it followed another, whatever their numbers and states.

    `budget_s` bounds the whole of it, in seconds: what is not decided by then is "unknown". A
    consumer that only the old one names is told of as gone.
    """
    ends = perf_counter() + budget_s
    compared = (Against(old.version, _compared(old, new, budget_s / 4)),)
    # A consumer that is not reached in time stays unknown, so something is always left for them.
    found = impacts(new, old, total_s=max(ends - perf_counter(), budget_s / 8))
    verdict = _verdict(new.compatibility.mode, [one.comparison.verdict for one in compared], found)
    least = bump(old.version, _step(verdict, compared))
    doubt = doubt_of(new, [old]) if verdict == "unknown" else None
    return ContractChange(verdict, compared, least, (*found, *_gone(old, new)), doubt)


def _gone(old: ContractSpec, new: ContractSpec) -> list[Impact]:
    named = {one.system for one in new.consumers}
    return [
        Impact(one.system, one.team, "apart", f"{one.system} is no longer named as a consumer.")
        for one in old.consumers
        if one.system not in named
    ]


def direction_of(mode: str) -> Direction:
    """Return the direction that a compatibility mode asks for; "none" is shown as backward."""
    way = mode.removesuffix("_transitive")
    return way if way in ("forward", "full") else "backward"  # type: ignore[return-value]


def _major(spec: ContractSpec) -> int:
    return parse_version(spec.version).numbers[0]


def _compared_all(
    asked: Sequence[ContractSpec], proposed: ContractSpec, budget_s: float
) -> tuple[Against, ...]:
    """Compare with each version; one that says the same of payloads as another is judged once."""
    judged: list[tuple[ContractSpec, Comparison]] = []
    for old in asked:
        twin = next((one for spec, one in judged if _says_the_same(spec, old)), None)
        judged.append((old, twin or _compared(old, proposed, budget_s)))
    return tuple(Against(old.version, comparison) for old, comparison in judged)


def _says_the_same(one: ContractSpec, other: ContractSpec) -> bool:
    # As texts: to Python 1, 1.0 and True are equal, and in a schema they are not.
    return repr(_about_payloads(one)) == repr(_about_payloads(other))


def _about_payloads(spec: ContractSpec) -> tuple[object, ...]:
    shown = [one.payload for one in spec.examples_valid]
    return (spec.full_schema, shown, spec.identity)


def _compared(old: ContractSpec, new: ContractSpec, budget_s: float) -> Comparison:
    policy: Policy = "strict" if new.compatibility.policy == "strict" else "tolerant_reader"
    examples = [one.payload for one in (*old.examples_valid, *new.examples_valid)]
    comparison = compare(
        old.full_schema,
        new.full_schema,
        direction=direction_of(new.compatibility.mode),
        policy=policy,
        examples=examples,
        budget_s=budget_s,
    )
    return with_identifiers(comparison, old.identity, new.identity)


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
