"""Verdicts on changed schemas: no pass and no break that is none, and a payload to show."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import rstr

from contracts_app.rules.compat import Comparison, compare
from contracts_app.rules.inclusion import included
from contracts_app.rules.samples import FORMATS
from contracts_app.rules.validate import violations
from tests.rules.schema_changes import REALISTIC, Change, single_changes

PAIRS = Path(__file__).resolve().parents[3] / "shared/fixtures/compat/apicurio.json"
OPEN = {"type": "object", "properties": {"a": {"type": "string"}}}
CLOSED = OPEN | {"additionalProperties": False}
NUMBER = {"type": "integer", "minimum": 3}
HAND_MADE: dict[str, tuple[Any, Any, str]] = {
    "the same": (OPEN, OPEN, "compatible"),
    "everything to a text": (True, {"type": "string"}, "breaking"),
    "a text to everything": ({"type": "string"}, True, "compatible"),
    "nothing to something": (False, OPEN, "compatible"),
    "a removed property of a closed object": (CLOSED, {"additionalProperties": False}, "breaking"),
    "a described property of an open object":
        (OPEN, OPEN | {"properties": {"a": {"type": "string"}, "b": {"minimum": 1}}}, "breaking"),
    "a property added to a closed object":
        (CLOSED, CLOSED | {"properties": {"a": {"type": "string"}, "b": {}}}, "compatible"),
    "a whole number to any": ({"type": "integer"}, {"type": "number"}, "compatible"),
    "any number to a whole one": ({"type": "number"}, {"type": "integer"}, "breaking"),
    "cents": ({"multipleOf": 0.1}, {"multipleOf": 0.01}, "compatible"),
    "a value removed": ({"enum": ["a", "b"]}, {"enum": ["a"]}, "breaking"),
    "a value added": ({"enum": ["a"]}, {"enum": ["a", "b"]}, "compatible"),
    "a format asserted": ({"type": "string"}, {"type": "string", "format": "date"}, "breaking"),
    "a format for another":
        ({"type": "string", "format": "date"}, {"type": "string", "format": "uuid"}, "breaking"),
    "a pattern that says nothing":
        ({"type": "string"}, {"type": "string", "pattern": "[a-z]*"}, "compatible"),
    "one item at least": ({"type": "array"}, {"type": "array", "minItems": 1}, "breaking"),
    "overlapping choices":
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]},
         {"oneOf": [{"type": "integer"}, {"type": "number"}, {"type": "string"}]}, "breaking"),
    "a condition":
        ({"properties": {"k": {"enum": ["x", "y"]}}},
         {"properties": {"k": {"enum": ["x", "y"]}}, "if": {"properties": {"k": {"const": "x"}},
          "required": ["k"]}, "then": {"required": ["v"]}}, "breaking"),
    "words only": (NUMBER, NUMBER | {"title": "Count", "description": "How many."}, "compatible"),
    "draft-07 to 2020-12":
        ({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}],
          "additionalItems": False},
         {"$schema": "https://json-schema.org/draft/2020-12/schema",
          "prefixItems": [{"type": "string"}], "items": False}, "compatible"),
    "what draft-07 ignores beside a reference":
        ({"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/a",
          "minLength": 4, "definitions": {"a": {"type": "string"}}},
         {"$schema": "http://json-schema.org/draft-07/schema#", "type": "string", "minLength": 4},
         "breaking"),
    "dependencies in both dialects":
        ({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"},
         {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
          "dependencies": {"a": ["b"]}}, "breaking"),
}  # fmt: skip


@pytest.mark.parametrize("name", HAND_MADE)
def test_verdicts_of_small_changes(name: str) -> None:
    old, new, verdict = HAND_MADE[name]

    found = compare(old, new)

    assert found.verdict == verdict
    _check_witness(found, old, new)


@pytest.mark.parametrize("name", REALISTIC)
@pytest.mark.parametrize("seeded", [True, False], ids=["with_example", "without"])
def test_single_changes_of_realistic_contracts(name: str, seeded: bool) -> None:
    """Every safe change is proved or unknown; nineteen of twenty breaking ones show a payload."""
    schema, example = REALISTIC[name]
    shown: Counter[bool] = Counter()
    for change in single_changes(schema):
        found = compare(schema, change.schema, examples=[example] if seeded else [])
        if change.effect == "narrows":
            assert found.verdict != "compatible", change.name
            _check_witness(found, schema, change.schema)
            shown[found.counterexample is not None] += 1
        else:
            assert found.verdict != "breaking", change.name
        _check_words(change, found)
    assert shown[True] >= 0.95 * shown.total() > 40


@pytest.mark.skipif(not PAIRS.exists(), reason="the shared fixtures are not beside this checkout")
def test_published_pairs_are_judged_as_they_are_meant() -> None:
    """The pairs of fixtures/compat: nothing unsafe, nothing wrongly breaking, most decided."""
    cases = json.loads(PAIRS.read_bytes())["cases"]
    undecided = 0
    for case in cases:
        found = compare(case["old"], case["new"])
        meant = {"compatible": "compatible", "incompatible": "breaking"}[case["semantic"]]
        assert found.verdict in (meant, "unknown"), case["id"]
        undecided += found.verdict == "unknown"
        _check_witness(found, case["old"], case["new"])
    assert undecided <= 0.05 * len(cases)


@pytest.mark.parametrize("name", ["uuid", "duration"])
def test_format_that_the_older_dialect_does_not_check_is_none_of_its_words(name: str) -> None:
    """draft-07 takes any text for a uuid; 2020-12 does not, so the step between them breaks."""
    old = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
           "properties": {"id": {"type": "string", "format": name}}}  # fmt: skip
    new = {"type": "object", "properties": {"id": {"type": "string", "format": name}}}

    assert compare(old, new).verdict == "breaking"
    assert compare(new, old).verdict == "compatible"


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_that_is_asserted_is_seen_to_be(name: str) -> None:
    """A format that looked as if nothing checked it would be dropped from the comparison."""
    assert compare({"type": "string"}, {"type": "string", "format": name}).verdict == "breaking"


def test_forward_asks_the_other_way_round() -> None:
    wider = {"enum": ["a", "b"]}

    found = compare({"enum": ["a"]}, wider, direction="forward")

    assert (found.verdict, found.bump) == ("breaking", "major")
    assert found.counterexample is not None
    assert (found.counterexample.payload, found.counterexample.accepted_by) == ("b", "new")


def test_full_is_both_ways() -> None:
    assert compare({"enum": ["a"]}, {"enum": ["a", "b"]}, direction="full").verdict == "breaking"
    same = compare(NUMBER, {"minimum": 3, "type": "integer"}, direction="full")
    assert (same.verdict, same.bump) == ("compatible", "patch")


def test_tolerant_reader_permits_an_added_optional_property_and_shows_what_it_trusts() -> None:
    wider = OPEN | {"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}

    strict, tolerant = (compare(OPEN, wider, policy=p) for p in ("strict", "tolerant_reader"))

    assert (strict.verdict, strict.bump) == ("breaking", "major")
    assert (tolerant.verdict, tolerant.bump) == ("compatible", "minor")
    assert tolerant.counterexample is not None
    assert "b" in tolerant.counterexample.payload
    assert not any(change.breaking for change in tolerant.changes)


@pytest.mark.parametrize(
    "new",
    [
        OPEN | {"properties": {"a": {"type": "string"}, "b": {}}, "required": ["b"]},
        OPEN | {"properties": {"a": {"type": "string", "maxLength": 3}, "b": {}}},
        OPEN | {"additionalProperties": False},
    ],
    ids=["required", "and another narrowed", "closed"],
)  # fmt: skip
def test_tolerant_reader_still_breaks(new: dict[str, Any]) -> None:
    assert compare(OPEN, new, policy="tolerant_reader").verdict == "breaking"


@pytest.mark.parametrize(
    "old",
    [
        OPEN | {"allOf": [{"properties": {"b": {"type": "string"}}}]},
        OPEN | {"required": ["b"]},
        OPEN | {"patternProperties": {"^b": {"type": "string"}}},
        OPEN | {"if": {"required": ["a"]}, "then": {"properties": {"b": {"type": "string"}}}},
    ],
    ids=["combined", "required", "by pattern", "by condition"],
)
def test_tolerant_reader_trusts_nobody_with_a_name_that_was_in_use(old: dict[str, Any]) -> None:
    new = OPEN | {"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}

    assert compare(old, new, policy="tolerant_reader").verdict == "breaking"


def test_tolerant_reader_borrows_definitions() -> None:
    money = {"type": "object", "required": ["value"], "properties": {"value": {"type": "integer"}}}
    new = OPEN | {
        "properties": {"a": {"type": "string"}, "m": {"$ref": "#/$defs/money"}},
        "$defs": {"money": money},
    }

    assert compare(OPEN, new, policy="tolerant_reader").verdict == "compatible"


@pytest.mark.parametrize(
    ("old", "new", "bump"),
    [
        ({"enum": ["a"]}, {"enum": ["a", "b"]}, "minor"),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, "major"),
        ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}, "patch"),
        (NUMBER, NUMBER | {"description": "How many."}, "patch"),
    ],
)
def test_step_of_the_version_number(old: Any, new: Any, bump: str) -> None:
    assert compare(old, new).bump == bump


def test_changes_are_named_with_place_rule_and_sentence() -> None:
    schema, _ = REALISTIC["ticket"]
    changed = json.loads(json.dumps(schema))
    ticket = changed["properties"]["ticket"]["properties"]
    ticket["status"]["enum"].remove("pending")
    ticket["subject"]["maxLength"] = 100
    ticket["satisfaction"]["description"] = "Stars."
    changed["definitions"]["person"]["required"].append("email")

    found = compare(schema, changed)

    told = {(one.path, one.rule, one.breaking) for one in found.changes}
    assert told == {
        ("/ticket/status", "enum-value-removed", True),
        ("/ticket/subject", "maxLength-tightened", True),
        ("/ticket/satisfaction", "description-changed", False),
        ("/ticket/requester/email", "required-added", True),
        ("/ticket/assignee/email", "required-added", True),
    }
    assert all(one.sentence.startswith(f"{one.path}: ") for one in found.changes)


@pytest.mark.parametrize(
    "schema",
    [
        {"$schema": "https://schema.example/own"},
        {"$ref": "https://schema.example/money"},
        {"type": 7},
        {"pattern": "(a+)\\1"},
        {"$ref": "#"},
        {"allOf": [{"properties": {str(n): {"enum": list(range(99))} for n in range(2_100)}}]},
    ],
    ids=["dialect", "elsewhere", "no schema", "back-reference", "itself", "too large"],
)
def test_what_cannot_be_judged_is_unknown_and_says_why(schema: dict[str, Any]) -> None:
    found = compare(schema, OPEN)

    assert (found.verdict, found.bump) == ("unknown", "major")
    assert found.why


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#"}},
        {"type": "object", "required": ["c"], "properties": {"c": {"$ref": "#"}}},
        {"type": "object", "properties": {n: {"$ref": "#"} for n in "abcdefgh"}},
        {"type": "array", "minItems": 10**9},
        {"type": "object", "minProperties": 10**7},
        {"type": "string", "minLength": 10**9},
    ],
    ids=["properties", "endless", "wide", "items", "names", "text"],
)
def test_schemas_whose_payloads_have_no_end_are_judged_in_time(schema: dict[str, Any]) -> None:
    narrowed = {**schema, "not": {"const": {}}}

    for old, new in ((schema, narrowed), (narrowed, schema)):
        begun = time.thread_time()
        found = compare(old, new, budget_s=0.2)
        assert time.thread_time() - begun < 2
        _check_witness(found, old, new)


ASKING: dict[str, dict[str, Any]] = {
    "by a schema": {"minProperties": 1, "dependentSchemas": {"a": {"required": ["b"]}}},
    "by name": {"minProperties": 1, "dependentRequired": {"a": ["b"]}},
    "twice": {"dependentRequired": {"a": ["b"], "b": ["c"]}},
    "for a closed one": {
        "dependentSchemas": {"a": {"required": ["b"]}},
        "properties": {"b": {"const": 4}},
        "additionalProperties": False,
    },
}


@pytest.mark.parametrize("name", ASKING)
def test_payload_is_shown_where_a_property_asks_for_another(name: str) -> None:
    """Without what it asks for, no payload would be accepted before."""
    asking = {"type": "object", **ASKING[name]}
    old, new = (
        {**asking, "properties": {**asking.get("properties", {}), "a": {"minimum": least}}}
        for least in (3, 4)
    )
    found = compare(old, new)
    assert found.counterexample is not None
    _check_witness(found, old, new)


def test_payload_is_shown_for_what_is_excluded_now() -> None:
    old = {"properties": {"a": {"not": {"type": "number", "maximum": 2}}}}
    new = {"properties": {"a": {"not": {"type": "string", "maxLength": 0}}}}
    found = compare(old, new)
    assert found.counterexample is not None
    _check_witness(found, old, new)


def test_an_unknown_direction_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="sideways"):
        compare(OPEN, OPEN, direction="sideways")  # type: ignore[arg-type]


def _check_witness(found: Comparison, old: Any, new: Any) -> None:
    if found.counterexample is None:
        return
    payload = found.counterexample.payload
    assert violations(old, payload) == []
    assert list(found.counterexample.violations) == violations(new, payload) != []


def _check_words(change: Change, found: Comparison) -> None:
    assert found.changes, change.name
    if found.verdict == "compatible":
        assert not any(one.breaking for one in found.changes), change.name


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [(True, 1, "breaking"), (1, True, "breaking"), (0, False, "breaking"), (1, 1.0, "compatible"),
     ([1], [True], "breaking"), ({"a": 0}, {"a": False}, "breaking")],
)  # fmt: skip
@pytest.mark.parametrize("keyword", ["enum", "const"])
def test_true_is_not_one_as_it_is_to_python(
    keyword: str, before: Any, after: Any, verdict: str
) -> None:
    old, new = (
        {"properties": {"paid": {keyword: [value] if keyword == "enum" else value}}}
        for value in (before, after)
    )

    found = compare(old, new)

    assert found.verdict == verdict
    assert bool(found.counterexample) is (verdict == "breaking")
    assert {one.rule for one in found.changes} == (
        {"enum-value-added", "enum-value-removed"} if verdict == "breaking" else set()
    )


@pytest.mark.parametrize("name", HAND_MADE)
def test_who_asks_for_proofs_only_is_told_the_same_of_what_is_proved(name: str) -> None:
    old, new, _ = HAND_MADE[name]
    for inner, outer in ((old, new), (new, old)):
        whole, proved = included(inner, outer), included(inner, outer, proofs_only=True)
        assert (proved.verdict == "compatible") == (whole.verdict == "compatible")


def test_texts_of_a_pattern_are_made_once_for_all_comparisons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a check of many contracts spends most of its time on them."""
    made: Counter[str] = Counter()
    honest = rstr.Rstr.xeger

    def counted(self: rstr.Rstr, pattern: str) -> str:
        made[pattern] += 1
        return honest(self, pattern)

    monkeypatch.setattr(rstr.Rstr, "xeger", counted)
    pattern = "^once-[a-z]{3}-[0-9]{4}$"
    old = {
        "type": "object",
        "properties": {"id": {"type": "string", "pattern": pattern}},
        "required": ["id"],
        "additionalProperties": False,
    }
    for number in range(10):
        new = old | {"properties": {**old["properties"], f"note{number}": {"type": "string"}}}  # type: ignore[dict-item]
        assert compare(old, new).verdict == "compatible"
    assert 1 <= made[pattern] <= 4
