"""What a JSON Schema says of a path: there or not, and of which types."""

from __future__ import annotations

from typing import Any

import pytest

from contracts_app.rules.schema_paths import any_of, look_up, names_at

MONEY = {"type": "object", "required": ["value"], "properties": {"value": {"type": "integer"}}}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "object",
            "additionalProperties": False,
            "required": ["amount"],
            "properties": {
                "amount": {"$ref": "#/$defs/money"},
                "status": {"enum": ["a", None]},
                "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {}}}},
                "fields": {"type": "object"},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "either": {"oneOf": [{"properties": {"a": {"type": "string"}}}, MONEY]},
                "both": {"allOf": [MONEY, {"properties": {"note": {"type": "string"}}}]},
            },
        },
        "me": {"$ref": "#"},
    },
    "$defs": {"money": MONEY, "loop": {"$ref": "#/$defs/loop"}},
}


@pytest.mark.parametrize(
    ("path", "types"),
    [
        ("data", {"object"}),
        ("data.amount.value", {"integer"}),
        ("data.status", {"string", "null"}),
        ("data.fields.anything", None),
        ("data.labels.any", {"string"}),
        ("data.either.a", {"string"}),
        ("data.either.value", {"integer"}),
        ("data.both.note", {"string"}),
        ("data.both.value", {"integer"}),
        ("me.me.data.amount.value", {"integer"}),
    ],
)
def test_a_declared_path_is_there_with_its_types(path: str, types: set[str] | None) -> None:
    found = look_up(SCHEMA, path.split("."))

    assert found is not None
    assert types is None or found.types == types


@pytest.mark.parametrize(
    "path", ["dat", "data.amountt", "data.amount.currency", "data.status.x", "data.both.missing"]
)
def test_an_undeclared_path_is_not_there(path: str) -> None:
    assert look_up(SCHEMA, path.split(".")) is None


def test_any_item_of_a_list_stands_for_all() -> None:
    assert look_up(SCHEMA, ["data", "lines", None, "sku"]) is not None
    assert look_up(SCHEMA, ["data", "lines", None, "skuu"]) is None


def test_required_all_the_way_is_not_optional() -> None:
    sure, maybe = look_up(SCHEMA, ["data", "amount", "value"]), look_up(SCHEMA, ["data", "status"])

    assert sure is not None
    assert maybe is not None
    assert (sure.optional, maybe.optional) == (False, True)


def test_a_schema_without_limits_has_every_path_and_circles_end() -> None:
    assert look_up(True, ["a", "b"]) is not None
    assert look_up({}, ["a"]) is not None
    assert look_up({"$ref": "#", "additionalProperties": False}, ["a"]) is None


def test_names_are_told_for_a_remedy() -> None:
    assert names_at(SCHEMA, ["data", "amount"]) == ("value",)
    assert names_at(SCHEMA, ["nowhere"]) == ()


def test_one_of_several_schemas_keeps_the_references_of_each() -> None:
    other = {"properties": {"x": {"$ref": "#/$defs/money"}}, "$defs": {"money": {"type": "string"}}}

    together = any_of([SCHEMA, other])

    left, right = look_up(together, ["data", "amount"]), look_up(together, ["x"])
    assert left is not None
    assert right is not None
    assert left.types == {"object"}
    assert right.types == {"string"}
