"""Replay: a new run of the same event; what is done is skipped, what is in doubt asked again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestration.queries import documents
from orchestration.rules.preview import PreviewLine, preview
from orchestration.services import handoffs, runs, steps
from runbooks.actions.base import Press, Preview, Result, Target

NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


def lines_of(target: Target) -> tuple[PreviewLine, ...]:
    """What each step of a new run would do, by the ledger and the last run."""
    if target.run is None:
        return ()
    spec = documents.flow_spec(documents.published_flow(target.run.flow))
    facts = steps.load_state(target.run).facts
    return tuple(preview(spec, facts, runs.ledger_states(target.run)))


class ReplayEvent:
    """The button on a run that needs a person."""

    slug = "flow.replay"
    title = "Replay"
    icon = "rotate-cw"
    parameters = NO_PARAMETERS
    reasons = (
        "The other system is well again",
        "Confirmed with the other team that it is not done",
        "The acknowledgement was lost",
    )

    def rule(self, target: Target) -> str:
        """Judged under its own name."""
        return self.slug

    def offered(self, target: Target) -> bool:
        """A run that stands still can be replayed, unless a newer one has taken its place."""
        run = target.run
        if run is None or run.state not in ("failed", "succeeded", "cancelled"):
            return False
        return not runs.is_superseded(run)

    def preview(self, target: Target) -> Preview:
        """Effect by effect: skipped, asked again under the same key, or run."""
        lines = lines_of(target)
        if lines and all(line.verdict == "skip" for line in lines):
            return Preview("Everything is done already; nothing would be sent.", lines)
        kept = [line for line in lines if line.verdict != "run"]
        safe = "Nothing can be sent twice: what was sent keeps its key." if kept else ""
        return Preview(
            "A new run of the same event on the newest version of the flow.", lines, safe
        )

    def perform(self, target: Target, press: Press) -> Result:
        """Start the new run; the handoff goes with it."""
        assert target.run is not None  # noqa: S101 offered() said so
        fresh = runs.replay(run=target.run, now=press.now)
        if target.handoff is not None:
            handoffs.follow(handoff=target.handoff, run=fresh, by=press.by, now=press.now)
        return Result("Replay started.", run_id=fresh.pk)
