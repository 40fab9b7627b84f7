"""May a proposed contract go on? The judge's answer with the number rule, and all of it as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from contracts_app.rules.compat import Comparison, Counterexample
from contracts_app.rules.consumer_impact import Impact
from contracts_app.rules.contract_change import Against, ContractChange, judge_change
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.on_unknown import doubt_of
from contracts_app.rules.versions import bump, parse_version

# "undecided" is neither: whoever asks must not take it for a pass.
Outcome = Literal["passes", "refused", "undecided"]


@dataclass(frozen=True)
class Proposal:
    """A proposed version, judged. `change` is None if exactly this version is in service.

    `reasons` are whole sentences: why it is refused or undecided, or what makes it pass.
    """

    contract: str
    version: str
    outcome: Outcome
    reasons: tuple[str, ...]
    change: ContractChange | None = None

    def as_json(self) -> dict[str, Any]:
        """Return everything that is known of the proposal: what API and command both answer."""
        change = self.change
        return {
            "contract": self.contract,
            "version": self.version,
            "outcome": self.outcome,
            "verdict": change.verdict if change else "unchanged",
            "least_version": change.least_version if change and change.comparisons else None,
            "on_unknown": change.doubt.choice if change and change.doubt else None,
            "reasons": list(self.reasons),
            "comparisons": [
                {"against": one.version, **comparison_json(one.comparison)}
                for one in (change.comparisons if change else ())
            ],
            "consumers": [_impact_json(one) for one in (change.impacts if change else ())],
        }


def judge_proposal(
    proposed: ContractSpec,
    serving: Sequence[ContractSpec],
    *,
    numbered: bool = True,
    budget_s: float = 2.0,
) -> Proposal:
    """Judge a proposed version against those in service, by its own compatibility block.

    `numbered`: its number counts too; leave it out where what it is compared with may be edited
    in place. `budget_s` bounds each comparison, in seconds.
    """
    name, version = proposed.name, proposed.version
    if any(_is_same(proposed, one) for one in serving):
        told = f"{name} {version} is in service exactly so."
        return Proposal(name, version, "passes", (told,))
    change = judge_change(proposed, serving, budget_s=budget_s)
    refused = [*_breaks(proposed, change), *(_number(proposed, change) if numbered else ())]
    undecided = list(_doubts(proposed, change))
    if change.doubt is not None and change.doubt.outcome == "refused":
        refused, undecided = [*refused, *undecided], []
    if refused:
        return Proposal(name, version, "refused", tuple(refused), change)
    if undecided:
        return Proposal(name, version, "undecided", tuple(undecided), change)
    return Proposal(name, version, "passes", (_pass(proposed, change),), change)


def left_undecided(
    proposal: Proposal,
    proposed: ContractSpec,
    serving: Sequence[ContractSpec],
    doubts: Sequence[str],
) -> Proposal:
    """Return a proposal that would pass, were there not versions it cannot be compared with."""
    if not doubts or proposal.outcome != "passes":
        return proposal
    ordered = sorted(serving, key=lambda one: parse_version(one.version), reverse=True)
    outcome = doubt_of(proposed, ordered).outcome
    return replace(proposal, outcome=outcome, reasons=tuple(doubts))


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as plain JSON."""
    return {
        "verdict": comparison.verdict,
        "bump": comparison.bump,
        "why": comparison.why,
        "changes": [
            {
                "path": one.path,
                "rule": one.rule,
                "breaking": one.breaking,
                "sentence": one.sentence,
            }
            for one in comparison.changes
        ],
        "counterexample": _example_json(comparison.counterexample),
    }


def alike(comparisons: Sequence[Against]) -> list[list[Against]]:
    """Group the versions about which the same is to be said, in their order."""
    groups: dict[object, list[Against]] = {}
    for one in comparisons:
        key = (one.comparison.verdict, one.comparison.changes, one.comparison.why)
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def versions_of(group: Sequence[Against]) -> str:
    """Name the versions of a group: "1.9.0, 1.8.0 and 8 more"."""
    named = [one.version for one in group]
    shown = named if len(named) <= 3 else [*named[:2], f"{len(named) - 2} more"]
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else shown[0]


def _is_same(one: ContractSpec, other: ContractSpec) -> bool:
    numbers = parse_version(one.version) == parse_version(other.version)
    return numbers and one.digest == other.digest


def _breaks(proposed: ContractSpec, change: ContractChange) -> Iterator[str]:
    if change.verdict != "breaking":
        return
    if proposed.compatibility.mode != "none":
        for group in alike(change.comparisons):
            if group[0].comparison.verdict == "breaking":
                named = [c.sentence for c in group[0].comparison.changes if c.breaking][:3]
                told = f"{proposed.name} {proposed.version} breaks {versions_of(group)}."
                yield " ".join([told, *named])
    yield from (one.sentence for one in change.impacts if one.state == "hurt")


def _doubts(proposed: ContractSpec, change: ContractChange) -> Iterator[str]:
    if change.doubt is None:
        return
    for group in alike(change.comparisons):
        if group[0].comparison.verdict == "unknown" and proposed.compatibility.mode != "none":
            why = group[0].comparison.why or "No proof and no counterexample was found."
            relied = f"Whether {proposed.version} is safe for those who rely on"
            yield f"{relied} {versions_of(group)} is not known: {why}"
    yield from (one.sentence for one in change.impacts if one.state == "unknown")
    told = (change.doubt.sentence(change.least_version), change.doubt.remedy)
    yield " ".join(part for part in told if part)


def _number(proposed: ContractSpec, change: ContractChange) -> Iterator[str]:
    newest = change.newest
    if newest is None:
        return
    # What is not decided may turn out to be safe: then any higher number would do.
    least = change.least_version
    if change.verdict == "unknown":
        least = bump(newest.version, "patch")
    if parse_version(proposed.version) < parse_version(least):
        yield (
            f"The number {proposed.version} is too low after {newest.version}: this change asks "
            f"for {least} or higher."
        )


def _pass(proposed: ContractSpec, change: ContractChange) -> str:
    newest = change.newest
    if newest is None:
        return f"{proposed.name} {proposed.version} is the first version."
    told = "shown as allowed by mode none" if proposed.compatibility.mode == "none" else "safe"
    others = len(change.comparisons) - 1
    beside = f" and {others} more" if others else ""
    return f"{proposed.name} {proposed.version} is {told} for {newest.version}{beside}."


def _impact_json(impact: Impact) -> dict[str, Any]:
    return {
        "system": impact.system,
        "team": impact.team,
        "state": impact.state,
        "sentence": impact.sentence,
        "counterexample": _example_json(impact.counterexample),
    }


def _example_json(example: Counterexample | None) -> dict[str, Any] | None:
    if example is None:
        return None
    listed = [{"path": v.path, "rule": v.rule, "sentence": v.sentence} for v in example.violations]
    return {
        "payload": example.payload,
        "accepted_by": example.accepted_by,
        "violations": listed,
    }
