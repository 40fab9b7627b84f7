"""What becomes of a change that nobody can decide: one answer for checks, pages and publishing.

A verdict of "unknown" is never a pass. The contract says under `compatibility.on_unknown` which of
two things it is instead: `review`, people decide as they do about a break, or `block`, nobody may.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from contracts_app.rules.contract_spec import ContractSpec


@dataclass(frozen=True)
class Doubt:
    """How a contract's own text answers a verdict of "unknown".

    `said_by` is the version in service that says `block` where the proposal does not.
    """

    choice: Literal["review", "block"]
    said_by: str = ""

    @property
    def outcome(self) -> Literal["undecided", "refused"]:
        """What a check answers: neither is a pass."""
        return "refused" if self.choice == "block" else "undecided"

    @property
    def publishable(self) -> bool:
        """Whether owners may agree to it, under the number and the signatures of a break."""
        return self.choice == "review"

    def sentence(self, least_version: str) -> str:
        """Say what follows for publishing."""
        if self.choice == "review":
            return (
                f"Until it is proved, publishing takes it for a break: {least_version} or higher, "
                "signed by the contract owner and by the product owner."
            )
        by = f"Version {self.said_by}, which is in service," if self.said_by else "The contract"
        return f"{by} says on_unknown: block, so what is not proved is refused."

    @property
    def remedy(self) -> str:
        """What to do where owners may not agree to it."""
        if self.choice == "review":
            return ""
        way = "publish a version first that says review" if self.said_by else "say review"
        return f"Write the change so that it can be proved, or {way}."


def doubt_of(proposed: ContractSpec, beside: Sequence[ContractSpec]) -> Doubt:
    """Return what a proposal's being undecided means; `beside` is in service, the newest first.

    A `block` in service binds: the text that cannot be decided does not lift it by itself.
    """
    if proposed.compatibility.on_unknown == "block":
        return Doubt("block")
    if beside and beside[0].compatibility.on_unknown == "block":
        return Doubt("block", said_by=beside[0].version)
    return Doubt("review")
