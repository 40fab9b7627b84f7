"""Any two versions of a contract beside each other: texts, named differences, verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts_app.models import Contract, ContractVersion
from contracts_app.queries.catalogue import version_of
from contracts_app.queries.registry import spec_of
from contracts_app.queries.remembered import Remembered
from contracts_app.rules.contract_change import ContractChange, judge_pair
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.line_alignment import Row, aligned
from meshline.core import canonical
from meshline.core.errors import DocumentRefused
from meshline.core.findings import Finding

# A page waits for it: what is not decided within this time is told as not decided.
LOOK_S = 0.15
_judged: Remembered[tuple[str, str], ContractChange] = Remembered(limit=128)


@dataclass(frozen=True)
class Side:
    """One of the two versions; `findings` if its text is no contract yet."""

    row: ContractVersion
    spec: ContractSpec | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Pair:
    """Two versions. `change` is None if one of the texts cannot be judged.

    `parts` are the top-level words of the document under which something differs.
    """

    old: Side
    new: Side
    rows: Sequence[Row]
    parts: tuple[str, ...]
    change: ContractChange | None


def pair_of(contract: Contract, old: str, new: str) -> Pair:
    """Return two versions beside each other. Raises: NotFound, naming the version."""
    left, right = _side(version_of(contract, old)), _side(version_of(contract, new))
    return Pair(
        old=left,
        new=right,
        rows=aligned(left.row.text.splitlines(), right.row.text.splitlines()),
        parts=_parts(left.row.body, right.row.body),
        change=_change(left, right),
    )


def _side(row: ContractVersion) -> Side:
    try:
        return Side(row, spec_of(row))
    except DocumentRefused as refusal:
        return Side(row, None, tuple(refusal.findings))


def _change(old: Side, new: Side) -> ContractChange | None:
    before, after = old.spec, new.spec
    if before is None or after is None:
        return None
    key = (old.row.digest, new.row.digest)
    return _judged.get(key, lambda: judge_pair(before, after, budget_s=LOOK_S))


def _parts(old: object, new: object) -> tuple[str, ...]:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return ()
    names = dict.fromkeys([*old, *new])
    missing = object()
    return tuple(
        name
        for name in names
        if (old.get(name, missing) is missing)
        or (new.get(name, missing) is missing)
        or not canonical.same(old[name], new[name])
    )
