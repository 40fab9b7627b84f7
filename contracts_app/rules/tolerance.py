"""The tolerant reader: an optional property that is new to an open object does not break it.

Strictly, an open object may already carry anything under the new name. A tolerant reader trusts
that senders do not use names that nobody described: the narrower schema then is judged as if it
described the new property in the same words.
"""

from __future__ import annotations

from typing import Any

from contracts_app.rules.schema_walk import followed
from contracts_app.rules.validate import Schema

_BORROWED = "meshline:borrowed"
_CLOSING = ("additionalProperties", "unevaluatedProperties", "patternProperties", "propertyNames")

_ELSEWHERE = frozenset(
    [
        "$dynamicRef",
        "$ref",
        "allOf",
        "anyOf",
        "dependencies",
        "dependentRequired",
        "dependentSchemas",
        "if",
        "not",
        "oneOf",
    ]
)


def tolerant(inner: Schema, outer: Schema) -> Schema:
    """Return `inner`, also describing the optional properties that only `outer` describes.

    What either requires, and what stands in an object that `inner` closes or also describes by a
    combination of schemas, stays as it is. The definitions that borrowed words refer to come along
    under a name of their own.
    """
    if not isinstance(inner, dict) or not isinstance(outer, dict):
        return inner
    merged = _node(inner, outer, inner, outer, 0)
    definitions = {**inner.get("$defs", {}), _BORROWED: outer}
    return {**merged, "$defs": definitions} if merged != inner else inner


def _node(inner: Schema, outer: Schema, inner_root: Schema, outer_root: Schema, depth: int) -> Any:
    inner, outer = followed(inner_root, inner), followed(outer_root, outer)
    if depth > 12 or not isinstance(inner, dict) or not isinstance(outer, dict):
        return inner
    if inner.keys() & _ELSEWHERE:
        return inner  # the name may be described there
    made = dict(inner)
    own, other = inner.get("properties", {}), outer.get("properties", {})
    if isinstance(own, dict) and isinstance(other, dict) and (own or other):
        told = {
            name: _node(child, other[name], inner_root, outer_root, depth + 1)
            if name in other
            else child
            for name, child in own.items()
        }
        if not any(key in inner and inner[key] is not True for key in _CLOSING):
            needed = {*(outer.get("required") or ()), *(inner.get("required") or ())}
            told |= {
                name: _borrowed(child)
                for name, child in other.items()
                if name not in own and name not in needed
            }
        made["properties"] = told
    if isinstance(inner.get("items"), dict) and isinstance(outer.get("items"), dict):
        made["items"] = _node(inner["items"], outer["items"], inner_root, outer_root, depth + 1)
    return made


def _borrowed(node: Any) -> Any:
    """Let the references of a borrowed schema lead to where its root is kept."""
    if isinstance(node, list):
        return [_borrowed(child) for child in node]
    if not isinstance(node, dict):
        return node
    made = {key: _borrowed(value) for key, value in node.items()}
    reference = node.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        made["$ref"] = f"#/$defs/{_BORROWED}{reference[1:]}"
    return made
