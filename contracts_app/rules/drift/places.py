"""What a schema says of one place of a payload: who names it, and among which values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from contracts_app.rules.schema_walk import local_target
from contracts_app.rules.validate import Schema
from meshline.core.pointers import build

MOST_NODES = 200  # that speak of one place; a schema with more is not followed further
_TOGETHER = ("allOf", "anyOf", "oneOf")
_BRANCHES = ("then", "else", "if")
_CHOICES = ("enum", "x-extensible-enum")
ITEM = "*"
EXAMPLES = "examples"
FEWEST_EXAMPLES = 2


@dataclass(frozen=True)
class Node:
    """A subschema that speaks of a place; `at` is its pointer in the schema.

    `asks`: it only asks (it stands in an `if`), so what it lists refuses nothing.
    """

    schema: dict[str, Any]
    at: str
    asks: bool = False


Place = tuple[Node, ...]


def whole(schema: Schema) -> Place:
    """Return what speaks of the whole payload."""
    return _expanded(schema, [(schema, "", False)])


def member(root: Schema, place: Place, name: str) -> Place | None:
    """Return what speaks of a member of an object; None if nobody names it."""
    found = list(_speaking(place, name))
    return _expanded(root, found) if found else None


def items(root: Schema, place: Place) -> Place:
    """Return what speaks of the items of an array, wherever they stand in it."""
    return _expanded(root, _items(place))


def is_named(place: Place, name: str) -> bool:
    """Say whether a member is spoken of by its own name; others stand for names that are data."""
    return any(name in (node.schema.get("properties") or ()) for node in place)


def at_path(root: Schema, path: Iterable[str]) -> Place | None:
    """Return what speaks of a path (`*` for every item and name); None if nobody names it."""
    place: Place | None = whole(root)
    for step in path:
        if place is None:
            return None
        place = _each(root, place) if step == ITEM else member(root, place, step)
    return place


def names_its_members(place: Place) -> bool:
    """Say whether members are named here at all; elsewhere names are data, and nothing is new."""
    if any("propertyNames" in node.schema or "patternProperties" in node.schema for node in place):
        return False
    return any(node.schema.get("properties") for node in place)


def naming(place: Place) -> Node | None:
    """Return the node to which a member would be added, None if there is none."""
    return next((one for one in place if one.schema.get("properties") and not one.asks), None)


def is_closed(place: Place) -> bool:
    """Say whether an object refuses what is not named."""
    closing = ("additionalProperties", "unevaluatedProperties")
    return any(node.schema.get(word) is False for node in place for word in closing)


def listing(place: Place) -> list[tuple[Node, str, list[Any]]]:
    """Return the lists of values that are spoken of here, with the keyword of each.

    Where no list says what is meant, two examples or more stand for one.
    """
    lists = [
        (node, word, node.schema[word])
        for node in place
        for word in (*_CHOICES, EXAMPLES)
        if not node.asks and isinstance(node.schema.get(word), list)
    ]
    strict = [one for one in lists if one[1] != EXAMPLES]
    return strict or [one for one in lists if len(one[2]) >= FEWEST_EXAMPLES]


def _each(root: Schema, place: Place) -> Place | None:
    found = [*_items(place), *(one for node in place for one in _rest(node))]
    return _expanded(root, found) if found else None


def _rest(node: Node) -> Iterator[tuple[Any, str, bool]]:
    rest = node.schema.get("additionalProperties")
    if isinstance(rest, dict) and rest:
        yield rest, f"{node.at}/additionalProperties", node.asks


def _speaking(place: Place, name: str) -> Iterator[tuple[Any, str, bool]]:
    for node in place:
        properties = node.schema.get("properties")
        if isinstance(properties, dict) and name in properties:
            yield properties[name], node.at + build(["properties", name]), node.asks
            continue
        yield from _rest(node)


def _items(place: Place) -> Iterator[tuple[Any, str, bool]]:
    for node in place:
        for word in ("items", "prefixItems", "contains"):
            found = node.schema.get(word)
            if isinstance(found, list):
                for index, child in enumerate(found):
                    yield child, f"{node.at}/{word}/{index}", node.asks
            elif isinstance(found, dict):
                yield found, f"{node.at}/{word}", node.asks


def _expanded(root: Schema, begun: Iterable[tuple[Any, str, bool]]) -> Place:
    """Follow references and combinations: all of them speak of the very same value."""
    found: list[Node] = []
    seen: set[str] = set()
    pending = list(begun)
    while pending and len(found) < MOST_NODES:
        schema, at, asks = pending.pop(0)
        if not isinstance(schema, dict) or at in seen:
            continue
        seen.add(at)
        found.append(Node(schema, at, asks))
        pending += [
            (child, f"{at}/{word}/{index}", asks)
            for word in _TOGETHER
            for index, child in enumerate(_listed(schema.get(word)))
        ]
        pending += [
            (schema[word], f"{at}/{word}", asks or word == "if")
            for word in _BRANCHES
            if word in schema
        ]
        dependent = schema.get("dependentSchemas")
        for name, child in dependent.items() if isinstance(dependent, dict) else ():
            pending.append((child, at + build(["dependentSchemas", name]), asks))
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith("#"):
            target = unquote(reference[1:])
            if target in ("", *seen) or target.startswith("/"):
                pending.append((local_target(root, reference), target, asks))
    return tuple(found)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
