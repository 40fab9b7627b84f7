"""Where in a contract's file a place of the payload is described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshline.core.pointers import build, parse

_SCHEMA = "/schema/payload"
_MOST_REFERENCES = 20
_Place = tuple[str, ...]


def line_of_place(
    lines: Mapping[str, int], path: str, default: int = 1, *, schema: Any = None
) -> int:
    """Return the line that describes a place in the payload, or the nearest one around it.

    `path` is a JSON pointer into a payload, or one in which "*" stands for any item of a list;
    `lines` are those of a contract's document, or of a bare schema. References are followed where
    the `schema` itself is given.
    """
    root = ("schema", "payload") if _SCHEMA in lines else ()
    best = lines.get(build(root), default)
    place: _Place = ()
    for segment in parse(path):
        place = _followed(schema, place)
        ways = [(*place, "properties", segment)]
        if segment == "*" or segment.isdigit():
            ways.append((*place, "items"))
        found = next((way for way in ways if build((*root, *way)) in lines), None)
        if found is None:
            break
        place, best = found, lines[build((*root, *found))]
    return best


def _followed(schema: Any, place: _Place) -> _Place:
    """Return the place to which references lead from here, within the same schema."""
    for _ in range(_MOST_REFERENCES):
        node = schema
        for segment in place:
            node = node.get(segment) if isinstance(node, dict) else None
        target = node.get("$ref") if isinstance(node, dict) else None
        if not isinstance(target, str) or not target.startswith("#/"):
            break
        place = tuple(parse(target[1:]))
    return place
