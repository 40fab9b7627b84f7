"""Retry: try the step at which the run stopped again, in the same run."""

from __future__ import annotations

from orchestration.services import handoffs, runs
from runbooks.actions.base import Press, Preview, Result, Target
from runbooks.actions.replay_event import NO_PARAMETERS, lines_of


class RetryStep:
    """The lighter button: the run goes on where it stopped."""

    slug = "flow.retry_step"
    title = "Retry step"
    icon = "rotate-cw"
    parameters = NO_PARAMETERS
    reasons = ("The other system is well again", "It was a passing fault", "Asked to by the owner")

    def rule(self, target: Target) -> str:
        """Judged under its own name."""
        return self.slug

    def offered(self, target: Target) -> bool:
        """Only a run that stopped at a step has one to retry."""
        return target.run is not None and target.run.state == "failed" and bool(target.run.step)

    def preview(self, target: Target) -> Preview:
        """The steps from here on; what is asked again keeps its key."""
        step = target.run.step if target.run else ""
        lines = tuple(line for line in lines_of(target) if line.verdict != "skip")
        return Preview(
            f"Step {step} is tried again in the same run, under the same key.",
            lines,
            "The other system is looked up first: nothing is done twice.",
        )

    def perform(self, target: Target, press: Press) -> Result:
        """Open the step again."""
        assert target.run is not None  # noqa: S101 offered() said so
        run = runs.retry_step(run=target.run, now=press.now)
        if target.handoff is not None:
            handoffs.follow(handoff=target.handoff, run=run, by=press.by, now=press.now)
        return Result(f"Step {run.step} is being tried again.", run_id=run.pk)
