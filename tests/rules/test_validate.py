"""Verdicts on payloads: human sentences, offline, bounded, and true to the official suite."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts_app.rules.validate import MAX_VIOLATIONS, Violation, compile_schema, violations
from meshline.core.errors import SchemaRefused

SUITE = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "json-schema-test-suite"
REFUND = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "amount"],
    "properties": {
        "id": {"type": "string", "minLength": 1},
        "amount": {
            "type": "object",
            "properties": {
                "value": {"type": "integer", "minimum": 0},
                "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
            },
        },
        "status": {"enum": ["pending", "succeeded", "failed"]},
        "email": {"format": "email"},
    },
}


def test_valid_payload_has_no_violations() -> None:
    assert violations(REFUND, {"id": "e", "amount": {"value": 1, "currency": "EUR"}}) == []


def test_every_violation_is_told_once_sorted_with_a_sentence() -> None:
    payload = {
        "x": 1,
        "amount": {"value": -1.5, "currency": "eur"},
        "status": "done",
        "email": "Maja <maja@example.com>",
    }
    assert violations(REFUND, payload) == [
        Violation("", "additionalProperties",
                  "the payload: the property 'x' is not allowed here"),
        Violation("", "required", "the payload: the property 'id' is missing"),
        Violation("/amount/currency", "pattern",
                  "/amount/currency: 'eur' does not match ^[A-Z]{3}$"),
        Violation("/amount/value", "minimum", "/amount/value: -1.5 is less than 0"),
        Violation("/amount/value", "type", "/amount/value: -1.5 is not of type integer"),
        Violation("/email", "format",
                  "/email: 'Maja <maja@example.com>' is not a valid email"),
        Violation("/status", "enum",
                  "/status: 'done' is none of 'pending', 'succeeded' or 'failed'"),
    ]  # fmt: skip


def test_trailing_newline_does_not_pass_an_anchored_pattern() -> None:
    assert violations({"pattern": "^[A-Z]{3}$"}, "EUR\n")


def test_formats_are_asserted_unless_the_contract_says_annotate() -> None:
    schema = {"format": "date-time"}
    assert violations(schema, "now")
    assert violations(schema, "now", formats=False) == []


def test_schemas_own_dialect_wins() -> None:
    tuple_of_2020 = {"prefixItems": [{"type": "string"}]}
    draft_7 = "http://json-schema.org/draft-07/schema#"
    assert violations(tuple_of_2020, [1])
    assert violations(tuple_of_2020, [1], dialect="draft7") == []
    assert violations({**tuple_of_2020, "$schema": draft_7}, [1], dialect="2020-12") == []


def test_a_schema_that_was_edited_is_compiled_anew() -> None:
    schema: dict[str, Any] = {"minimum": 5}
    assert violations(schema, 3)
    schema["minimum"] = 1
    assert violations(schema, 3) == []
    assert compile_schema(schema) is compile_schema({"minimum": 1})


def test_answer_to_a_payload_full_of_mistakes_has_an_end() -> None:
    assert len(violations({"items": {"type": "string"}}, [1] * 1_900)) == MAX_VIOLATIONS


def test_hostile_megabyte_is_refused_quickly_at_its_first_mistake() -> None:
    schema = {"items": {"anyOf": [{"required": [f"p{n}"]} for n in range(20)]}}
    begun = time.thread_time()
    (violation,) = violations(schema, [{"a": 1}] * 49_000)
    assert time.thread_time() - begun < 0.5
    assert violation.path == "/0"


def test_long_value_is_shortened_in_its_sentence() -> None:
    (violation,) = violations({"maxLength": 3}, "x" * 10_000)
    assert len(violation.sentence) < 200


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"$schema": "https://example.com/own"}, "dialect"),
        ({"$ref": "http://127.0.0.1:9/x"}, "leaves the schema"),
        ({"$ref": "file:///etc/passwd"}, "leaves the schema"),
        ({"properties": {"a": {"pattern": "^(?=a)b"}}}, "/properties/a/pattern"),
        ({"pattern": "^(a+)+\\1b$"}, "pattern"),
        ({"pattern": "(.{1,1000}){1,1000}y"}, "pattern"),
        ({"type": "strang"}, "no usable JSON Schema"),
        ({"$ref": "#/$defs/nothing"}, "does not exist"),
    ],
)
def test_schema_that_cannot_be_used_is_refused(schema: dict[str, Any], said: str) -> None:
    with pytest.raises(SchemaRefused, match=said):
        violations(schema, 1)


# What `violations` does not do as the suite asks, and why.
NOT_AS_THE_SUITE = {
    "refRemote.json": "remote references are never fetched",
    "dynamicRef.json": "some groups refer to remote schemas, which are never fetched",
    "vocabulary.json": "dialects of other people's making are refused",
}


def suite(dialect: str) -> Iterator[Any]:
    folder = SUITE / "tests" / dialect
    for file in sorted([*folder.glob("*.json"), *folder.glob("optional/format/*.json")]):
        yield pytest.param(file, dialect, id=f"{dialect}-{file.relative_to(folder)}")


@pytest.mark.skipif(not SUITE.exists(), reason="the official suite is not beside this checkout")
@pytest.mark.parametrize(("file", "dialect"), [*suite("draft7"), *suite("draft2020-12")])
def test_official_suite_agrees(file: Path, dialect: str) -> None:
    formats = "format" in file.parts
    short = {"draft7": "draft-07"}.get(dialect, "2020-12")
    for group in json.loads(file.read_text()):
        try:
            found = [violations(group["schema"], case["data"], dialect=short, formats=formats)
                     for case in group["tests"]]  # fmt: skip
        except SchemaRefused:
            assert file.name in NOT_AS_THE_SUITE, group["description"]
            continue
        assert [not each for each in found] == [case["valid"] for case in group["tests"]]
