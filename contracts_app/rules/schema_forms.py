"""What a schema says in one place, flattened: references followed, combinations multiplied out.

A form is one schema object without `$ref`, `allOf`, `anyOf`, `oneOf`, `if`: one way in which a
value can fit. It is a guide for making payloads, never a verdict: what comes of it is validated.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contracts_app.rules.schema_walk import local_target
from contracts_app.rules.validate import Schema

MAX_FORMS = 12
MAX_NESTING = 8
_ALTERNATIVES = ("anyOf", "oneOf")
_GREATER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
_LESSER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
Form = dict[str, Any]


def forms(node: Schema, root: Schema) -> list[Form]:
    """Return the ways in which a value may fit a schema, at most 12; none for `false`."""
    return _forms(node, root, MAX_NESTING)[:MAX_FORMS]


def _forms(node: Schema, root: Schema, nesting: int) -> list[Form]:
    if not isinstance(node, dict):
        return [{}] if node else []
    if nesting == 0:
        return [{}]
    own = {k: v for k, v in node.items() if k not in _COMBINING}
    found: list[Form] = [own]
    for part in _parts(node, root):
        choices = [form for one in part for form in _forms(one, root, nesting - 1)]
        found = [merged(left, right) for left in found for right in choices][: 4 * MAX_FORMS]
    return [form for form in found if not _is_empty(form)][: 2 * MAX_FORMS]


_COMBINING = frozenset(
    ["$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "then", "else", "$defs", "definitions"]
)


def _parts(node: dict[str, Any], root: Schema) -> Iterator[list[Schema]]:
    """Yield what holds as well, each as a list of alternatives."""
    for keyword in ("$ref", "$dynamicRef"):
        if isinstance(node.get(keyword), str):
            target = local_target(root, node[keyword])
            yield [True if target is None else target]
    for child in _list(node.get("allOf")):
        yield [child]
    for keyword in _ALTERNATIVES:
        if _list(node.get(keyword)):
            yield _list(node[keyword])
    if "if" in node:
        condition, then, otherwise = node["if"], node.get("then", True), node.get("else", True)
        yield [{"allOf": [condition, then]}, otherwise]


def merged(left: Form, right: Form) -> Form:
    """Return one form that says what both say, as far as a form can."""
    both = {**left, **right}
    for keyword in left.keys() & right.keys():
        both[keyword] = _joined(keyword, left[keyword], right[keyword])
    return both


def _joined(keyword: str, one: Any, other: Any) -> Any:
    if keyword in ("properties", "patternProperties") and _are(dict, one, other):
        shared = {name: {"allOf": [one[name], other[name]]} for name in one.keys() & other.keys()}
        return {**one, **other, **shared}
    if keyword == "required" and _are(list, one, other):
        return list(dict.fromkeys([*one, *other]))
    if keyword == "enum" and _are(list, one, other):
        return [value for value in one if value in other]
    if keyword == "type":
        return _types(one, other)
    if keyword in _GREATER and _are(int | float, one, other):
        return max(one, other)
    if keyword in _LESSER and _are(int | float, one, other):
        return min(one, other)
    if keyword in ("items", "contains") and one != other:
        return {"allOf": [one, other]}
    if keyword == "additionalProperties" and other is True:
        return one
    return other


def _types(one: Any, other: Any) -> Any:
    left, right = ([value] if isinstance(value, str) else value for value in (one, other))
    shared = [name for name in left if name in right]
    if "integer" in left + right and "number" in left + right and "integer" not in shared:
        shared.append("integer")
    return shared


def _is_empty(form: Form) -> bool:
    return form.get("enum") == [] or form.get("type") == []


def _are(kind: Any, *values: object) -> bool:
    return all(isinstance(value, kind) for value in values)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
