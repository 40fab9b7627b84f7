"""A worker, a ledger and vendors in miniature: what is stored survives a crash, nothing else.

The worker follows the driver's order (intent and started step in one commit; call; outcome and
ledger in one commit). A crash may strike between any two of these. Vendors count what they really
did; one keeps idempotency keys, the other does not and can only be asked.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from orchestration.rules import advance, interpreter
from orchestration.rules.catalog import CATALOG
from orchestration.rules.flow_spec import FlowSpec
from orchestration.rules.outcomes import Done, Outcome, Transient, Unknown
from orchestration.rules.run_state import (
    Decision,
    Finish,
    HandOver,
    Perform,
    Retry,
    RunState,
    StepFacts,
    Wait,
)
from tests.rules.flow_texts import SCOPE, START, acknowledgement

POINTS = ("before_intent", "before_call", "before_checkpoint", "after_checkpoint")


class Crashed(Exception):
    """The worker died here."""


@dataclass
class Vendor:
    """An outside system: applies effects, may forget to answer, tells what it did when asked."""

    faults: Iterator[str]
    blind: bool = False  # its reads never find what was done
    applied: Counter[str] = field(default_factory=Counter)

    def call(self, due: Perform, key: str) -> Outcome:
        """Do what is asked, with the next fault; only billing keeps idempotency keys."""
        if not CATALOG[due.operation].is_effect:
            found = self.applied and not self.blind
            return Done({"status": "succeeded" if found else "missing"})
        fault = next(self.faults, "fine")
        if fault == "busy":
            return Transient("503")
        if fault == "lost_before":
            return Unknown("reset before it was done")
        if not (due.operation.startswith("billing.") and key in self.applied):
            self.applied[key] += 1
        return Unknown("answer lost") if fault == "lost_after" else Done({"id": key})

    def look_up(self, key: str) -> Outcome | None:
        """Say what is known of a key, or None if it never arrived."""
        return Done({"id": key}) if key in self.applied else None


@dataclass
class World:
    """Everything that outlives a worker."""

    spec: FlowSpec
    vendor: Vendor
    silence: int = 0  # how many waits pass without the acknowledgement
    now: datetime = START
    stored: dict[str, Any] = field(default_factory=dict)
    ledger: dict[str, str] = field(default_factory=dict)
    deaths: int = 0
    passed: Counter[str] = field(default_factory=Counter)

    def state(self) -> RunState:
        """Load the run as a new worker would: from what was stored as JSON."""
        facts = {path: StepFacts.from_json(stored) for path, stored in self.stored.items()}
        return RunState(facts, START + self.spec.deadline)

    def store(self, state: RunState) -> None:
        """Commit the run's facts."""
        self.stored |= {path: facts.to_json() for path, facts in state.facts.items()}


@dataclass
class Worker:
    """Drives the run; dies at the points it is told to, each named as (point, n-th passing)."""

    world: World
    deaths: Mapping[str, set[int]]

    def drive(self) -> Decision:
        """Drive until the run ends or is handed over, with as many lives as it takes."""
        for _ in range(100):
            try:
                return self._live()
            except Crashed:
                continue
        raise AssertionError("The run does not come to an end.")

    def _point(self, name: str) -> None:
        self.world.passed[name] += 1
        if self.world.passed[name] in self.deaths.get(name, set()):
            self.world.deaths += 1
            raise Crashed(name)

    def _live(self) -> Decision:
        world = self.world
        state = world.state()
        for _ in range(200):
            state = interpreter.settle(world.spec, state, SCOPE, now=world.now)
            decision = interpreter.next_action(world.spec, state, SCOPE, now=world.now)
            match decision:
                case Perform():
                    state = self._perform(state, decision)
                case Wait():
                    state = self._wait(state, decision)
                case Retry(at=at):
                    world.store(state)
                    world.now = at
                case HandOver() | Finish():
                    world.store(state)
                    return decision
                case _:
                    raise AssertionError(f"unexpected: {decision}")
        raise AssertionError("The run goes round and round.")

    def _perform(self, state: RunState, due: Perform) -> RunState:
        world = self.world
        key = f"{due.effect_path}#{due.redo}"
        effect = CATALOG[due.operation].is_effect and due.probe is None
        self._point("before_intent")
        known = world.ledger.get(key)
        state = advance.attempt_started(state, due, now=world.now)
        if effect:
            world.ledger[key] = known or "intent"
        world.store(state)  # the intent and the started step: one commit
        self._point("before_call")
        outcome = self._outcome(due, key, known if effect else None)
        self._point("before_checkpoint")
        state = advance.after_outcome(
            world.spec, state, due, outcome, scope=SCOPE, now=world.now, jitter=0.5
        )
        if effect:
            world.ledger[key] = "done" if isinstance(outcome, Done) else "unknown"
        world.store(state)
        self._point("after_checkpoint")
        return state

    def _outcome(self, due: Perform, key: str, known: str | None) -> Outcome:
        vendor = self.world.vendor
        if known == "done" and not due.reask:
            return Done({"id": key})  # the ledger's own answer
        if due.look_up_first:  # nothing but the decision says so: the rule alone must be right
            found = vendor.look_up(key)
            if found is not None:
                return found
        return vendor.call(due, key)

    def _wait(self, state: RunState, wait: Wait) -> RunState:
        world = self.world
        if wait.opening:
            state = advance.wait_opened(state, wait, now=world.now)
            world.store(state)
            self._point("after_checkpoint")
        if world.silence > 0:
            world.silence -= 1
            world.now = max(wait.due_at, world.now)
            return state
        world.now += timedelta(seconds=1)
        heard = acknowledgement("succeeded")
        state = advance.after_event(world.spec, state, wait.path, heard, scope=SCOPE, now=world.now)
        world.store(state)
        return state


def chosen_faults(seed: int) -> Iterator[str]:
    """Return an endless line of faults, the same for the same seed; about half are none."""
    draw = random.Random(seed)  # noqa: S311 a test's dice
    kinds = ("fine", "fine", "fine", "busy", "lost_before", "lost_after")
    while True:
        yield draw.choice(kinds)
