"""Verdicts on random pairs of schemas, beside every payload of a list tried on both."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest

from contracts_app.rules.compat import compare
from contracts_app.rules.validate import compile_schema
from meshline.core.errors import SchemaRefused

Schema = Any
NAMES = "abcd"
SINGLE: list[Any] = [
    None, True, False, 0, 1, 2, 3, -1, 0.5, 2.5, 4, 6, "", "a", "b", "ab", "abc", "x", "bb",
    "2026-01-05", "a@b.example", "zzzzzzzz", [], [1], [1, 1], ["a"], [None], [1, 2, 3], {},
    {"k": 1},
]  # fmt: skip
PAIRS = 40


@pytest.mark.parametrize("seed", range(4))
def test_no_random_pair_passes_that_a_payload_breaks(seed: int) -> None:
    """What either says is true, and of most pairs it says something."""
    dice = Random(seed)  # noqa: S311 - a throw that can be repeated
    tried = decided = 0
    while tried < PAIRS:
        old = _schema(dice, 2)
        new = _changed(dice, old) if dice.random() < 0.7 else _schema(dice, 2)
        try:
            before, after = compile_schema(old, keep=False), compile_schema(new, keep=False)
        except SchemaRefused:
            continue
        tried += 1
        found = compare(old, new, budget_s=0.3)
        decided += found.verdict != "unknown"
        broken = [one for one in _payloads(dice) if before.is_valid(one) > after.is_valid(one)]
        assert not (found.verdict == "compatible" and broken), (old, new, broken[0])
        if found.counterexample is not None:
            shown = found.counterexample.payload
            assert before.is_valid(shown), (old, shown)
            assert not after.is_valid(shown), (new, shown)
        else:
            assert found.verdict != "breaking" or broken, (old, new)
    assert decided >= 0.9 * PAIRS


def _payloads(dice: Random) -> list[Any]:
    """Single values, and objects and lists of them."""
    made = list(SINGLE)
    for _ in range(200):
        names = dice.sample(NAMES + "e", dice.randrange(5))
        made.append({name: dice.choice(made) for name in names})
        made.append([dice.choice(SINGLE) for _ in range(dice.randrange(4))])
    return made


def _leaf(dice: Random) -> Schema:
    return dice.choice(
        [
            {"type": "string", "maxLength": dice.randrange(6)},
            {"type": "string", "pattern": dice.choice(["^a", "b$", "^[a-c]{2,3}$", "x"])},
            {"enum": dice.sample(["a", "b", 1, 2, None, True, [1], {"k": 1}], 2)},
            {"type": "integer", "minimum": dice.randrange(-2, 3)},
            {"type": "number", "maximum": dice.randrange(-2, 5)},
            {"type": dice.choice([["string", "null"], ["integer", "string"], "boolean"])},
            dice.choice([True, {}, {"not": {"type": "string"}}, {"const": 1}, {"const": "a"}]),
            {"type": "string", "format": dice.choice(["date", "email", "uuid"])},
            {"multipleOf": dice.choice([2, 3, 0.5])},
        ]
    )


def _schema(dice: Random, depth: int) -> Schema:
    if depth == 0 or dice.random() < 0.25:
        return _leaf(dice)
    match dice.randrange(6):
        case 0 | 1 | 2:
            return _object(dice, depth)
        case 3:
            return _array(dice, depth)
        case 4:
            parts = [_schema(dice, depth - 1) for _ in range(dice.randrange(1, 4))]
            return {dice.choice(["anyOf", "oneOf", "allOf"]): parts}
    inner = [_schema(dice, depth - 1) for _ in range(3)]
    return {"if": inner[0], "then": inner[1], "else": inner[2]} if dice.random() < 0.6 else {
        "not": inner[0]
    }  # fmt: skip


def _object(dice: Random, depth: int) -> Schema:
    names = dice.sample(NAMES, dice.randrange(1, 4))
    extras = {
        "required": dice.sample(names, dice.randrange(1, len(names) + 1)),
        "additionalProperties": dice.choice([False, _leaf(dice)]),
        "minProperties": dice.randrange(3),
        "propertyNames": {"pattern": "^[a-d]$"},
        "dependentRequired": {names[0]: ["d"]},
        "patternProperties": {"^a": _leaf(dice)},
    }
    told = {name: _schema(dice, depth - 1) for name in names}
    return {"type": "object", "properties": told, **_some(dice, extras)}


def _array(dice: Random, depth: int) -> Schema:
    extras = {
        "minItems": dice.randrange(3),
        "maxItems": dice.randrange(1, 4),
        "uniqueItems": True,
        "contains": _leaf(dice),
        "prefixItems": [_leaf(dice)],
    }
    return {"type": "array", "items": _schema(dice, depth - 1), **_some(dice, extras)}


def _some(dice: Random, extras: dict[str, Any]) -> dict[str, Any]:
    return {keyword: value for keyword, value in extras.items() if dice.random() < 0.25}


def _changed(dice: Random, schema: Schema) -> Schema:
    """The same schema with another leaf at one place in it."""
    made = copy.deepcopy(schema)
    places = list(_places(made))
    if not places:
        return _schema(dice, 2)
    holder, key = dice.choice(places)
    holder[key] = _leaf(dice)
    return made


def _places(node: Schema) -> Any:
    if not isinstance(node, dict):
        return
    for keyword, value in node.items():
        if keyword in ("properties", "patternProperties"):
            yield from ((value, name) for name in value)
            for child in value.values():
                yield from _places(child)
        elif keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
            yield from ((value, index) for index in range(len(value)))
            for child in value:
                yield from _places(child)
        elif keyword in ("items", "if", "then", "else", "not", "contains", "additionalProperties"):
            yield node, keyword
            yield from _places(value)
