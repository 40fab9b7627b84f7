"""The state tables of run, step, effect, handoff and timer: which move is allowed, as data."""

from __future__ import annotations

from collections.abc import Mapping

from meshline.core.errors import IllegalTransition


class StateTable:
    """Allowed moves of one kind of thing: `StateTable("run", ready={"running"}, …)`."""

    def __init__(self, thing: str, /, **moves: set[str]) -> None:
        self.thing = thing
        self.moves: Mapping[str, frozenset[str]] = {
            state: frozenset(targets) for state, targets in moves.items()
        }
        strangers = {t for targets in moves.values() for t in targets} - set(moves)
        if strangers:
            raise ValueError(f"The {thing} table moves to unlisted states: {sorted(strangers)}.")

    @property
    def states(self) -> tuple[str, ...]:
        """Every state, in the order of the table."""
        return tuple(self.moves)

    @property
    def final(self) -> frozenset[str]:
        """The states that nothing leaves."""
        return frozenset(state for state, targets in self.moves.items() if not targets)

    def allows(self, old: str, new: str) -> bool:
        """Say whether the move is in the table; staying in place is no move."""
        return new in self.moves.get(old, frozenset())

    def sources(self, new: str) -> frozenset[str]:
        """Return the states from which `new` may be reached: the WHERE of a conditional update."""
        return frozenset(old for old, targets in self.moves.items() if new in targets)

    def check(self, old: str, new: str) -> None:
        """Raise IllegalTransition unless the table has the move."""
        if self.allows(old, new):
            return
        allowed = ", ".join(sorted(self.moves.get(old, frozenset()))) or "nothing"
        raise IllegalTransition(
            f"A {self.thing} in state {old!r} cannot become {new!r}.",
            remedy=f"Load it again: from {old!r} it may become {allowed}.",
        )


RUN = StateTable(
    "run",
    ready={"running", "cancelled"},
    running={"ready", "waiting", "succeeded", "failed", "cancelled"},
    waiting={"ready", "running", "succeeded", "failed", "cancelled"},
    succeeded=set(),
    # A person presses "retry step", or a late acknowledgement arrives: the run goes on.
    failed={"ready", "succeeded", "cancelled"},
    cancelled=set(),
)
STEP = StateTable(
    "step",
    ready={"running", "waiting", "done", "failed", "skipped"},
    running={"ready", "waiting", "done", "failed"},
    waiting={"ready", "running", "done", "failed", "skipped"},
    # `retry_from` and `repeat_from` open an earlier step again.
    done={"ready"},
    failed={"ready", "done"},
    skipped={"ready"},
)
EFFECT = StateTable(
    "effect",
    intent={"done", "refused", "unknown"},
    # The acknowledgement never came: the same key is asked again, and the answer may differ.
    done={"unknown", "refused"},
    refused={"intent"},
    unknown={"done", "refused"},
)
HANDOFF = StateTable(
    "handoff",
    open={"claimed", "snoozed", "resolved"},
    claimed={"open", "snoozed", "resolved"},
    snoozed={"open", "claimed", "resolved"},
    resolved=set(),
)
EXECUTION = StateTable(
    "execution",
    running={"waiting", "recovered", "stopped", "escalated", "failed"},
    waiting={"running", "recovered", "stopped", "escalated", "failed"},
    recovered=set(),
    stopped=set(),
    escalated=set(),
    failed=set(),
)
TIMER = StateTable(
    "timer",
    running={"paused", "met", "breached", "cancelled"},
    paused={"running", "met", "breached", "cancelled"},
    met=set(),
    breached=set(),
    cancelled=set(),
)
TABLES: Mapping[str, StateTable] = {
    table.thing: table for table in (RUN, STEP, EFFECT, HANDOFF, EXECUTION, TIMER)
}
