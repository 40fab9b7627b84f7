"""Contracts as AsyncAPI, JSON Schema and CloudEvents; and which envelopes a source takes."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts_app.rules.standards import cloudevents
from contracts_app.rules.standards.asyncapi_export import to_asyncapi
from contracts_app.rules.standards.json_schema import to_json_schema
from contracts_app.rules.validate import violations
from meshline.core.errors import BadJson, BadValue, SchemaRefused
from meshline.core.pointers import MISSING, get
from meshline.core.safejson import loads
from orchestration.rules.source_map import map_delivery
from orchestration.rules.source_spec import default_source, source_of
from tests.rules.standard_contracts import (
    SHARED,
    contract,
    each_contract,
    read,
    require_official,
)

REGISTRY = "https://registry.example"
SUITE = SHARED / "json-schema-test-suite"
DIALECT_OF = {"draft2020-12": "2020-12", "draft7": "draft-07"}
VECTORS = SHARED / "cloudevents" / "http-vectors.json"


def _references(node: Any) -> list[str]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    own = [node["$ref"]] if isinstance(node, dict) and isinstance(node.get("$ref"), str) else []
    return own + [found for child in children for found in _references(child)]


class TestAsyncApi:
    @each_contract
    def test_is_valid_by_the_official_schema(self, path: Path) -> None:
        require_official("asyncapi-3.0.0.json", to_asyncapi(read(path)))

    @each_contract
    def test_every_reference_leads_somewhere_from_the_root(self, path: Path) -> None:
        told = to_asyncapi(read(path))
        parts = [told["channels"], told["operations"], told["components"]]

        assert [one for one in _references(parts) if get(told, one[1:], MISSING) is MISSING] == []

    @each_contract
    def test_holds_all_of_the_contract(self, path: Path) -> None:
        document = read(path).document
        told = to_asyncapi(read(path))

        said = {"name", "version", "title", "description", "tags"}
        for key in document.keys() - said:
            assert told[key if key.startswith("x-") else f"x-meshline-{key}"] == document[key]
        assert told["info"]["version"] == document["version"]

    def test_says_channel_operations_and_examples(self) -> None:
        told = to_asyncapi(contract(consumers=[{"system": "bi"}]), registry=REGISTRY)

        assert told["channels"]["stock.level.changed"]["address"] == "stock.levels"
        assert {name: one["action"] for name, one in told["operations"].items()} == {
            "send-shop": "send", "receive-bi": "receive",
        }  # fmt: skip
        message = told["components"]["messages"]["stock.level.changed"]
        assert message["examples"] == [{"name": "one", "payload": {"number": 1}}]
        assert message["x-meshline-cloudevents"]["dataschema"].startswith(REGISTRY)
        require_official("asyncapi-3.0.0.json", told)

    def test_schema_that_draft_07_cannot_say_goes_out_as_written(self) -> None:
        payload = {"type": "object", "required": ["number"], "unevaluatedProperties": False,
                   "properties": {"number": {"type": "integer"}}}  # fmt: skip
        told = to_asyncapi(contract(schema={"payload": payload}))

        message = told["components"]["messages"]["stock.level.changed"]
        assert message["payload"]["schemaFormat"].endswith("version=draft-2020-12")
        require_official("asyncapi-3.0.0.json", told)


LATER = {
    "type": "object",
    "required": ["number"],
    "properties": {
        "number": {"$ref": "#/$defs/count", "maximum": 9},
        "pair": {"type": "array", "prefixItems": [{"type": "string"}], "items": False},
        "a": {"type": "string"},
    },
    "dependentRequired": {"a": ["b"]},
    "dependentSchemas": {"a": {"properties": {"b": {"const": 1}}}},
    "$defs": {"count": {"type": "integer"}},
}
EARLIER = {
    "type": "object",
    "required": ["number"],
    "properties": {
        "number": {"$ref": "#/definitions/count", "maximum": 0},
        "pair": {"type": "array", "items": [{"type": "string"}], "additionalItems": False},
        "a": {"type": "string"},
        "c": {"type": "array", "prefixItems": [False]},
    },
    "dependencies": {"a": ["b"], "c": {"required": ["a"]}},
    "definitions": {"count": {"type": "integer"}},
}
PAYLOADS = [
    {"number": 1},
    {"number": 10},
    {"number": "1"},
    {},
    {"number": 1, "pair": ["a"]},
    {"number": 1, "pair": [1]},
    {"number": 1, "pair": ["a", "b"]},
    {"number": 1, "a": "x"},
    {"number": 1, "a": "x", "b": 1},
    {"number": 1, "a": "x", "b": 2},
    {"number": 1, "c": [1]},
    {"number": 1, "c": [1], "a": "x", "b": 1},
]


class TestJsonSchema:
    @pytest.mark.parametrize("dialect", ["draft-07", "2020-12"])
    @each_contract
    def test_judges_every_example_as_the_contract_does(self, path: Path, dialect: str) -> None:
        spec = read(path)
        schema = to_json_schema(spec, dialect)

        assert dialect in schema["$schema"].replace("/draft/", "/draft-")
        for example in spec.examples_valid:
            assert violations(schema, example.payload) == []
        for example in spec.examples_invalid:
            assert violations(schema, example.payload)

    @pytest.mark.parametrize(
        ("payload", "own", "other"),
        [(LATER, "2020-12", "draft-07"), (EARLIER, "draft-07", "2020-12")],
    )
    def test_means_the_same_in_the_other_dialect(
        self, payload: dict[str, Any], own: str, other: str
    ) -> None:
        spec = contract(schema={"dialect": own, "payload": payload})
        mine, theirs = to_json_schema(spec, own), to_json_schema(spec, other)

        for one in PAYLOADS:
            assert (violations(mine, one) == []) == (violations(theirs, one) == []), one

    @pytest.mark.parametrize(
        "beyond",
        [
            {"unevaluatedProperties": False},
            {"properties": {"number": {"$ref": "#/properties/l/prefixItems/0"},
                            "l": {"prefixItems": [{"type": "integer"}]}}},
        ],
    )  # fmt: skip
    def test_what_draft_07_cannot_say_is_refused(self, beyond: dict[str, Any]) -> None:
        payload = {"type": "object", "required": ["number"],
                   "properties": {"number": {"type": "integer"}}} | beyond  # fmt: skip
        spec = contract(schema={"payload": payload})

        with pytest.raises(SchemaRefused):
            to_json_schema(spec, "draft-07")
        assert to_json_schema(spec, "2020-12")["type"] == "object"


@pytest.mark.skipif(not SUITE.exists(), reason="the shared fixtures are not beside this checkout")
@pytest.mark.parametrize(
    ("own", "other", "folder", "fewest"),
    [("2020-12", "draft-07", "draft2020-12", 850), ("draft-07", "2020-12", "draft7", 800)],
)
def test_official_suite_is_judged_alike_in_the_other_dialect(
    own: str, other: str, folder: str, fewest: int
) -> None:
    compared, unlike = 0, []
    for schema, tests, name in _cases(folder):
        written = dataclasses.replace(contract(), schema=schema, dialect=own)
        try:
            changed = to_json_schema(written, other)
        except SchemaRefused:
            continue
        for test in tests:
            compared += 1
            before = violations(schema, test["data"], dialect=own) == []
            if before != (violations(changed, test["data"]) == []):
                unlike.append(f"{name}: {test['description']}")

    assert unlike == []
    assert compared >= fewest


def _cases(folder: str) -> Iterator[tuple[Any, list[Any], str]]:
    """Every schema of the suite in one dialect that Meshline can use, with its tests."""
    for path in sorted((SUITE / "tests" / folder).rglob("*.json")):
        for case in json.loads(path.read_text(encoding="utf-8")):
            try:
                violations(case["schema"], None, dialect=DIALECT_OF[folder])
            except SchemaRefused:
                continue
            yield case["schema"], case["tests"], f"{path.stem}, {case['description']}"


class TestCloudEvents:
    def test_wraps_a_payload_that_is_no_envelope(self) -> None:
        event = cloudevents.to_cloudevent(contract(), {"number": 7}, registry=f"{REGISTRY}/")

        assert event == {
            "specversion": "1.0",
            "type": "stock.level.changed",
            "id": "7",
            "source": "/shop",
            "datacontenttype": "application/json",
            "dataschema": f"{REGISTRY}/api/v1/contracts/stock.level.changed/versions/1.10",
            "data": {"number": 7},
        }
        assert cloudevents.envelope_violations(event) == []

    @each_contract
    def test_gives_an_envelope_only_its_dataschema(self, path: Path) -> None:
        spec = read(path)
        for example in spec.examples_valid:
            event = cloudevents.to_cloudevent(spec, example.payload)

            assert event["type"] == spec.name
            assert event["id"] == get(example.payload, spec.identity.event_id)
            assert cloudevents.envelope_violations(event) == []
            assert event.pop("dataschema").endswith(f"{spec.name}:{spec.version}")
            assert event == example.payload

    def test_payload_without_the_producers_id_is_refused(self) -> None:
        with pytest.raises(BadValue, match="/number"):
            cloudevents.to_cloudevent(contract(), {"number": None})


def _vectors(mode: str) -> list[Any]:
    if not VECTORS.exists():
        reason = "the shared fixtures are not beside this checkout"
        return [pytest.param({}, marks=pytest.mark.skip(reason=reason))]
    found = json.loads(VECTORS.read_text(encoding="utf-8"))
    return [pytest.param(one, id=one["id"]) for one in found if one["mode"] == mode]


@pytest.mark.parametrize("vector", _vectors("structured"))
class TestStructuredMode:
    def test_envelope_is_judged_as_the_vector_says(self, vector: dict[str, Any]) -> None:
        try:
            body = loads(base64.b64decode(vector["body_base64"]))
        except BadJson:
            assert vector["expected"] == "reject"
            return

        found = cloudevents.envelope_violations(body)

        assert bool(found) == (vector["expected"] == "reject"), found

    def test_source_takes_its_id_its_type_and_its_whole_body(self, vector: dict[str, Any]) -> None:
        if vector["expected"] == "reject":
            pytest.skip("no CloudEvent; which contract refuses it is the contract's own schema")
        [event] = vector["events"]
        source = default_source(
            "partner", scheme="none", contracts=[event["type"], "other.kind"], on_violation="hold"
        )

        mapped = map_delivery(
            source_of(source),
            headers=vector["headers"],
            body=loads(base64.b64decode(vector["body_base64"])),
        )

        assert (mapped.external_id, mapped.kind) == (event["id"], event["type"])
        assert mapped.contract == event["type"]
        assert mapped.payload == event
        assert mapped.problems == ()
