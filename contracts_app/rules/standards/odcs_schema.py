"""A payload's JSON Schema as ODCS properties, and ODCS properties as JSON Schema.

ODCS says less than JSON Schema. Its properties are for people and for tools that know only ODCS;
a contract's own schema travels beside them in customProperties.
"""

from __future__ import annotations

from typing import Any

from contracts_app.rules.schema_walk import local_target
from contracts_app.rules.standards.loose import entries, filled, mapping, text
from meshline.core.pointers import build

MAX_NESTING = 8
_TIMES = {"date-time": "timestamp", "date": "date", "time": "time"}
_FORMATS = {name: told for told, name in _TIMES.items()}
_NUMBER = ("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_OPTIONS = {
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": _NUMBER,
    "integer": _NUMBER,
    "object": ("minProperties", "maxProperties"),
    "array": ("minItems", "maxItems", "uniqueItems"),
}
_COUNTS = frozenset(
    ["minLength", "maxLength", "minProperties", "maxProperties", "minItems", "maxItems"]
)
_JSON_TYPES = ("string", "number", "integer", "object", "array", "boolean")


def properties_of(
    schema: Any, *, key: str = "", personal: frozenset[str] = frozenset()
) -> list[dict[str, Any]]:
    """Return what a payload's schema says of its fields as ODCS properties.

    `key` is the pointer of the event's own id, `personal` those of personal data.
    """
    return _Writer(schema, key, personal).properties(schema, (), MAX_NESTING)


def schema_of(properties: Any, description: str = "") -> dict[str, Any]:
    """Return the JSON Schema that ODCS properties describe; other fields stay allowed."""
    return _object({"properties": properties, "description": description}, MAX_NESTING)


def key_of(properties: Any) -> str:
    """Return the pointer of the one field that is the primary key, or an empty text."""
    keys = [one for one in entries(properties) if one.get("primaryKey") is True]
    return build([keys[0]["name"]]) if len(keys) == 1 and text(keys[0].get("name")) else ""


class _Writer:
    """Walks a schema by its fields, references followed."""

    def __init__(self, root: Any, key: str, personal: frozenset[str]) -> None:
        self._root, self._key, self._personal = root, key, personal

    def properties(self, node: Any, at: tuple[str, ...], nesting: int) -> list[dict[str, Any]]:
        node = self._resolved(node)
        needed = node.get("required")
        required = needed if isinstance(needed, list) else []
        return [
            self._property(name, child, (*at, name), name in required, nesting)
            for name, child in mapping(node.get("properties")).items()
        ]

    def _property(
        self, name: str, child: Any, at: tuple[str, ...], required: bool, nesting: int
    ) -> dict[str, Any]:
        place = build(at)
        marks = filled(
            primaryKey=place == self._key or None,
            classification="personal" if place in self._personal else "",
        )
        return {"name": name, "required": required, **marks, **self._described(child, at, nesting)}

    def _described(self, child: Any, at: tuple[str, ...], nesting: int) -> dict[str, Any]:
        node = self._resolved(child)
        kind = _logical_type(node)
        told = filled(
            logicalType=kind,
            logicalTypeOptions=_options(node, kind),
            businessName=text(node.get("title")),
            description=text(node.get("description")),
        )
        if nesting and kind == "object":
            told |= filled(properties=self.properties(node, at, nesting - 1))
        if nesting and kind == "array" and isinstance(node.get("items"), dict):
            told["items"] = self._described(node["items"], (*at, "*"), nesting - 1)
        return told

    def _resolved(self, node: Any) -> dict[str, Any]:
        for _ in range(MAX_NESTING):
            reference = text(mapping(node).get("$ref"))
            if not reference:
                break
            beside = {name: value for name, value in node.items() if name != "$ref"}
            node = {**mapping(local_target(self._root, reference)), **beside}
        return mapping(node)


def _logical_type(node: dict[str, Any]) -> str:
    told = node.get("type")
    kinds: list[Any] = [
        kind for kind in (told if isinstance(told, list) else [told]) if kind != "null"
    ]
    if told is None:
        kinds = sorted({_type_of(value) for value in _values(node)})
    if len(kinds) != 1 or kinds[0] not in _JSON_TYPES:
        return ""
    kind = text(kinds[0])
    return _TIMES.get(text(node.get("format")), kind) if kind == "string" else kind


def _values(node: dict[str, Any]) -> list[Any]:
    if "const" in node:
        return [node["const"]]
    return node["enum"] if isinstance(node.get("enum"), list) else []


def _type_of(value: Any) -> str:
    for kinds, name in ((bool, "boolean"), (str, "string"), (int, "integer"), (float, "number")):
        if isinstance(value, kinds):
            return name
    return ""


def _options(node: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: node[name] for name in _OPTIONS.get(kind, ()) if name in node}


def _object(node: dict[str, Any], nesting: int) -> dict[str, Any]:
    children = [one for one in entries(node.get("properties")) if text(one.get("name"))]
    required = [one["name"] for one in children if one.get("required") is True]
    options = mapping(node.get("logicalTypeOptions")).get("required")
    if isinstance(options, list):
        required += [name for name in options if text(name)]
    return {
        "type": "object",
        **_kept(node, "object"),
        **filled(required=list(dict.fromkeys(required))),
        **filled(properties={one["name"]: _node(one, nesting - 1) for one in children}),
    }


def _node(node: dict[str, Any], nesting: int) -> dict[str, Any]:
    kind = text(node.get("logicalType"))
    if kind == "object" and nesting > 0:
        return _object(node, nesting)
    told = _kept(node, kind)
    if kind in _FORMATS:
        return {"type": "string", "format": _FORMATS[kind], **told}
    if kind in _JSON_TYPES:
        told = {"type": kind, **told}
    if kind == "array" and nesting > 0 and isinstance(node.get("items"), dict):
        told["items"] = _node(node["items"], nesting - 1)
    return told


def _kept(node: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return what ODCS says of a field that JSON Schema says by the same word."""
    options = mapping(node.get("logicalTypeOptions"))
    return {
        **filled(title=text(node.get("businessName")), description=text(node.get("description"))),
        **{name: options[name] for name in _OPTIONS.get(kind, ()) if _is_fit(name, options)},
    }


def _is_fit(name: str, options: dict[str, Any]) -> bool:
    value = options.get(name)
    if name in ("pattern", "format"):
        return bool(text(value))
    if name == "uniqueItems":
        return isinstance(value, bool)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if name in _COUNTS:
        return isinstance(value, int) and value >= 0
    return name != "multipleOf" or value > 0
