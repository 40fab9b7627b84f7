"""The shape of a flow/v1 document as JSON Schema: the head, and each kind of step."""

from __future__ import annotations

from typing import Any

from contracts_app.rules.contract_shape import RISK_CLASSES
from contracts_app.rules.shape import closed

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 2_000}
SLUG: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,79}$"}
# A step's id is a name in expressions (steps.<id>), so it holds no hyphen.
STEP_ID: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"}
REASON: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,59}$"}
CONTRACT: Schema = {"type": "string", "pattern": r"^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+$"}
OPERATION: Schema = {"type": "string", "pattern": r"^[a-z][a-z0-9_-]*\.[a-z][a-z0-9_]*$"}
RANGE: Schema = {"type": "string", "pattern": r"^(\*|[\^~]?\d+(\.\d+){0,2})$"}
DURATION: Schema = {
    "type": "string",
    "pattern": r"^P([0-9]+W)?([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]{1,6})?S)?)?$",
}
EXPRESSION: Schema = {"type": "string", "minLength": 1, "maxLength": 1_001}
TIMES: Schema = {"type": "integer", "minimum": 1, "maximum": 20}
TEMPLATE: Schema = {"type": "object", "maxProperties": 100}

_ROUTE = closed("runbook", runbook=SLUG, reason=REASON)
_HANDOFF = closed("reason", reason=REASON, runbook=SLUG, detail=TEXT)
_RETRY = closed(
    "attempts",
    attempts={"type": "integer", "minimum": 1, "maximum": 50},
    first_delay=DURATION,
    factor={"type": "number", "minimum": 1, "maximum": 10},
    max_delay=DURATION,
    jitter={"enum": ["full", "equal", "none"]},
)
_YES: Schema = {"const": True}


_CHOICES: dict[str, Schema] = {"goto": STEP_ID, "handoff": _HANDOFF, "end": _YES, "next": _YES}
_TARGET = closed("", **_CHOICES) | {"minProperties": 1, "maxProperties": 1}
# Without a reason the system's own word for its no is the handoff's reason.
_REFUSED = closed(
    "", **{**_CHOICES, "handoff": closed("runbook", reason=REASON, runbook=SLUG, detail=TEXT)}
) | {"minProperties": 1, "maxProperties": 1}
_CASE = closed("when", when=EXPRESSION, **_CHOICES) | {"minProperties": 2, "maxProperties": 2}
# `times` is asked for by flow_checks, which can say why.
TIMEOUT_MOVES: dict[str, Schema] = {
    "probe": closed(
        "probe with satisfied_when",
        probe=OPERATION,
        **{"with": TEMPLATE},
        satisfied_when=EXPRESSION,
        result=TEMPLATE,
    ),
    "retry_from": closed("retry_from", retry_from=STEP_ID, times=TIMES),
    "repeat_from": closed("repeat_from", repeat_from=STEP_ID, times=TIMES),
    "handoff": closed("handoff", handoff=_HANDOFF),
}
_EVERY_STEP: dict[str, Schema] = {
    "id": STEP_ID,
    "title": {"type": "string", "minLength": 1, "maxLength": 120},
    "description": TEXT,
    "when": EXPRESSION,
    "exception_route": _ROUTE,
}


def _step(required: str, **properties: Schema) -> Schema:
    return closed(f"id {required}", **_EVERY_STEP, **properties)


STEPS: dict[str, Schema] = {
    "call": _step(
        "call",
        call=OPERATION,
        **{"with": TEMPLATE},
        look_up_first=closed("by", by={"type": "array", "items": REASON, "minItems": 1}),
        retry=_RETRY,
        compensate=OPERATION,
        refused=_REFUSED,
        was=STEP_ID,
    ),
    "await": _step(
        "await",
        **{
            "await": closed(
                "contract key within",
                contract=CONTRACT,
                version=RANGE,
                key=EXPRESSION,
                until=EXPRESSION,
                within=DURATION,
            )
        },
        renew=closed("when within times", when=EXPRESSION, within=DURATION, times=TIMES),
        result=TEMPLATE,
        on_timeout={"type": "array", "minItems": 1, "maxItems": 10, "items": {"type": "object"}},
    ),
    "branch": _step(
        "branch",
        branch={"type": "array", "minItems": 1, "maxItems": 20, "items": _CASE},
        default=_TARGET,
    ),
    "wait": _step("wait", wait={"anyOf": [DURATION, closed("until", until=EXPRESSION)]}),
    "transition": _step(
        "transition",
        transition=closed("contract subject to", contract=CONTRACT, subject=EXPRESSION, to=SLUG),
    ),
    "handoff": _step(
        "handoff",
        handoff={
            **_HANDOFF,
            "properties": {**_HANDOFF["properties"], "continue": {"type": "boolean"}},
        },
    ),
    "each": _step("each", each={"type": "object"}),
    "call_flow": _step("call_flow", call_flow={}, **{"with": TEMPLATE}),
}

FLOW_HEAD: Schema = closed(
    "meshline name version title risk owner trigger ticket deadline steps",
    meshline={"const": "flow/v1"},
    name=SLUG,
    version={"type": "string", "pattern": "^[1-9][0-9]{0,5}$"},
    title={"type": "string", "minLength": 1, "maxLength": 200},
    description=TEXT,
    risk={"enum": list(RISK_CLASSES)},
    owner={"type": "object", "additionalProperties": SLUG, "minProperties": 1},
    trigger=closed("contract", contract=CONTRACT, version=RANGE, when=EXPRESSION),
    ticket=EXPRESSION,
    customer=EXPRESSION,
    order=EXPRESSION,
    impact=closed("amount_minor currency", amount_minor={}, currency={}),
    deadline=DURATION,
    exception_route=_ROUTE,
    constants={"type": "object", "maxProperties": 100},
    steps={"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "object"}},
) | {"patternProperties": {"^x-": True}}

# The whole format in one schema, for editors; the check judges head and steps apart, so that a
# finding names the key that is wrong and not all the kinds that a step might have been.
FLOW_SCHEMA: Schema = {
    **FLOW_HEAD,
    "properties": {
        **FLOW_HEAD["properties"],
        "steps": {**FLOW_HEAD["properties"]["steps"], "items": {"anyOf": list(STEPS.values())}},
    },
}
