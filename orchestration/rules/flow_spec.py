"""FlowSpec: a checked flow document as frozen dataclasses, and parse_flow() that makes it.

Beyond what the sample flow shows, a document may say:

- `title:` on any step; `when:` on any step: a guard, the step is skipped if it is false.
- `exception_route: {runbook, reason?}` on any step: instead of the flow's default route.
- `was: old-id` on a call: the step was renamed, its effects keep their keys.
- `refused:` on a call: `{goto: step}`, `{end: true}`, `{next: true}` or
  `{handoff: {runbook, reason?}}` instead of the exception route, when the system says no;
  without `reason` the system's own word for it is the handoff's.
  `steps.<id>.refused` then holds `{reason, detail}`.
- `repeat_from: step, times: n` in `on_timeout`: do the step again under a new key (a page that
  nobody acknowledged), where `retry_from` asks again under the same key.
- `branch:` cases with `goto: step` (forward only), `handoff: {…}` or `end: true`, and `default:`
  beside `branch:` with the same choices. No case and no default: on to the next step.
- `wait: PT5M`, or `wait: {until: "= event.data.remind_at"}`.
- `handoff: {reason, runbook?, detail?, continue?}` as a step; with `continue: true` the handoff
  is opened and the run goes on (a partial enrichment).
- `transition: {contract, subject, to}`: move a contract's subject by the flow.
- `each`, `call_flow`: known words, refused by the check in this version.

A run is cut by its `deadline`, except while an await that was renewed is still within its time:
"pending" is progress.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from meshline.core.safejson import Json
from orchestration.rules.retry import DEFAULT_POLICY, RetryPolicy

END = "$end"  # what a Goto names when the run ends there


@dataclass(frozen=True)
class Trigger:
    """Which events start the flow."""

    contract: str
    version: str = "*"
    when: str | None = None


@dataclass(frozen=True)
class Route:
    """Where trouble goes: a runbook, and the handoff's reason where the document gives one."""

    runbook: str
    reason: str | None = None


@dataclass(frozen=True)
class Goto:
    """Go on at a later step; END ends the run, None is the next step."""

    step: str | None


@dataclass(frozen=True)
class GiveUp:
    """Hand over to a person; without a runbook the step's exception route is taken."""

    reason: str
    runbook: str | None = None
    detail: str | None = None


Target: TypeAlias = Goto | GiveUp


@dataclass(frozen=True)
class Probe:
    """On time-out: ask the system itself; satisfied, its answer stands for the event."""

    operation: str
    arguments: Json
    satisfied_when: str
    result: Json = None


@dataclass(frozen=True)
class RetryFrom:
    """On time-out: ask again from an earlier step with the same effect key, then wait anew."""

    step: str
    times: int


@dataclass(frozen=True)
class RepeatFrom:
    """On time-out: do an earlier step again under a new effect key, then wait anew."""

    step: str
    times: int


TimeoutMove: TypeAlias = Probe | RetryFrom | RepeatFrom | GiveUp


@dataclass(frozen=True)
class Renew:
    """An event that means progress gives the await more time, at most `times` times."""

    when: str
    within: timedelta
    times: int


@dataclass(frozen=True, kw_only=True)
class StepBase:
    """What every step has."""

    id: str
    title: str
    route: Route
    when: str | None = None


@dataclass(frozen=True, kw_only=True)
class CallStep(StepBase):
    """Call a connector's operation."""

    operation: str
    arguments: Json
    look_up_first: tuple[str, ...] = ()
    retry: RetryPolicy = DEFAULT_POLICY
    compensate: str | None = None
    refused: Target | None = None
    was: str | None = None

    @property
    def effect_path(self) -> str:
        """The path in the effect key: the step's first name, so that a rename repeats nothing."""
        return self.was or self.id


@dataclass(frozen=True, kw_only=True)
class AwaitStep(StepBase):
    """Wait for an event of a contract whose correlation equals `key`."""

    contract: str
    version: str
    key: str
    within: timedelta
    until: str | None = None
    renew: Renew | None = None
    result: Json = None
    on_timeout: tuple[TimeoutMove, ...] = ()


@dataclass(frozen=True)
class Case:
    """One case of a branch."""

    when: str
    target: Target


@dataclass(frozen=True, kw_only=True)
class BranchStep(StepBase):
    """Go where the first true case says."""

    cases: tuple[Case, ...]
    default: Target = Goto(None)


@dataclass(frozen=True, kw_only=True)
class WaitStep(StepBase):
    """Let time pass: a duration, or until the instant an expression gives."""

    duration: timedelta | None = None
    until: str | None = None


@dataclass(frozen=True, kw_only=True)
class TransitionStep(StepBase):
    """Move a contract's subject to a state, by the flow."""

    contract: str
    subject: str
    to: str


@dataclass(frozen=True, kw_only=True)
class HandoffStep(StepBase):
    """Hand over to a person; with `goes_on` the run continues meanwhile."""

    target: GiveUp
    goes_on: bool = False


Step: TypeAlias = CallStep | AwaitStep | BranchStep | WaitStep | TransitionStep | HandoffStep


@dataclass(frozen=True, kw_only=True)
class FlowSpec:
    """One checked version of a flow. `ticket`, `customer` and `impact` are templates."""

    name: str
    version: int
    title: str
    risk: str
    owner: Mapping[str, str]
    trigger: Trigger
    ticket: Json
    deadline: timedelta
    steps: tuple[Step, ...]
    customer: Json = None
    order: Json = None
    impact: Json = None
    route: Route | None = None
    constants: Mapping[str, Json] = field(default_factory=dict)

    def step(self, step_id: str) -> Step:
        """Return a step by its id. Raises: KeyError."""
        return self.steps[self.position(step_id)]

    def position(self, step_id: str) -> int:
        """Return a step's place in the flow, from 0. Raises: KeyError."""
        for index, step in enumerate(self.steps):
            if step.id == step_id:
                return index
        raise KeyError(step_id)

    @property
    def runbooks(self) -> Collection[str]:
        """Every runbook that the flow names."""
        named = [step.route.runbook for step in self.steps]
        for step in self.steps:
            named += [target.runbook for target in give_ups(step) if target.runbook]
        return tuple(dict.fromkeys(named))


def acknowledges(step: Step) -> tuple[str, ...]:
    """Return the calls whose effect a step's event acknowledges: those it would ask again."""
    if not isinstance(step, AwaitStep):
        return ()
    return tuple(move.step for move in step.on_timeout if isinstance(move, RetryFrom))


def give_ups(step: Step) -> list[GiveUp]:
    """Return every place where a step names a handoff of its own."""
    candidates: list[object] = []
    match step:
        case CallStep():
            candidates = [step.refused]
        case AwaitStep():
            candidates = [*step.on_timeout]
        case BranchStep():
            candidates = [*(case.target for case in step.cases), step.default]
        case HandoffStep():
            candidates = [step.target]
    return [candidate for candidate in candidates if isinstance(candidate, GiveUp)]
