"""What stands in scope of a flow's expressions, as JSON Schema: the service fills these shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts_app.rules.schema_paths import Schema
from meshline.core.safejson import Json

_TEXT = {"type": "string"}
_MAYBE = {"type": ["string", "null"]}

RUN: Schema = {
    "type": "object",
    "required": ["id", "ticket", "event_id", "flow", "version"],
    "additionalProperties": False,
    "properties": {
        "id": _TEXT,
        "ticket": _TEXT,
        "event_id": _TEXT,
        "flow": _TEXT,
        "version": {"type": "integer"},
        "customer": _MAYBE,
        "ordinal": {"type": "integer"},
        "url": _TEXT,
    },
}
# What a runbook sees of the flow's run, beside the above.
RUN_SEEN_FROM_OUTSIDE: Schema = {
    **RUN,
    "properties": {
        **RUN["properties"],
        "state": _TEXT,
        "step": _TEXT,
        "effects": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"scope": _TEXT, "key": _TEXT, "state": _TEXT, "path": _TEXT},
            },
        },
    },
}
CUSTOMER: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"id": _MAYBE, "email": _MAYBE, "name": _MAYBE},
}
TICKET: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"key": _TEXT, "id": _TEXT, "system": _TEXT, "url": _MAYBE},
}
SUBJECT: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"key": _MAYBE, "before": _MAYBE, "after": _MAYBE},
}
REFUSED: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"reason": _TEXT, "detail": _TEXT},
}


def shape_of(value: Json) -> Schema:
    """Return a schema that declares what a value at hand has: for constants."""
    match value:
        case Mapping():
            properties = {key: shape_of(child) for key, child in value.items()}
            return {"type": "object", "additionalProperties": False, "properties": properties}
        case list():
            return {"type": "array", "items": {"anyOf": [shape_of(child) for child in value]}}
        case _:
            return {"const": value}


def object_of(properties: Mapping[str, Schema]) -> dict[str, Any]:
    """Return the schema of an object with exactly these properties."""
    return {"type": "object", "additionalProperties": False, "properties": dict(properties)}
