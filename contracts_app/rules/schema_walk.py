"""How JSON Schemas are built: their keywords, their subschemas, where a reference leads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from meshline.core.errors import BadValue
from meshline.core.pointers import MISSING, build, get

_ONE = [
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
]
_LIST = ["allOf", "anyOf", "oneOf", "prefixItems", "items"]
_MAP = [
    "$defs",
    "definitions",
    "dependentSchemas",
    "patternProperties",
    "properties",
    "dependencies",
]
_PLAIN = [
    "$anchor",
    "$comment",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$recursiveAnchor",
    "$recursiveRef",
    "$ref",
    "$schema",
    "$vocabulary",
    "const",
    "contentEncoding",
    "contentMediaType",
    "default",
    "dependentRequired",
    "deprecated",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
]

# They describe what a text holds; Meshline asserts them in no dialect.
CONTENT = frozenset(["contentEncoding", "contentMediaType", "contentSchema"])
KEYWORDS = frozenset([*_ONE, *_LIST, *_MAP, *_PLAIN])
# Keywords whose subschemas judge the very same value: a circle through them never ends.
SAME_INSTANCE = frozenset(
    ["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"]
)

_BESIDE_REFERENCE = frozenset(["$ref", "$comment", "$defs", "definitions", "description", "title"])
MAX_HOPS = 20  # references in a row; a circle of them says nothing


def subschemas(node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each direct subschema of a schema object with its pointer relative to it."""
    for keyword in _ONE:
        if isinstance(node.get(keyword), dict | bool):
            yield build([keyword]), node[keyword]
    for keyword in _LIST:
        if isinstance(node.get(keyword), list):
            for index, child in enumerate(node[keyword]):
                yield build([keyword, index]), child
    for keyword in _MAP:
        if isinstance(node.get(keyword), dict):
            for name, child in node[keyword].items():
                if isinstance(child, dict | bool):
                    yield build([keyword, name]), child


def mapped(schema: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Return the schema with `change` made at every schema object in it, from the inside out."""
    if not isinstance(schema, dict):
        return schema
    node: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _LIST and isinstance(value, list):
            value = [mapped(child, change) for child in value]
        elif keyword in _MAP and isinstance(value, dict):
            value = {name: mapped(child, change) for name, child in value.items()}
        elif keyword in _ONE:
            value = mapped(value, change)
        node[keyword] = value
    return change(node)


def local_target(root: Any, reference: str) -> Any:
    """Return the subschema that a reference names inside `root`, or None if it leads outside."""
    base = str(root.get("$id", "")) if isinstance(root, dict) else ""
    address, _, fragment = reference.partition("#")
    if address and address != base.partition("#")[0]:
        return None
    if fragment and not fragment.startswith("/"):
        return _anchored(root, fragment)
    try:
        target = get(root, unquote(fragment), MISSING)
    except BadValue:
        return None
    return target if isinstance(target, dict | bool) else None


def followed(root: Any, node: Any) -> Any:
    """Return what a schema says that is nothing but a reference; any other comes back as it is.

    Words for people and definitions may stand beside the reference.
    """
    for _ in range(MAX_HOPS):
        if not (isinstance(node, dict) and isinstance(node.get("$ref"), str)):
            return node
        target = local_target(root, node["$ref"])
        if target is None or node.keys() - _BESIDE_REFERENCE:
            return node
        node = target
    return node


def _anchored(root: Any, name: str) -> Any:
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            named = (node.get("$anchor"), node.get("$dynamicAnchor"), node.get("$id"))
            if name in named[:2] or named[2] == f"#{name}":
                return node
            pending += [child for _, child in subschemas(node)]
    return None
