"""Cancel: stop a run at its next checkpoint."""

from __future__ import annotations

from orchestration.services import runs
from runbooks.actions.base import Press, Preview, Result, Target
from runbooks.actions.replay_event import NO_PARAMETERS


class CancelRun:
    """The button for a run that must not go on."""

    slug = "flow.cancel"
    title = "Cancel run"
    icon = "x"
    parameters = NO_PARAMETERS
    reasons = ("The customer changed their mind", "Started by mistake")

    def rule(self, target: Target) -> str:
        """Judged under its own name."""
        return self.slug

    def offered(self, target: Target) -> bool:
        """A run that has not ended can be cancelled."""
        return target.run is not None and target.run.state not in ("succeeded", "cancelled")

    def preview(self, target: Target) -> Preview:
        """What is done stays done."""
        return Preview("The run stops where it is. What was done in other systems stays done.")

    def perform(self, target: Target, press: Press) -> Result:
        """End it; whoever drives it just now keeps what its call comes to, and ends it then."""
        assert target.run is not None  # noqa: S101 offered() said so
        ended = runs.cancel(run=target.run, by=press.by, reason=press.reason, now=press.now)
        said = "The run is cancelled." if ended else "The run ends when its call has come back."
        return Result(said, run_id=target.run.pk)
