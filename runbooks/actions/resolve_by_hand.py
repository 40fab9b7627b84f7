"""Resolve by hand: record that a person did what automation could not, with evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestration.services import handoffs, runs
from runbooks.actions.base import Press, Preview, Result, Target


class ResolveByHand:
    """The button for work that was done elsewhere."""

    slug = "flow.resolve_by_hand"
    title = "Resolve by hand"
    icon = "hand"
    parameters: Mapping[str, Any] = {
        "type": "object",
        "required": ["evidence"],
        "properties": {
            "evidence": {
                "type": "string",
                "title": "What was done, and where it can be seen",
                "minLength": 5,
                "maxLength": 500,
            }
        },
    }
    reasons = ("Done in the other system's own screen", "The customer no longer needs it")

    def rule(self, target: Target) -> str:
        """Judged under its own name."""
        return self.slug

    def offered(self, target: Target) -> bool:
        """An unresolved handoff can be resolved."""
        return target.handoff is not None and target.handoff.state != "resolved"

    def preview(self, target: Target) -> Preview:
        """Nothing is sent anywhere."""
        return Preview("The handoff is closed and the run ends here. Nothing is sent anywhere.")

    def perform(self, target: Target, press: Press) -> Result:
        """Close the handoff and end what still waits in its run."""
        assert target.handoff is not None  # noqa: S101 offered() said so
        evidence = str(press.values.get("evidence", ""))
        handoffs.resolve(
            handoff=target.handoff,
            by=press.by,
            reason=f"{press.reason} Evidence: {evidence}",
            now=press.now,
        )
        if target.run is not None:
            runs.settle_by_hand(
                run=target.run, by=press.by, reason=press.reason, evidence=evidence, now=press.now
            )
        return Result("Resolved by hand.", run_id=target.run.pk if target.run else None)
