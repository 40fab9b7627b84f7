"""The actions that a runbook may name, as data: what they take, whether they read or write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from contracts_app.rules.shape import closed

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 2_000}
_NAME: Schema = {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_.-]{0,79}$"}
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 1}
_DURATION: Schema = {"type": "string", "pattern": "^P"}
_SEVERITY: Schema = {"enum": ["low", "medium", "high", "critical"]}
_STEPS: Schema = {"type": "array", "items": {"type": "string"}, "maxItems": 20}


@dataclass(frozen=True)
class RunbookAction:
    """One action. `repeatable`: a second press changes nothing more, so none need be confirmed."""

    slug: str
    title: str
    effect: Literal["read", "write"]
    args: Schema
    repeatable: bool = True
    records: bool = False  # writes the incident log: a path may end here


_ALL = (
    RunbookAction(
        "flow.replay",
        "Replay",
        "write",
        closed("", start_from={"enum": ["beginning", "failed_step"]}, flow=_NAME),
        repeatable=False,
    ),
    RunbookAction(
        "flow.backfill",
        "Backfill",
        "write",
        closed("", flow=_NAME, reason=_NAME, per_minute=_COUNT, per_second=_COUNT),
        repeatable=False,
    ),
    RunbookAction(
        "flow.retry_step",
        "Retry the step",
        "write",
        closed("", step=_TEXT),
        repeatable=False,
    ),
    RunbookAction("flow.cancel", "Cancel the run", "write", closed("", reason=_TEXT)),
    RunbookAction(
        "flow.satisfy_expectation",
        "Take it as the acknowledgement",
        "write",
        closed("step evidence", step=_NAME, evidence={}),
    ),
    RunbookAction(
        "connector.call",
        "Ask the other system",
        "read",
        closed("operation", operation=_NAME, args={"type": "object"}),
    ),
    RunbookAction(
        "ticket.transition",
        "Move the ticket",
        "write",
        closed(
            "to", to={"enum": ["open", "pending", "hold", "solved"]}, comment=_TEXT, public=_FLAG
        ),
    ),
    RunbookAction(
        "ticket.comment",
        "Write on the ticket",
        "write",
        closed("comment", comment=_TEXT, public=_FLAG),
    ),
    RunbookAction(
        "alert.follow_up",
        "Follow-up alert",
        "write",
        closed("state", state={"enum": ["enabled", "disabled"]}, after=_DURATION, notify=_NAME),
    ),
    RunbookAction(
        "escalate",
        "Escalate",
        "write",
        closed("policy", policy=_NAME, severity=_SEVERITY, note=_TEXT, attach=_STEPS),
    ),
    RunbookAction(
        "page",
        "Page",
        "write",
        closed("rota summary", rota=_NAME, summary=_TEXT, severity=_SEVERITY),
    ),
    RunbookAction(
        "incident.log",
        "Record in the incident log",
        "write",
        closed("outcome", outcome=_NAME, note=_TEXT, open_debt_item=_FLAG),
        records=True,
    ),
    RunbookAction(
        "incident.open",
        "Open an incident",
        "write",
        closed("title", title=_TEXT, severity=_SEVERITY, note=_TEXT),
    ),
    RunbookAction(
        "debt.open",
        "Open a debt item",
        "write",
        closed("title", title=_TEXT, owner=_NAME, note=_TEXT),
    ),
)
ACTIONS: Mapping[str, RunbookAction] = MappingProxyType({one.slug: one for one in _ALL})
