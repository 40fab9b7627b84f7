"""What of one payload a schema does not name: members, and values beside a list of values.

What is not named is personal until somebody says otherwise: only its shape is told.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from contracts_app.rules.drift import places
from contracts_app.rules.drift.places import EXAMPLES, ITEM, Node, Place
from contracts_app.rules.validate import Schema
from meshline.core import redact
from meshline.core.pointers import build, parse
from meshline.core.safejson import Json

# "body…": in what the vendor sent, before its source's mapping took what it names.
# "gone" and "type": a field that is named, and stays away or comes in another type than ever.
Kind = Literal["field", "value", "body", "body_value", "gone", "type"]

MOST_SIGHTINGS = 50  # of one event
MOST_VALUES = 2_000  # of one payload that are looked at
MOST_ITEMS = 50
MOST_NEW_NAMES = 20  # of one object; more of them are data
LONGEST_PATH = 300
LONGEST_VALUE = 40
_NAME = re.compile(r"[A-Za-z_$@][A-Za-z0-9_$@.:-]{0,59}")
_DATA = re.compile(r"[0-9]{4}|[0-9a-fA-F]{8}")  # years, numbers, digests: names made of data
_VALUE = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,39}")
# A word of a program, not of a person: one case throughout, no digit.
_WORD = re.compile(r"[a-z]{2,}(?:[_-][a-z]+){0,4}|[A-Z]{2,}(?:[_-][A-Z]+){0,4}")
LONGEST_WORD = 24
# Where people stand, a word that comes again and again is a customer who does.
_OF_PEOPLE = re.compile(
    r"name|mail|phone|mobile|street|city|address|user|login|nick|person|customer|contact|birth|sex"
    r"|gender|relig|note|comment|message|text|secret|token|pass",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sighting:
    """One thing that a schema does not name.

    `path` is where it stood, with `*` for every item and for names that look like data; `value` a
    value beside a list, as it came, or empty. `shape` tells what stood there without its content;
    `word` is its content if that is a word of a program. `closed`: an event that is
    held may be held for it.
    """

    kind: Kind
    path: str
    value: str
    type: str
    shape: str
    word: str = ""
    closed: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same thing when it is seen again."""
        return (self.kind, self.path, self.value)


def sightings(schema: Schema, payload: Json, marks: Collection[str] = ()) -> list[Sighting]:
    """Return what of a payload the schema does not name, each once; at most fifty.

    `marks`: pointer patterns of personal data; what stands there is told by its shape only.
    """
    personal = tuple(parse(mark) for mark in marks)
    found: dict[tuple[str, str, str], Sighting] = {}
    pending: list[tuple[Json, Place, tuple[str, ...]]] = [(payload, places.whole(schema), ())]
    seen = 0
    while pending and seen < MOST_VALUES and len(found) < MOST_SIGHTINGS:
        value, place, path = pending.pop(0)
        seen += 1
        if isinstance(value, dict):
            pending += _members(schema, value, place, path)
            for one in _unnamed(schema, value, place, path):
                found.setdefault(one.key, one)
        elif isinstance(value, list):
            within = places.items(schema, place)
            pending += [(item, within, (*path, ITEM)) for item in value[:MOST_ITEMS]]
        elif isinstance(value, str):
            for one in _beside(value, place, path, personal):
                found.setdefault(one.key, one)
    return [one for one in found.values() if len(one.path) <= LONGEST_PATH][:MOST_SIGHTINGS]


def is_known(schema: Schema, kind: str, path: str, value: str) -> bool:
    """Say whether a schema names by now what was sighted under another one."""
    if kind.startswith("body"):
        return False  # no schema speaks of what a mapping leaves out
    segments = parse(path)
    place = places.at_path(schema, segments)
    if kind in ("gone", "type"):
        return place is None or (kind == "type" and _allows(place, value))
    if kind == "field":
        return place is not None or not _parent_names(schema, segments)
    if place is None:
        return True
    lists = places.listing(place)
    return not lists or any(value in listed for _, _, listed in lists)


def _allows(place: Place, kind: str) -> bool:
    """Whether it is said on purpose that a type may come."""
    named = [node.schema["type"] for node in place if "type" in node.schema]
    said = {one for types in named for one in ([types] if isinstance(types, str) else types)}
    return kind in said or (kind == "number" and "integer" in said)


def type_of(value: Json) -> str:
    """Return the JSON type of a value, in the words of JSON Schema."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else "number"


def shape_of(value: Json) -> str:
    """Return what a value is like without what it holds: "string, 24 characters"."""
    kind = type_of(value)
    if isinstance(value, str):
        return f"string, {_counted(len(value), 'character')}"
    if isinstance(value, dict):
        return f"object, {_counted(len(value), 'field')}"
    if isinstance(value, list):
        return f"array, {_counted(len(value), 'item')}"
    if kind == "integer":
        return f"integer, {_counted(len(str(value).lstrip('-')), 'digit')}"
    return kind


def _members(
    schema: Schema, value: Mapping[str, Json], place: Place, path: tuple[str, ...]
) -> Iterator[tuple[Json, Place, tuple[str, ...]]]:
    for name, child in value.items():
        spoken = places.member(schema, place, name)
        if spoken is not None:
            step = name if places.is_named(place, name) else ITEM
            yield child, spoken, (*path, step)


def _unnamed(
    schema: Schema, value: Mapping[str, Json], place: Place, path: tuple[str, ...]
) -> Iterator[Sighting]:
    if not places.names_its_members(place):
        return
    new = [name for name in value if places.member(schema, place, name) is None]
    closed = places.is_closed(place)
    for name in new:
        child = value[name]
        plain = len(new) <= MOST_NEW_NAMES and is_name(name)
        yield Sighting(
            "field",
            build((*path, name if plain else ITEM)),
            "",
            type_of(child),
            shape_of(child),
            word_of(child, name) if plain else "",
            closed,
        )


def _beside(
    value: str, place: Place, path: tuple[str, ...], personal: tuple[tuple[str, ...], ...]
) -> Iterator[Sighting]:
    lists = places.listing(place)
    if not lists or any(value in listed for _, _, listed in lists):
        return
    name = path[-1] if path else ""
    if all(word == EXAMPLES for _, word, _ in lists) and not _are_words(value, lists, name):
        return  # free text, of which some is shown
    hidden = any(_covers(mark, path) for mark in personal)
    plain = bool(_VALUE.fullmatch(value)) and redact.mask_text(value) == value and not hidden
    closed = any(word == "enum" for _, word, _ in lists)
    told = value if plain else ""
    yield Sighting("value", build(path), told, "string", shape_of(value), told, closed)


def _are_words(value: str, lists: list[tuple[Node, str, list[Any]]], name: str) -> bool:
    """Whether a value and all examples are words of a program, so that they may be a list."""
    return all(word_of(one, name) for one in [value, *(one for _, _, few in lists for one in few)])


def _parent_names(schema: Schema, segments: tuple[str, ...]) -> bool:
    parent = places.at_path(schema, segments[:-1])
    return parent is not None and places.names_its_members(parent)


@lru_cache(maxsize=4_096)
def is_name(name: str) -> bool:
    """Say whether a member's name is a name; others are data, and perhaps personal."""
    return bool(_NAME.fullmatch(name) and not _DATA.search(name) and redact.mask_text(name) == name)


def word_of(value: Json, name: str) -> str:
    """Return a value that is a word of a program, "" for any other and where people stand."""
    if not isinstance(value, str) or len(value) > LONGEST_WORD or _OF_PEOPLE.search(name):
        return ""
    return value if _WORD.fullmatch(value) else ""


def _covers(mark: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether a pattern marks a path or something around it."""
    return len(mark) <= len(path) and all(
        one in (ITEM, step) for one, step in zip(mark, path, strict=False)
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
