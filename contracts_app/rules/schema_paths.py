"""What a JSON Schema says of a path: is it there, may it be missing, of which types can it be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from meshline.core.pointers import get

Schema = Any  # a mapping or a truth value, as JSON Schema has it
Segment = str | None

ALL_TYPES = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
_DEEPEST = 32  # references that lead in circles


@dataclass(frozen=True)
class Found:
    """What stands at a path: the schemas that apply there, with the root for references."""

    schemas: tuple[Schema, ...]
    root: Schema
    optional: bool = False  # some part of the path is not required

    @property
    def types(self) -> frozenset[str]:
        """The JSON types that a value there can have."""
        return frozenset().union(*(_types(schema, self.root) for schema in self.schemas))


def look_up(schema: Schema, segments: Sequence[Segment]) -> Found | None:
    """Return what the schema says of the path, or None if no value can or is meant to be there.

    A property counts as there when it is declared, or when the object declares no properties or
    allows more on purpose (`additionalProperties: true` or a schema). None is any key or index.
    """
    found = Found((schema,), schema)
    for segment in segments:
        children = [
            child for one in found.schemas for child in _children(one, segment, schema, _DEEPEST)
        ]
        if not children:
            return None
        optional = found.optional or not all(
            _requires(one, segment, schema, _DEEPEST) for one in found.schemas
        )
        found = Found(tuple(children), schema, optional)
    return found


def names_at(schema: Schema, segments: Sequence[Segment]) -> tuple[str, ...]:
    """Return the property names declared at a path, for a remedy that says what there is."""
    found = look_up(schema, segments)
    if found is None:
        return ()
    names: dict[str, None] = {}
    for one in found.schemas:
        for part in _parts(one, schema, _DEEPEST):
            names.update(dict.fromkeys(part.get("properties", {})))
    return tuple(names)


def _parts(schema: Schema, root: Schema, depth: int) -> Iterator[dict[str, Any]]:
    """Yield the schema and everything it is composed of: references, allOf, anyOf, oneOf, then."""
    if not isinstance(schema, dict) or depth <= 0:
        return
    yield schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        yield from _parts(_resolve(reference, root), root, depth - 1)
    for keyword in ("allOf", "anyOf", "oneOf"):
        for child in schema.get(keyword, []):
            yield from _parts(child, root, depth - 1)
    for keyword in ("if", "then", "else"):
        if keyword in schema:
            yield from _parts(schema[keyword], root, depth - 1)


def _resolve(reference: str, root: Schema) -> Schema:
    return get(root, reference[1:], {})


def _children(schema: Schema, segment: Segment, root: Schema, depth: int) -> list[Schema]:
    if schema is True or schema == {}:
        return [True]
    parts = list(_parts(schema, root, depth))
    found = [child for part in parts for child in _children_of(part, segment)]
    if found or not parts:
        return found
    return [True] if _is_open(parts) else []


def _children_of(part: dict[str, Any], segment: Segment) -> Iterator[Schema]:
    properties = part.get("properties", {})
    if segment is None:
        yield from properties.values()
        yield from (part[key] for key in ("items", "contains") if key in part)
        yield from part.get("prefixItems", [])
    elif segment in properties:
        yield properties[segment]
    yield from part.get("patternProperties", {}).values()
    more = part.get("additionalProperties")
    if more is True or isinstance(more, dict):
        yield more


def _is_open(parts: Sequence[dict[str, Any]]) -> bool:
    """Say whether nothing at all is declared below, so that anything may stand there."""
    closing = ("properties", "patternProperties", "items", "prefixItems", "const", "enum")
    if any(key in part for part in parts for key in closing):
        return False
    if any(part.get("additionalProperties") is False for part in parts):
        return False
    declared = [part["type"] for part in parts if "type" in part]
    return all(_names(kind) & {"object", "array"} for kind in declared)


def _requires(schema: Schema, segment: Segment, root: Schema, depth: int) -> bool:
    if segment is None or not isinstance(schema, dict) or depth <= 0:
        return False
    if segment in schema.get("required", []):
        return True
    reference = schema.get("$ref")
    if isinstance(reference, str) and _requires(
        _resolve(reference, root), segment, root, depth - 1
    ):
        return True
    if any(_requires(child, segment, root, depth - 1) for child in schema.get("allOf", [])):
        return True
    return any(
        bool(schema.get(keyword))
        and all(_requires(child, segment, root, depth - 1) for child in schema[keyword])
        for keyword in ("anyOf", "oneOf")
    )


def _types(schema: Schema, root: Schema, depth: int = _DEEPEST) -> frozenset[str]:
    if not isinstance(schema, dict) or depth <= 0:
        return ALL_TYPES
    result = _own_types(schema)
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        result &= _types(_resolve(reference, root), root, depth - 1)
    for child in schema.get("allOf", []):
        result &= _types(child, root, depth - 1)
    for keyword in ("anyOf", "oneOf"):
        choices = [_types(child, root, depth - 1) for child in schema.get(keyword, [])]
        if choices:
            result &= frozenset().union(*choices)
    return result


def _own_types(part: dict[str, Any]) -> frozenset[str]:
    if "type" in part:
        return _names(part["type"])
    if "const" in part:
        return frozenset({_type_of(part["const"])})
    if "enum" in part:
        return frozenset(map(_type_of, part["enum"]))
    return ALL_TYPES


def _names(kind: Any) -> frozenset[str]:
    names = frozenset([kind] if isinstance(kind, str) else kind)
    return names | {"integer"} if "number" in names else names


def _type_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def any_of(schemas: Sequence[Schema]) -> Schema:
    """Return one schema for a value that fits any of several; their references stay right."""
    if len(schemas) == 1:
        return schemas[0]
    return {"anyOf": [_rebased(one, f"#/anyOf/{index}") for index, one in enumerate(schemas)]}


def _rebased(schema: Any, base: str) -> Any:
    if isinstance(schema, dict):
        return {
            key: base + child.removeprefix("#")
            if key == "$ref" and isinstance(child, str) and child.startswith("#")
            else _rebased(child, base)
            for key, child in schema.items()
        }
    return [_rebased(child, base) for child in schema] if isinstance(schema, list) else schema
