"""Hostile and mistaken schemas are refused when saved: with the place, and quickly."""

from __future__ import annotations

import time
from typing import Any

import pytest

from contracts_app.rules.schema_safety import schema_findings
from meshline.core.findings import Severity


def nested(levels: int) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(levels):
        schema = {"properties": {"a": schema}}
    return schema


def doubled(levels: int) -> dict[str, Any]:
    refs = {
        f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]}
        for n in range(levels)
    }
    return {"$defs": {**refs, f"d{levels}": {"type": "string"}}, "$ref": "#/$defs/d0"}


REFUSED: list[tuple[Any, str, str]] = [
    (True, "", "accepts everything"),
    (False, "", "accepts nothing"),
    ({}, "", "accepts everything"),
    ({"description": "x" * 300_000}, "", "bytes"),
    (nested(40), "", "levels deep"),
    (nested(900), "", "levels deep"),
    (nested(20_000), "", "levels deep"),
    ({"properties": {f"p{n}": {} for n in range(2_001)}}, "", "2000 subschemas"),
    ({"properties": {f"p{n}": {"pattern": "a"} for n in range(201)}}, "", "200 patterns"),
    ({"pattern": "a" * 513}, "/pattern", "513 characters"),
    ({"pattern": "^(a+)+\\1b$"}, "/pattern", "refused"),
    ({"patternProperties": {"(?<=a)b": {}}}, "/patternProperties", "refused"),
    ({"pattern": "a{100000000}"}, "/pattern", "refused"),
    ({"enum": list(range(5_001))}, "/enum", "5001 values"),
    ({"$ref": "http://example.com/x"}, "/$ref", "does not lead into this schema"),
    ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "/properties/a/$ref", "does not lead"),
    ({"$ref": "#"}, "", "leads back to itself"),
    ({"allOf": [{"$ref": "#"}]}, "", "leads back to itself"),
    (
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"not": {"$ref": "#/$defs/a"}}},
         "properties": {"x": {"$ref": "#/$defs/a"}}},
        "", "leads back to itself",
    ),
    (doubled(18), "", "multiplied out"),
    ({"minLength": 5, "maxLength": 2}, "/minLength", "nothing fits"),
    ({"type": "strang"}, "/type", "no usable JSON Schema"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "path", "said"), REFUSED, ids=[str(n) for n in range(22)])
def test_hostile_schema_is_refused_with_place_and_reason(schema: Any, path: str, said: str) -> None:
    begun = time.thread_time()
    finding = schema_findings(schema, at="/schema/payload")[0]
    assert time.thread_time() - begun < 0.25
    assert finding.path == f"/schema/payload{path}"
    assert said in finding.message
    assert finding.severity is Severity.REFUSED


def test_a_heap_of_large_patterns_does_not_hold_the_process() -> None:
    heap = {"properties": {f"p{n}": {"pattern": f"(.{{1,100}}){{1,9}}y{n}"} for n in range(200)}}
    begun = time.thread_time()
    schema_findings(heap)
    assert time.thread_time() - begun < 0.25


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"requried": ["a"]}, "/requried"),
        ({"required": ["a"], "properties": {}, "additionalProperties": False}, "/required"),
    ],
)
def test_probable_mistake_asks_for_confirmation(schema: dict[str, Any], path: str) -> None:
    (finding,) = schema_findings(schema)
    assert (finding.path, finding.severity) == (path, Severity.WARNING)


@pytest.mark.parametrize(
    "schema",
    [
        nested(30),
        {"pattern": "^(a+)+$"},
        {"pattern": "^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}$"},
        {"properties": {"children": {"items": {"$ref": "#"}}}},
        {"$anchor": "tree", "properties": {"child": {"$ref": "#tree"}}},
        {"$defs": {"m": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/m"}}},
        {"properties": {"email": {"type": "string", "x-pii": "email"}}},
    ],
)
def test_honest_schema_passes(schema: dict[str, Any]) -> None:
    assert schema_findings(schema) == []
