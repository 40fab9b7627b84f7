"""May an identifier be led to another? Chains stay short, and nothing leads back to itself."""

from __future__ import annotations

from dataclasses import dataclass

from meshline.core.errors import Conflict

DEEPEST = 10  # steps from an id to the one that stands for it
MOST = 100  # ids that are one: as many keys a look-up asks for


@dataclass(frozen=True)
class Family:
    """The ids that are one today: the one that stands for all, and each with its steps to it."""

    root: str
    steps: dict[str, int]

    @property
    def depth(self) -> int:
        """How many steps the farthest needs."""
        return max(self.steps.values(), default=0)


def check_merge(kind: str, merged: str, into: str, one: Family, other: Family) -> None:
    """Raise Conflict if `merged` (of the family `one`) cannot be led to `into` (of `other`).

    `merged` stands for its family: whoever is led elsewhere already is refused before.
    """
    if merged == into or one.root == other.root:
        raise Conflict(
            f"These two are one {kind} already.",
            remedy="Look at the merges of both; to turn one round, take it back first.",
        )
    if one.root != merged:
        raise Conflict(
            f"This {kind} is led to another already.",
            remedy="Take that merge back first, or merge the one that it leads to.",
        )
    if other.steps.get(into, 0) + 1 + one.depth > DEEPEST:
        raise Conflict(
            f"The chain would be longer than {DEEPEST} steps.",
            remedy="Merge into the one that stands at its end.",
        )
    if len(one.steps) + len(other.steps) > MOST:
        raise Conflict(
            f"More than {MOST} ids would be one {kind}.",
            remedy="That many are hardly one. Look at the merges there are.",
        )
