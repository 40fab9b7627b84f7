"""One meaning, one form: schemas of any dialect lifted to one that two can be compared in.

The result accepts what the schema accepts. What checks nothing is taken out (annotations, keywords
of other dialects, patterns that match everything), because a prover stops at what it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from contracts_app.rules.schema_walk import CONTENT, KEYWORDS, mapped
from contracts_app.rules.validate import Schema, compile_schema, dialect_of
from meshline.core.errors import SchemaRefused

TARGET = "draft-07"  # the richest dialect that the four older ones can be lifted to
MODERN = ("2020-12", "2019-09")

_ANNOTATIONS = frozenset(
    [
        "$comment",
        *CONTENT,
        "default",
        "deprecated",
        "description",
        "examples",
        "readOnly",
        "title",
        "writeOnly",
    ]
)
# Keywords that a dialect does not have and therefore ignores.
_UNKNOWN_TO: Mapping[str, frozenset[str]] = {
    "draft-04": frozenset(["const", "contains", "propertyNames", "if", "then", "else"]),
    "draft-06": frozenset(["if", "then", "else"]),
}
_ONLY_MODERN = frozenset(
    [
        "dependentRequired",
        "dependentSchemas",
        "maxContains",
        "minContains",
        "prefixItems",
        "unevaluatedItems",
        "unevaluatedProperties",
    ]
)


# No format takes all of these: each has a text here that is none of its kind.
_ODD_TEXTS = ("", " ", "a", "(", "{", "%", "\\", "^", "~", "#", "1", "\x7f")


def lift(schema: Schema, dialect: str) -> tuple[Schema, str]:
    """Return the schema in its common form, and the dialect in which that is to be read.

    2019-09 and 2020-12 stay what they are; the older ones are lifted to draft-07. The top level
    names no dialect any more.
    Raises: SchemaRefused for what cannot be said in draft-07 with the same meaning.
    """
    own = dialect_of(schema, dialect)
    form = own if own in MODERN else TARGET
    return _Lift(own).node(schema), form


def modernised(schema: Schema) -> Schema:
    """Return a draft-07 schema in 2020-12, so that a change of dialect can be judged.

    Raises: SchemaRefused if it holds what the step between the two would change.
    """
    lifted: Schema = mapped(schema, in_2020_12)
    return lifted


class _Lift:
    """Takes a schema apart and puts it together again, without what checks nothing."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        ignored = _UNKNOWN_TO.get(dialect, frozenset())
        if dialect not in MODERN:
            ignored |= _ONLY_MODERN
        self._ignored = ignored | _ANNOTATIONS

    def node(self, schema: Schema) -> Schema:
        """Return one schema and all below it."""
        lifted: Schema = mapped(schema, self._keywords)
        return lifted

    def _keywords(self, node: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in node and self._dialect not in MODERN:
            kept = ("$ref", "definitions", "$defs")  # what stands beside a reference is ignored
            return {key: node[key] for key in kept if key in node}
        if self._dialect == "draft-04" and "id" in node:
            raise SchemaRefused("A draft-04 schema with an id of its own cannot be compared.")
        node = {
            key: value
            for key, value in node.items()
            if key in KEYWORDS and key not in self._ignored and key != "$schema"
        }
        if self._dialect == "draft-04":
            node = _without_draft_04(node)
        if self._dialect in MODERN:
            node = _split_dependencies(node)  # the validator heeds the old keyword there too
        if "format" in node and not _is_asserted(str(node["format"]), self._dialect):
            node.pop("format")
        pattern = node.get("pattern")
        if isinstance(pattern, str) and _matches_everything(pattern):
            node.pop("pattern")
        return _without_repetitions(node)


@lru_cache(maxsize=256)
def _is_asserted(name: str, dialect: str) -> bool:
    """Say whether a dialect checks a format: then it refuses at least one of some odd texts."""
    validator = compile_schema({"format": name}, dialect=dialect, keep=False)
    return not all(validator.is_valid(text) for text in _ODD_TEXTS)


def _without_draft_04(node: dict[str, Any]) -> dict[str, Any]:
    """Say draft-04's bounds, which were marks beside the limit, as limits of their own."""
    node = dict(node)
    for limit, mark in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if node.pop(mark, False) is True and limit in node:
            node[mark] = node.pop(limit)
    types = node.get("type")
    if types == "integer" or (isinstance(types, list) and "integer" in types):
        raise SchemaRefused("In draft-04 1.0 is no integer, and in later dialects it is one.")
    return node


def _matches_everything(pattern: str) -> bool:
    """Say whether a pattern is found in every text: nothing ties it down, and it may be empty."""
    if any(mark in pattern for mark in "^$\\"):
        return False
    try:
        return compile_schema({"pattern": pattern}, keep=False).is_valid("")
    except SchemaRefused:
        return False


def _without_repetitions(node: dict[str, Any]) -> dict[str, Any]:
    """Drop properties that only say again what holds for every other property."""
    rest, properties = node.get("additionalProperties"), node.get("properties")
    if not isinstance(properties, dict) or "patternProperties" in node:
        return node
    if isinstance(rest, dict) and rest:
        told = {name: child for name, child in properties.items() if child != rest}
        return {**node, "properties": told}
    return node


def in_2020_12(node: dict[str, Any]) -> dict[str, Any]:
    """Say one node of draft-07 in 2020-12; what draft-07 ignores is taken out before.

    Raises: SchemaRefused for addresses of its own.
    """
    node = dict(node)
    if "$id" in node or "$recursiveRef" in node:
        raise SchemaRefused("A schema with addresses of its own is not brought to 2020-12.")
    items, rest = node.get("items"), node.pop("additionalItems", None)
    if isinstance(items, list):
        node["prefixItems"] = node.pop("items")
        if rest is not None:
            node["items"] = rest
    return _split_dependencies(node)


def _split_dependencies(node: dict[str, Any]) -> dict[str, Any]:
    """Say `dependencies` as the two keywords that it became in 2019-09."""
    if "dependencies" not in node:
        return node
    node = dict(node)
    for name, needed in node.pop("dependencies").items():
        kind = "dependentRequired" if isinstance(needed, list) else "dependentSchemas"
        told = dict(node.get(kind, {}))
        if name in told:
            raise SchemaRefused(f"What depends on {name[:80]!r} is said twice.")
        node[kind] = {**told, name: needed}
    return node
