"""The states of a contract's subject: which move an event, deadline or person causes.

Declared as data in the contract. An event that would move a state backwards is not a move: the
caller holds it and shows the sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from meshline.core.findings import Finding, Severity

CAUSES = ("event", "flow", "deadline", "runbook")


@dataclass(frozen=True)
class Move:
    """One declared move; `when` is an expression over the event, `after` names a deadline."""

    sources: tuple[str, ...]
    to: str
    by: str
    when: str | None = None
    action: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class StateMachine:
    """The `states` block of a contract."""

    subject: str
    initial: str
    final: tuple[str, ...]
    terminal_for_ticket: tuple[str, ...]
    moves: tuple[Move, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every state, in the order in which the block first names it."""
        named = [self.initial]
        for move in self.moves:
            named += [*move.sources, move.to]
        return tuple(dict.fromkeys(named))

    def lets_ticket_resolve(self, state: str | None) -> bool:
        """Say whether a ticket may be resolved while its subject is in this state."""
        return not self.terminal_for_ticket or state in self.terminal_for_ticket


@dataclass(frozen=True)
class Transition:
    """The subject moves from `before` to `after`."""

    before: str
    after: str
    move: Move


@dataclass(frozen=True)
class Backward:
    """The cause asks for a state that cannot follow the current one: hold it and explain."""

    current: str
    wanted: str
    sentence: str


def advance(
    states: StateMachine,
    current: str | None,
    *,
    by: str,
    holds: Callable[[str], bool],
    action: str | None = None,
    after: str | None = None,
) -> Transition | Backward | None:
    """Return what a cause does to a subject in state `current` (None: not seen before).

    `holds` evaluates a move's `when`; `action` and `after` narrow a runbook's or a deadline's
    moves. None means that the cause says nothing about the state, or only what already is.
    """
    here = current or states.initial
    asked = [move for move in states.moves if _is_asked(move, by, action, after, holds)]
    for move in asked:
        if here in move.sources:
            return Transition(here, move.to, move)
    if not asked or any(move.to == here for move in asked):
        return None
    wanted = asked[0].to
    allowed = ", ".join(asked[0].sources)
    return Backward(
        here,
        wanted,
        f"The {states.subject} is already {here}; {wanted} may only follow {allowed}.",
    )


def follows(states: StateMachine, earlier: str, later: str) -> bool:
    """Say whether the declared moves lead from `earlier` to `later`: news in between came late."""
    reached = {earlier}
    while more := _followers(states.moves, reached) - reached:
        if later in more:
            return True
        reached |= more
    return False


def explained(states: StateMachine, held: Backward, *, late: bool) -> tuple[str, ...]:
    """Say why an event is held, what may follow from here, and what a person can do.

    `late`: it was overtaken, and would have been legal earlier. No sentence quotes a payload.
    """
    reason = "It came late: it happened before the state that it finds." if late else ""
    onward = dict.fromkeys(move.to for move in states.moves if held.current in move.sources)
    return (
        f"{held.sentence} {reason}".strip(),
        f"From {held.current} it may become {', '.join(onward)}."
        if onward
        else f"Nothing follows {held.current}.",
        "Release judges it again by the state of then: it moves the state if it may, else it is "
        f"kept as history and the {states.subject} stays as it is. Discard rejects it.",
    )


def parse_states(block: Mapping[str, Any]) -> StateMachine:
    """Build the machine from a `states` block whose shape was checked before."""
    return StateMachine(
        subject=block["subject"],
        initial=block["initial"],
        final=tuple(block.get("final", ())),
        terminal_for_ticket=tuple(block.get("terminal_for_ticket", ())),
        moves=tuple(_move(entry) for entry in block["transitions"]),
    )


def state_findings(states: StateMachine, *, at: str = "/states") -> list[Finding]:
    """Return what is wrong with a machine: unknown and unreachable states. Lines are 0."""
    reachable = _reachable(states)
    found = []
    for key in ("final", "terminal_for_ticket"):
        for index, name in enumerate(getattr(states, key)):
            if name not in states.names:
                remedy = f"Use one of {', '.join(states.names)}, or add a transition to it."
                message = f"No transition leads to the state {name!r}."
                found.append(Finding(f"{at}/{key}/{index}", 0, message, remedy))
    for index, move in enumerate(states.moves):
        if not set(move.sources) & reachable:
            message = f"{' or '.join(move.sources)} is never reached from {states.initial!r}."
            remedy = "Add the transition that leads there, or remove this one."
            found.append(
                Finding(f"{at}/transitions/{index}/from", 0, message, remedy, Severity.WARNING)
            )
    return found


def _is_asked(
    move: Move, by: str, action: str | None, after: str | None, holds: Callable[[str], bool]
) -> bool:
    return (
        move.by == by
        and (action is None or move.action in (None, action))
        and (after is None or move.after in (None, after))
        and (move.when is None or holds(move.when))
    )


def _move(entry: Mapping[str, Any]) -> Move:
    sources = entry["from"]
    return Move(
        sources=(sources,) if isinstance(sources, str) else tuple(sources),
        to=entry["to"],
        by=entry["by"],
        when=entry.get("when"),
        action=entry.get("action"),
        after=entry.get("after"),
    )


def _reachable(states: StateMachine) -> set[str]:
    reached = {states.initial}
    while more := _followers(states.moves, reached) - reached:
        reached |= more
    return reached


def _followers(moves: Iterable[Move], reached: set[str]) -> set[str]:
    return {move.to for move in moves if set(move.sources) & reached}
