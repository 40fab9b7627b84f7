"""What a replay would do, effect by effect, and the state with which its run starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from orchestration.rules.catalog import CATALOG, Catalog
from orchestration.rules.flow_spec import AwaitStep, CallStep, FlowSpec, RepeatFrom, RetryFrom
from orchestration.rules.run_state import READY, RunState, StepFacts

Verdict: TypeAlias = Literal["skip", "ask_again", "run"]
LedgerState: TypeAlias = str | None


@dataclass(frozen=True)
class PreviewLine:
    """One effect: skip (already done), ask_again (same key), or run."""

    path: str
    title: str
    operation: str
    system: str
    verdict: Verdict
    money: bool = False


def preview(
    spec: FlowSpec,
    facts: Mapping[str, StepFacts],
    ledger_states: Mapping[str, LedgerState],
    *,
    catalog: Catalog = CATALOG,
) -> list[PreviewLine]:
    """Return what a replay on `spec` would do with each effect that is not left out by a guard.

    `facts` are those of the earlier run; `ledger_states` maps effect paths to the ledger's state:
    done, unknown, intent, refused or None.
    """
    lines = []
    for step in spec.steps:
        if not isinstance(step, CallStep) or not catalog[step.operation].is_effect:
            continue
        if facts.get(step.id, READY).state == "skipped":
            continue
        operation = catalog[step.operation]
        verdict = _verdict(spec, step, facts, ledger_states.get(step.effect_path))
        line = PreviewLine(
            step.id, step.title, step.operation, operation.system, verdict, operation.money
        )
        lines.append(line)
    return lines


def replay_state(
    spec: FlowSpec,
    facts: Mapping[str, StepFacts],
    ledger_states: Mapping[str, LedgerState],
    *,
    deadline_at: datetime,
    catalog: Catalog = CATALOG,
) -> RunState:
    """Return the state with which a replay's run starts, so that it does what preview() says.

    Steps that are asked again start with `reask`; repeated steps (pages) start under the key
    after the last one used, for a new run must not take an old, unheard page for its own.
    """
    state = RunState(deadline_at=deadline_at)
    for line in preview(spec, facts, ledger_states, catalog=catalog):
        redo = facts.get(line.path, READY).redo
        unheard = _awaited_in_vain(spec, line.path, facts, RepeatFrom)
        if unheard and ledger_states.get(_effect_path(spec, line.path)) is not None:
            state = state.with_facts(line.path, StepFacts(redo=redo + 1))
        elif line.verdict == "ask_again":
            state = state.with_facts(line.path, StepFacts(redo=redo, reask=True))
        elif redo:
            state = state.with_facts(line.path, StepFacts(redo=redo))
    return state


def _verdict(
    spec: FlowSpec, step: CallStep, facts: Mapping[str, StepFacts], ledger: LedgerState
) -> Verdict:
    if ledger in (None, "refused") or _awaited_in_vain(spec, step.id, facts, RepeatFrom):
        return "run"
    if ledger in ("unknown", "intent"):
        return "ask_again"
    return "ask_again" if _awaited_in_vain(spec, step.id, facts, RetryFrom) else "skip"


def _awaited_in_vain(
    spec: FlowSpec,
    path: str,
    facts: Mapping[str, StepFacts],
    kind: type[RetryFrom] | type[RepeatFrom],
) -> bool:
    """Say whether an await would go back to this step, and never got its event."""
    return any(
        isinstance(move, kind) and move.step == path
        for step in spec.steps
        if isinstance(step, AwaitStep) and facts.get(step.id, READY).state != "done"
        for move in step.on_timeout
    )


def _effect_path(spec: FlowSpec, path: str) -> str:
    step = spec.step(path)
    return step.effect_path if isinstance(step, CallStep) else path
