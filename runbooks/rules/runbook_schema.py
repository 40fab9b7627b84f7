"""The shape of a runbook/v1 document as JSON Schema: the head, and each type of step."""

from __future__ import annotations

from typing import Any

from contracts_app.rules.shape import closed
from orchestration.rules.flow_schema import CONTRACT, DURATION, EXPRESSION, REASON, SLUG, TEXT
from runbooks.rules.action_catalog import ACTIONS
from runbooks.rules.permit import ROLES

Schema = dict[str, Any]

STEP_ID: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"}
ENDS = ("recovered", "stopped", "escalated", "failed")

_TITLE: Schema = {"type": "string", "minLength": 1, "maxLength": 200}
_COUNT: Schema = {"type": "integer", "minimum": 1, "maximum": 100}
_ROLES: Schema = {"type": "array", "minItems": 1, "items": {"enum": list(ROLES)}}
_END: Schema = {"enum": list(ENDS)}
_EVERY: dict[str, Schema] = {
    "id": STEP_ID,
    "type": {"type": "string"},
    "title": _TITLE,
    "description": TEXT,
    "when": EXPRESSION,
    "optional": {"type": "boolean"},
}


def _step(required: str, /, **properties: Any) -> Schema:
    return closed(f"id type title {required}", **_EVERY, **properties)


def _outcomes(*names: str) -> Schema:
    return closed(" ".join(names), **dict.fromkeys(names, STEP_ID))


STEPS: dict[str, Schema] = {
    "instruction": _step("text", text=TEXT, next=STEP_ID),
    "checklist": _step(
        "items",
        items={
            "type": "array",
            "minItems": 1,
            "maxItems": 30,
            "items": closed("id text", id=STEP_ID, text=TEXT, required={"type": "boolean"}),
        },
        next=STEP_ID,
    ),
    "form": _step("schema", schema={"type": "object"}, next=STEP_ID),
    "action": _step(
        "action effect",
        action={"enum": list(ACTIONS)},
        effect={"enum": ["read", "write"]},
        **{"with": {"type": "object"}},
        confirm=TEXT,
        success_when=closed("event", event=CONTRACT, within=DURATION),
        attempts=closed(
            "max", max=_COUNT, backoff=DURATION, between={"enum": ["auto", "operator"]}
        ),
        outcomes=_outcomes("success", "exhausted"),
        compensate=STEP_ID,
        end=_END,
    ),
    "condition": _step(
        "cases default",
        cases={
            "type": "array",
            "minItems": 1,
            "maxItems": 20,
            "items": closed("when next", when=EXPRESSION, next=STEP_ID),
        },
        default=STEP_ID,
    ),
    "approval": _step(
        "approvers outcomes",
        approvers=REASON,
        count=_COUNT,
        expires=DURATION,
        text=TEXT,
        outcomes=_outcomes("approved", "rejected", "expired"),
    ),
    "wait": _step(
        "outcomes",
        **{"for": DURATION},
        event=CONTRACT,
        within=DURATION,
        outcomes=_outcomes("arrived", "expired"),
    ),
    "verify": _step(
        "checks outcomes",
        checks={
            "type": "array",
            "minItems": 1,
            "maxItems": 20,
            "items": closed("that text", that=EXPRESSION, text=TEXT, within=DURATION),
        },
        outcomes=_outcomes("success", "failed"),
    ),
    "manual_script": _step(
        "script",
        language={"type": "string", "maxLength": 20},
        script={"type": "string", "minLength": 1, "maxLength": 10_000},
        evidence=closed(
            "",
            exit_code={"enum": ["required", "optional"]},
            output={"enum": ["required", "optional"]},
            max_bytes={"type": "integer", "minimum": 1, "maximum": 1_048_576},
        ),
        next=STEP_ID,
    ),
}

RUNBOOK_HEAD: Schema = closed(
    "meshline name version title owner contracts failure_modes permissions start steps",
    meshline={"const": "runbook/v1"},
    name=SLUG,
    version={"type": "string", "pattern": "^[1-9][0-9]{0,5}$"},
    title=_TITLE,
    summary=TEXT,
    owner=SLUG,
    contracts={"type": "array", "minItems": 1, "items": CONTRACT, "uniqueItems": True},
    failure_modes={"type": "array", "items": REASON, "uniqueItems": True},
    review_every_days={"type": "integer", "minimum": 1, "maximum": 3_650},
    exclusive_on=EXPRESSION,
    require=closed("", ticket={"const": True}, contract={"const": True}),
    permissions={
        "type": "object",
        "required": ["run"],
        "additionalProperties": _ROLES,
        "maxProperties": 20,
    },
    constants={"type": "object", "maxProperties": 100},
    deadline=DURATION,
    start=STEP_ID,
    steps={"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "object"}},
) | {"patternProperties": {"^x-": True}}

# The whole format in one schema, for editors; the check judges head and steps apart.
RUNBOOK_SCHEMA: Schema = {
    **RUNBOOK_HEAD,
    "properties": {
        **RUNBOOK_HEAD["properties"],
        "steps": {**RUNBOOK_HEAD["properties"]["steps"], "items": {"anyOf": list(STEPS.values())}},
    },
}
