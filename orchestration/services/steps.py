"""Checkpoints: a run's StepRecords to the interpreter's state and back; attempts as history."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from meshline.core import canonical
from meshline.core.ids import uuid7_at
from meshline.core.safejson import Json
from orchestration.models import Attempt, Run, StepRecord
from orchestration.rules.flow_spec import FlowSpec
from orchestration.rules.outcomes import Done, Outcome, name_of
from orchestration.rules.run_state import PASSED, RunState, StepFacts

# A checkpoint that is larger is cut, with its digest kept: the answer of a vendor gone wrong.
MAX_DETAIL_CHARS = 4000


def load_state(run: Run) -> RunState:
    """Read where the run stands."""
    records = StepRecord.objects.filter(run_id=run.pk)
    facts = {record.path: StepFacts.from_json(record.facts) for record in records}
    return RunState(facts=facts, deadline_at=run.deadline_at, cancelled=run.cancelling)


def save_changes(
    *, run: Run, spec: FlowSpec, before: RunState, after: RunState, now: datetime
) -> None:
    """Write the checkpoints that changed; call it in the transaction that holds the lease."""
    records = [
        StepRecord(
            run_id=run.pk,
            path=path,
            position=_position(spec, path),
            state=facts.state,
            facts=facts.to_json(),
            result=facts.result,
            error=(facts.error.detail or facts.error.reason)[:500] if facts.error else "",
            started_at=now,
            ended_at=now if facts.state in PASSED or facts.state == "failed" else None,
        )
        for path, facts in after.difference(before).items()
    ]
    if after.deadline_at != before.deadline_at:  # a late answer gives the run a new one
        run.deadline_at = after.deadline_at
        Run.objects.filter(pk=run.pk).update(deadline_at=after.deadline_at)
    known = set(before.facts)
    StepRecord.objects.bulk_create([r for r in records if r.path not in known])
    for record in records:
        if record.path in known:
            StepRecord.objects.filter(run_id=run.pk, path=record.path).update(
                state=record.state,
                facts=record.facts,
                result=record.result,
                error=record.error,
                ended_at=record.ended_at,
            )


def _position(spec: FlowSpec, path: str) -> int:
    try:
        return spec.position(path)
    except KeyError:
        return len(spec.steps)


def open_attempt(
    *,
    run: Run,
    path: str,
    kind: str,
    now: datetime,
    operation: str = "",
    effect_key: str = "",
    detail: Json = None,
) -> UUID:
    """Begin a line of the run's history; its outcome is written when it is known."""
    attempt = Attempt(
        id=uuid7_at(now),
        run_id=run.pk,
        path=path,
        kind=kind,
        operation=operation,
        effect_key=effect_key,
        detail=detail,
        started_at=now,
    )
    attempt.save(force_insert=True)
    return attempt.id


def close_attempt(attempt_id: UUID, outcome: Outcome, *, now: datetime) -> None:
    """Write what a try came to."""
    changes: dict[str, Any] = {"outcome": name_of(outcome), "ended_at": now}
    if isinstance(outcome, Done):
        changes["detail"] = _bounded(dict(outcome.result))
    else:
        changes["reason"] = f"{outcome.reason} {getattr(outcome, 'detail', '')}".strip()[:500]
    Attempt.objects.filter(pk=attempt_id).update(**changes)


def close_lost(*, run: Run, now: datetime) -> None:
    """End what a worker has left open: its answer was lost, whatever it was.

    Call it in the transaction that holds the run's lease, when no call of it can land any more.
    """
    Attempt.objects.filter(run=run, ended_at=None).update(
        outcome="unknown", reason="the worker was lost before the answer came", ended_at=now
    )


def note(
    *, run: Run, path: str, kind: str, reason: str, now: datetime, detail: Json = None
) -> None:
    """Add a line of history that is over at once: an event that came, a deadline that passed."""
    Attempt(
        id=uuid7_at(now),
        run_id=run.pk,
        path=path,
        kind=kind,
        outcome="noted",
        reason=reason[:500],
        detail=detail,
        started_at=now,
        ended_at=now,
    ).save(force_insert=True)


def _bounded(result: dict[str, Any]) -> Json:
    text = canonical.text(result)
    if len(text) <= MAX_DETAIL_CHARS:
        return result
    return {"cut": True, "sha256": canonical.digest(result), "characters": len(text)}
