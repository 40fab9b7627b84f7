"""Realistic contract schemas, and single changes of them whose effect is known beforehand.

A change "narrows" if some payload that was accepted is refused afterwards, "widens" if some payload
that was refused is accepted and none the other way round, and "same" if neither.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One changed schema; `effect` is the truth about it."""

    name: str
    effect: str
    schema: Schema


def single_changes(schema: Schema) -> Iterator[Change]:
    """Yield every single change of a few kinds, at every subschema that a payload can reach."""
    for path in _reachable(schema, ()):
        node = _at(schema, path)
        where = "/".join(map(str, path)) or "root"
        for name, effect, changed in _changes(node):
            made = copy.deepcopy(schema)
            if path:
                _at(made, path[:-1])[path[-1]] = changed
            else:
                made = changed
            yield Change(f"{where}: {name}", effect, made)


def _at(schema: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        schema = schema[step]
    return schema


def _reachable(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    yield path
    for keyword in ("properties", "$defs", "definitions", "patternProperties"):
        for name, child in node.get(keyword, {}).items():
            yield from _reachable(child, (*path, keyword, name))
    if isinstance(node.get("items"), dict):
        yield from _reachable(node["items"], (*path, "items"))


def _changes(node: Schema) -> Iterator[tuple[str, str, Schema]]:
    yield from _notes(node)
    yield from _of_objects(node)
    yield from _of_strings(node)
    yield from _of_numbers(node)
    yield from _of_arrays(node)
    yield from _of_choices(node)


def _notes(node: Schema) -> Iterator[tuple[str, str, Schema]]:
    yield "description", "same", {**node, "description": "said in other words"}
    if isinstance(node.get("type"), str) and "enum" not in node and "const" not in node:
        yield "type widened", "widens", {**node, "type": [node["type"], "null"]}


def _of_objects(node: Schema) -> Iterator[tuple[str, str, Schema]]:
    properties = node.get("properties")
    if not properties:
        return
    required = node.get("required", [])
    for name in properties:
        fewer = {k: v for k, v in properties.items() if k != name}
        if name in required:
            left = [one for one in required if one != name]
            yield f"{name} optional", "widens", {**node, "required": left}
        else:
            yield f"{name} required", "narrows", {**node, "required": [*required, name]}
            closed = node.get("additionalProperties") is False
            yield f"{name} gone", "narrows" if closed else "widens", {**node, "properties": fewer}
    if node.get("additionalProperties") is False:
        more = {**properties, "added_later": {"type": "string"}}
        yield "property added", "widens", {**node, "properties": more}
        opened = {k: v for k, v in node.items() if k != "additionalProperties"}
        yield "opened", "widens", opened
    elif "additionalProperties" not in node and "patternProperties" not in node:
        yield "closed", "narrows", {**node, "additionalProperties": False}


def _of_strings(node: Schema) -> Iterator[tuple[str, str, Schema]]:
    if node.get("type") != "string":
        return
    if "maxLength" in node:
        yield "maxLength up", "widens", {**node, "maxLength": node["maxLength"] + 10}
        if node["maxLength"] > 3:
            yield "maxLength down", "narrows", {**node, "maxLength": node["maxLength"] - 2}
    elif not {"format", "pattern", "enum", "const"} & node.keys():
        yield "maxLength added", "narrows", {**node, "maxLength": 40}
    if "minLength" in node and node["minLength"] > 0:
        yield "minLength down", "widens", {**node, "minLength": node["minLength"] - 1}
    if "pattern" in node:
        yield "pattern gone", "widens", {k: v for k, v in node.items() if k != "pattern"}
        yield "pattern other", "narrows", {**node, "pattern": "^zz_[0-9]{3}$"}
    elif not {"format", "enum", "const"} & node.keys():
        yield "pattern added", "narrows", {**node, "pattern": "^[A-Z]{2,8}$"}
    if "format" in node:
        yield "format gone", "widens", {k: v for k, v in node.items() if k != "format"}
        other = "ipv4" if node["format"] != "ipv4" else "date"
        yield "format other", "narrows", {**node, "format": other}


def _of_numbers(node: Schema) -> Iterator[tuple[str, str, Schema]]:
    if node.get("type") not in ("integer", "number"):
        return
    if node["type"] == "integer":
        yield "any number", "widens", {**node, "type": "number"}
    elif "multipleOf" not in node:
        yield "whole", "narrows", {**node, "type": "integer"}
    yield "now a text", "narrows", {**node, "type": "string"}
    if "minimum" in node:
        yield "minimum up", "narrows", {**node, "minimum": node["minimum"] + 1}
        yield "minimum down", "widens", {**node, "minimum": node["minimum"] - 1}
    else:
        yield "minimum added", "narrows", {**node, "minimum": 5}
    if "maximum" in node:
        yield "maximum down", "narrows", {**node, "maximum": node["maximum"] - 1}
        yield "maximum up", "widens", {**node, "maximum": node["maximum"] + 1}


def _of_arrays(node: Schema) -> Iterator[tuple[str, str, Schema]]:
    if node.get("type") != "array":
        return
    if node.get("minItems", 0) > 0:
        yield "minItems down", "widens", {**node, "minItems": node["minItems"] - 1}
    yield "minItems up", "narrows", {**node, "minItems": node.get("minItems", 0) + 1}
    if "maxItems" in node:
        yield "maxItems down", "narrows", {**node, "maxItems": node["maxItems"] - 1}
        yield "maxItems up", "widens", {**node, "maxItems": node["maxItems"] + 1}
    if node.get("uniqueItems"):
        yield "may repeat", "widens", {k: v for k, v in node.items() if k != "uniqueItems"}
    else:
        yield "no repeats", "narrows", {**node, "uniqueItems": True}


def _of_choices(node: Schema) -> Iterator[tuple[str, str, Schema]]:
    if "enum" in node:
        yield "value added", "widens", {**node, "enum": [*node["enum"], "added_later"]}
        for value in node["enum"]:
            left = [one for one in node["enum"] if one != value]
            if left:
                yield f"{value} gone", "narrows", {**node, "enum": left}


def _object(required: str, properties: Schema, **more: Any) -> Schema:
    return {"type": "object", "required": required.split(), "properties": properties, **more}


MONEY = _object(
    "value currency",
    {"value": {"type": "integer", "minimum": 0},
     "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}},
    additionalProperties=False,
)  # fmt: skip
ADDRESS = _object(
    "line1 city country",
    {
        "line1": {"type": "string", "minLength": 1, "maxLength": 120},
        "line2": {"type": "string", "maxLength": 120},
        "city": {"type": "string", "minLength": 1, "maxLength": 80},
        "postcode": {"type": "string", "pattern": "^[A-Z0-9 -]{3,10}$"},
        "country": {"enum": ["DE", "NL", "SE", "FR"]},
    },
)

# An order of a shop: closed, lines, addresses, a condition on how it is delivered. 38 properties.
ORDER: Schema = _object(
    "id type time order",
    {
        "id": {"type": "string", "minLength": 1, "maxLength": 64},
        "type": {"const": "shop.order.placed"},
        "time": {"type": "string", "format": "date-time"},
        "order": _object(
            "number customer lines total delivery",
            {
                "number": {"type": "string", "pattern": "^O-[0-9]{4,10}$"},
                "channel": {"enum": ["web", "app", "phone"]},
                "note": {"type": "string", "maxLength": 500},
                "customer": _object(
                    "id email",
                    {
                        "id": {"type": "string", "pattern": "^cus_[a-z0-9]{6,20}$"},
                        "email": {"type": "string", "format": "email"},
                        "name": {"type": "string"},
                        "language": {"enum": ["de", "en", "nl"]},
                        "born": {"type": "string", "format": "date"},
                    },
                ),
                "lines": {
                    "type": "array", "minItems": 1, "maxItems": 50,
                    "items": _object(
                        "sku quantity price",
                        {
                            "sku": {"type": "string", "minLength": 3, "maxLength": 32},
                            "quantity": {"type": "integer", "minimum": 1, "maximum": 99},
                            "price": {"$ref": "#/$defs/money"},
                            "gift": {"type": "boolean"},
                        },
                        additionalProperties=False,
                    ),
                },
                "total": {"$ref": "#/$defs/money"},
                "discount": {"type": "number", "minimum": 0, "maximum": 1},
                "codes": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
                "billing": {"$ref": "#/$defs/address"},
                "delivery": {"enum": ["parcel", "pickup", "download"]},
                "address": {"$ref": "#/$defs/address"},
                "shop": {"type": "string"},
            },
            additionalProperties=False,
        ) | {
            "if": {"properties": {"delivery": {"const": "parcel"}}},
            "then": {"required": ["address"]},
        },
    },
    additionalProperties=False,
) | {"$schema": "https://json-schema.org/draft/2020-12/schema",
     "$defs": {"money": MONEY, "address": ADDRESS}}  # fmt: skip
ORDER_EXAMPLE = {
    "id": "evt_1", "type": "shop.order.placed", "time": "2026-01-05T10:00:00Z",
    "order": {
        "number": "O-10023", "channel": "web",
        "customer": {"id": "cus_abc123", "email": "maja@customer.example"},
        "lines": [{"sku": "MUG-1", "quantity": 2, "price": {"value": 900, "currency": "EUR"}}],
        "total": {"value": 1800, "currency": "EUR"}, "delivery": "parcel",
        "address": {"line1": "Kai 1", "city": "Hamburg", "country": "DE"},
    },
}  # fmt: skip

# A ticket of a help desk, draft-07: open objects, fields by pattern. 27 properties.
TICKET: Schema = _object(
    "ticket event",
    {
        "event": _object(
            "id kind",
            {
                "id": {"type": "string", "format": "uuid"},
                "kind": {"enum": ["created", "updated", "solved", "reopened"]},
                "sequence": {"type": "integer", "minimum": 0},
            },
        ),
        "ticket": _object(
            "id status requester created_at",
            {
                "id": {"type": "integer", "minimum": 1},
                "status": {"enum": ["new", "open", "pending", "solved", "closed"]},
                "priority": {"enum": ["low", "normal", "high", "urgent"]},
                "subject": {"type": "string", "minLength": 1, "maxLength": 200},
                "tags": {"type": "array", "items": {"type": "string", "maxLength": 40},
                         "maxItems": 20},
                "created_at": {"type": "string", "format": "date-time"},
                "due_on": {"type": "string", "format": "date"},
                "url": {"type": "string", "format": "uri"},
                "satisfaction": {"type": "number", "minimum": 0, "maximum": 5},
                "requester": {"$ref": "#/definitions/person"},
                "assignee": {"$ref": "#/definitions/person"},
                "fields": {"type": "object",
                           "patternProperties": {"^f_[a-z]+$": {"type": "string"}},
                           "additionalProperties": False},
            },
        ),
    },
) | {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "definitions": {
        "person": _object(
            "id",
            {
                "id": {"type": "integer", "minimum": 1},
                "email": {"type": "string", "format": "email"},
                "name": {"type": "string", "maxLength": 100},
                "phone": {"type": "string", "pattern": "^\\+[0-9]{6,15}$"},
                "vip": {"type": "boolean"},
            },
        )
    },
}  # fmt: skip
TICKET_EXAMPLE = {
    "event": {"id": "7f1c1f0e-5d0b-4b53-9d5d-0e8f6f7f9b11", "kind": "created"},
    "ticket": {
        "id": 4812, "status": "new", "created_at": "2026-01-05T10:00:00Z",
        "requester": {"id": 7, "email": "maja@customer.example"},
    },
}  # fmt: skip
REALISTIC = {"order": (ORDER, ORDER_EXAMPLE), "ticket": (TICKET, TICKET_EXAMPLE)}
