"""Is a new schema safe for those who rely on the old one? A verdict with its reasons.

"compatible" is proved, "breaking" is shown by a payload or proved, and everything else is
"unknown", which is never a pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

from contracts_app.rules.inclusion import Inclusion, Verdict, included
from contracts_app.rules.schema_diff import Difference, differences
from contracts_app.rules.schema_safety import is_too_large
from contracts_app.rules.splicing import ABSENT
from contracts_app.rules.tolerance import tolerant
from contracts_app.rules.validate import Schema, Violation, compile_schema, violations
from meshline.core import canonical
from meshline.core.errors import SchemaRefused
from meshline.core.safejson import Json

Direction = Literal["backward", "forward", "full"]
Policy = Literal["strict", "tolerant_reader"]
Bump = Literal["major", "minor", "patch"]
_BREAKS = {
    "backward": ("narrows", "both"),
    "forward": ("widens", "both"),
    "full": ("narrows", "widens", "both"),
}


@dataclass(frozen=True)
class Change:
    """One named change: where in the payload, which rule, whether it can break somebody."""

    path: str
    rule: str
    breaking: bool
    sentence: str


@dataclass(frozen=True)
class Counterexample:
    """A payload that the one version accepts ("old" or "new") and the other refuses, and why."""

    payload: Json
    accepted_by: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True)
class Comparison:
    """The verdict on a change of schema.

    `counterexample` is the smallest payload found; under the tolerant reader a compatible change
    may have one too, as a note. `bump` is the least step of the version number; an unknown
    verdict asks for a major one. `why` says what kept the judge from deciding.
    """

    verdict: Verdict
    changes: tuple[Change, ...]
    counterexample: Counterexample | None
    bump: Bump
    why: str = ""


def compare(
    old: Schema,
    new: Schema,
    *,
    direction: Direction = "backward",
    policy: Policy = "strict",
    examples: Sequence[Json] = (),
    budget_s: float = 2.0,
) -> Comparison:
    """Judge a change from `old` to `new`; formats are asserted.

    `direction`: "backward" is safe when all that was valid stays valid, "forward" when all that
    is valid now was valid before, "full" when both hold. `policy` "tolerant_reader" permits an
    added optional property on an open object. `examples` are payloads from which the search for a
    counterexample starts; `budget_s` bounds it, in seconds.
    Raises: ValueError for a direction or policy that there is not. A schema that cannot be judged
    is "unknown".
    """
    if direction not in _BREAKS or policy not in ("strict", "tolerant_reader"):
        raise ValueError(f"There is no direction {direction!r} with policy {policy!r}.")
    heavy = next((reason for reason in map(is_too_large, (old, new)) if reason), "")
    if heavy:
        return Comparison("unknown", (), None, "major", heavy)
    ends = perf_counter() + budget_s
    asked = {"backward": ["backward"], "forward": ["forward"]}.get(
        direction, ["backward", "forward"]
    )
    judged = []
    for index, way in enumerate(asked):
        share = (ends - perf_counter()) / (len(asked) - index)
        judged.append(_judged(old, new, way, policy, examples, share))
    verdict = _worst([one.verdict for one in judged])
    notes = [one.counterexample for one in judged if one.counterexample is not None]
    breaking = [o.counterexample for o in judged if o.verdict == "breaking" and o.counterexample]
    counterexample = next(iter(breaking or notes), None)
    changes = tuple(_change(one, direction, verdict) for one in _named(old, new))
    why = " ".join(dict.fromkeys(one.why for one in judged if one.why and one.verdict == verdict))
    bump = _bump(old, new, verdict, bool(notes), direction, examples)
    return Comparison(verdict, changes, counterexample, bump, why)


@dataclass(frozen=True)
class _Judged:
    verdict: Verdict
    counterexample: Counterexample | None
    why: str


def _judged(
    old: Schema,
    new: Schema,
    way: str,
    policy: Policy,
    examples: Sequence[Json],
    budget_s: float,
) -> _Judged:
    """Judge one direction; the tolerant reader is asked only about what strictly breaks."""
    inner, outer = (old, new) if way == "backward" else (new, old)
    found = included(inner, outer, examples=examples, budget_s=budget_s)
    shown = _shown(found, outer, "old" if way == "backward" else "new")
    if policy == "tolerant_reader" and found.verdict != "compatible":
        relaxed = tolerant(inner, outer)
        if relaxed != inner:
            again = included(relaxed, outer, examples=examples, budget_s=budget_s)
            if again.verdict == "breaking":
                shown = _shown(again, outer, "old" if way == "backward" else "new") or shown
            return _Judged(again.verdict, shown, again.why)
    return _Judged(found.verdict, shown, found.why)


def _shown(found: Inclusion, outer: Schema, accepted_by: str) -> Counterexample | None:
    if found.witness is ABSENT:
        return None
    return Counterexample(found.witness, accepted_by, tuple(violations(outer, found.witness)))


def _worst(verdicts: Sequence[Verdict]) -> Verdict:
    if "breaking" in verdicts:
        return "breaking"
    return "unknown" if "unknown" in verdicts else "compatible"


def _named(old: Schema, new: Schema) -> Sequence[Difference]:
    """Name the changes; what is no schema has none that could be named."""
    try:
        compile_schema(old), compile_schema(new)
    except SchemaRefused:
        return ()
    return differences(old, new)


def _change(one: Difference, direction: Direction, verdict: Verdict) -> Change:
    breaking = verdict != "compatible" and one.effect in _BREAKS[direction]
    return Change(one.path, one.rule, breaking, one.sentence)


def _bump(
    old: Schema,
    new: Schema,
    verdict: Verdict,
    noted: bool,
    direction: Direction,
    examples: Sequence[Json],
) -> Bump:
    """Return the least step: breaking is major, another accepted set minor, anything else patch."""
    if verdict != "compatible":
        return "major"
    if noted:
        return "minor"
    if direction == "full" or canonical.same(old, new):
        return "patch"  # both directions are proved: the same payloads are accepted
    inner, outer = (new, old) if direction == "backward" else (old, new)
    same = included(inner, outer, examples=examples, budget_s=0.05, proofs_only=True)
    return "patch" if same.verdict == "compatible" else "minor"
