"""Print the timeline of one run, or of every run of a ticket or event, as JSON."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model

from contracts_app.management.output import JsonCommand
from meshline.core.errors import NotFound
from orchestration.models import Effect, Expectation, Handoff, Run, StepRecord


class Command(JsonCommand):
    """Ids and states only: payloads stay where roles decide who sees them."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to look for."""
        parser.add_argument("what", help="id of a run or an event, or a ticket such as desk:4812")

    def answer(self, **options: Any) -> list[Any]:
        """Find the runs."""
        runs = _found(options["what"])
        if not runs:
            raise NotFound(f"No run belongs to {options['what']}.")
        return [_timeline(run) for run in runs]


def _found(what: str) -> list[Run]:
    rows = Run.objects.select_related("flow_version").order_by("id")
    try:
        identifier = UUID(what)
    except ValueError:
        return list(rows.filter(ticket=what)[:100])
    return list(rows.filter(pk=identifier) or rows.filter(event_id=identifier)[:100])


def _timeline(run: Run) -> dict[str, Any]:
    effects = Effect.objects.filter(event_id=run.event_id, flow=run.flow).order_by("id")
    expectations = Expectation.objects.filter(run=run).order_by("id")
    handoffs = Handoff.objects.filter(run_id=run.pk).order_by("id")
    return {
        "run": str(run.pk),
        "flow": f"{run.flow} v{run.flow_version.number}",
        "event": str(run.event_id),
        "contract": f"{run.contract} {run.contract_version}",
        "ticket": run.ticket,
        "state": run.state,
        "outcome": run.outcome,
        "created_at": _time(run.created_at),
        "finished_at": _time(run.finished_at),
        "steps": [
            {**_facts(step, "path", "state", "error"), **_span(step)}
            for step in run.steps.order_by("position", "path")
        ],
        "attempts": [
            {
                "at": _time(attempt.started_at),
                "step": attempt.path,
                **_facts(attempt, "kind", "operation", "outcome", "reason"),
            }
            for attempt in run.attempts.order_by("id")
        ],
        "effects": [_facts(e, "scope", "key", "state", "attempts", "adopted") for e in effects],
        "expectations": [
            {**_facts(one, "contract", "key", "state"), "due_at": _time(one.due_at)}
            for one in expectations
        ],
        "handoffs": [
            {"handoff": one.reference, **_facts(one, "reason", "state")} for one in handoffs
        ],
    }


def _facts(row: Model, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _span(step: StepRecord) -> dict[str, str | None]:
    return {"started_at": _time(step.started_at), "ended_at": _time(step.ended_at)}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
