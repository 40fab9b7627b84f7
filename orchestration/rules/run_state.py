"""RunState and Decision: what the interpreter knows of a run, and what it says to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

from meshline.core.safejson import Json

StepState: TypeAlias = Literal["ready", "running", "waiting", "done", "failed", "skipped"]
PASSED = frozenset({"done", "skipped"})


@dataclass(frozen=True)
class StepError:
    """Why a step failed: the handoff's reason, its runbook, and a sentence for people."""

    reason: str
    runbook: str
    detail: str = ""


@dataclass(frozen=True)
class StepFacts:
    """All that is stored of one step of one run; immutable, JSON by to_json()."""

    state: StepState = "ready"
    attempts: int = 0  # tries in this visit
    visit: int = 1  # rises when retry_from, repeat_from or a person opens the step again
    result: Json = None
    error: StepError | None = None
    opened_at: datetime | None = None
    due_at: datetime | None = None
    retry_at: datetime | None = None
    renewals: int = 0
    timeouts: Mapping[int, int] = field(default_factory=dict)  # index in on_timeout -> times used
    move: int | None = None  # index in on_timeout that is being worked on
    probes: int = 0  # tries of the probe at `move`
    reask: bool = False  # the vendor may have done it: same key, and look before asking
    redo: int = 0  # rises with repeat_from: a new effect key
    goto: str | None = None  # where the run goes on after this step, if not at the next
    keys: tuple[str, ...] = ()  # correlation keys awaited so far, the present one last

    def to_json(self) -> dict[str, Json]:
        """Return the facts as JSON, without what has its usual value."""
        usual = StepFacts()
        pairs = ((item.name, getattr(self, item.name)) for item in fields(self))
        return {
            name: _plain(value)
            for name, value in pairs
            if name == "state" or value != getattr(usual, name)
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Json]) -> StepFacts:
        """Read what to_json() wrote; unknown keys of a later version are left out."""
        known = {item.name for item in fields(cls)}
        values: dict[str, Any] = {k: v for k, v in stored.items() if k in known}
        for name in ("opened_at", "due_at", "retry_at"):
            if values.get(name):
                values[name] = datetime.fromisoformat(values[name])
        if values.get("error"):
            values["error"] = StepError(**values["error"])
        if "timeouts" in values:
            values["timeouts"] = {int(k): v for k, v in values["timeouts"].items()}
        if "keys" in values:
            values["keys"] = tuple(values["keys"])
        return cls(**values)


def _plain(value: Any) -> Json:
    match value:
        case datetime():
            return value.isoformat()
        case StepError():
            return {"reason": value.reason, "runbook": value.runbook, "detail": value.detail}
        case tuple():
            return list(value)
        case dict() if all(isinstance(key, int) for key in value):
            return {str(key): number for key, number in value.items()}
        case _:
            return value


READY = StepFacts()


@dataclass(frozen=True)
class RunState:
    """Where a run stands: facts by step path (absent: untouched), its deadline, its end."""

    facts: Mapping[str, StepFacts] = field(default_factory=dict)
    deadline_at: datetime | None = None
    cancelled: bool = False

    def of(self, path: str) -> StepFacts:
        """Return the facts of a step; an untouched step is ready."""
        return self.facts.get(path, READY)

    def with_facts(self, path: str, facts: StepFacts) -> RunState:
        """Return the state with this step's facts replaced."""
        return replace(self, facts={**self.facts, path: facts})

    def changed(self, path: str, **changes: Any) -> RunState:
        """Return the state with some fields of this step's facts replaced."""
        return self.with_facts(path, replace(self.of(path), **changes))

    def difference(self, earlier: RunState) -> dict[str, StepFacts]:
        """Return the facts that are new or changed since `earlier`: what must be stored."""
        return {
            path: facts
            for path, facts in self.facts.items()
            if path not in earlier.facts or earlier.facts[path] != facts
        }


@dataclass(frozen=True)
class ProbeInfo:
    """The call is a probe of an await: a read, without effect key."""

    index: int  # in on_timeout
    satisfied_when: str


@dataclass(frozen=True)
class Perform:
    """Call `operation` with `args` now, through the ledger when it is an effect."""

    path: str
    operation: str
    args: Mapping[str, Json]
    reask: bool = False  # the ledger's stored "done" does not count: ask the vendor again
    look_up_first: bool = False  # ask the vendor by key (and reference) before calling
    redo: int = 0
    effect_path: str = ""  # for the effect key; differs from path after a rename
    attempt: int = 1
    probe: ProbeInfo | None = None


@dataclass(frozen=True)
class Wait:
    """Wait for an event; `opening` asks the caller to open the expectation (wait_opened)."""

    path: str
    contract: str
    version: str
    key: str
    until: str | None
    due_at: datetime
    opening: bool
    earlier_keys: tuple[str, ...] = ()  # of pages repeated under new keys: they count too


@dataclass(frozen=True)
class Sleep:
    """Let time pass until then; `opening` asks the caller to store it (sleep_opened)."""

    path: str
    until: datetime
    opening: bool


@dataclass(frozen=True)
class Retry:
    """Try the step again then."""

    path: str
    at: datetime


@dataclass(frozen=True)
class Move:
    """Move a contract's subject, in our own tables; then moved()."""

    path: str
    contract: str
    subject: str
    to: str


@dataclass(frozen=True)
class HandOver:
    """Open a handoff; then handed_over(). With `goes_on` the run continues."""

    path: str
    reason: str
    runbook: str
    detail: str = ""
    goes_on: bool = False


@dataclass(frozen=True)
class Finish:
    """The run has ended."""

    state: Literal["succeeded", "cancelled"]


Decision: TypeAlias = Perform | Wait | Sleep | Retry | Move | HandOver | Finish
