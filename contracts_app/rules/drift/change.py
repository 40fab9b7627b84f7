"""The smallest change of a schema that names what was sighted, put into the contract's text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from contracts_app.rules.drift import places
from contracts_app.rules.text_splicing import with_added
from contracts_app.rules.validate import Schema
from meshline.core import yaml12
from meshline.core.pointers import build, parse
from meshline.core.safejson import Json

SCHEMA_AT = "/schema/payload"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Change:
    """What to add to the object or list at `at` in the schema; a list's entry has no name."""

    at: str
    name: str
    put: Json

    @property
    def sentence(self) -> str:
        """The change in words."""
        if self.name:
            kinds = self.put.get("type") if isinstance(self.put, dict) else ""
            kind = " or ".join(kinds) if isinstance(kinds, list) else kinds
            return f"Name {self.name} as an optional {kind} at {self.at}."
        return f"Add {self.put} to the values at {self.at}."


def change_for(
    schema: Schema, *, kind: str, path: str, value: str, types: Sequence[str], words: bool
) -> Change | None:
    """Return the smallest change that names a thing, None if a person has to think of one.

    `words`: its values are a few words of a program. Any other new field is marked as personal
    until somebody takes the mark away.
    """
    if kind in ("body_value", "gone", "type"):
        return None
    segments = parse(path)
    if kind == "body":
        return _beside_the_data(schema, segments[-1], types, words)
    if kind == "value":
        place = places.at_path(schema, segments)
        lists = places.listing(place) if place and value else []
        return Change(lists[0][0].at + build([lists[0][1]]), "", value) if lists else None
    if not segments or segments[-1] == places.ITEM or not types:
        return None
    parent = places.at_path(schema, segments[:-1])
    node = places.naming(parent) if parent else None
    if node is None:
        return None
    return Change(f"{node.at}/properties", segments[-1], _described(types, words))


def mapping_for(path: str) -> str:
    """Return the line by which a source's mapping would take a field of the body, "" for none."""
    segments = parse(path)
    if not segments or not all(_PLAIN.fullmatch(one) for one in segments):
        return ""
    *before, name = segments
    return f'{name}: "= {".".join(["body", *before])}.?{name}"'


def with_changes(text: str, changes: Iterable[Change]) -> str:
    """Return a contract's text with the changes put in; comments and layout stay.

    A change that was made already is left out.
    """
    for change in changes:
        document = yaml12.load(text, name="contract")
        text = with_added(document, SCHEMA_AT + change.at, change.name, change.put)
    return text


def _beside_the_data(schema: Schema, name: str, types: Sequence[str], words: bool) -> Change | None:
    """Name a field of the body in the payload's data, where it has one, else at its top."""
    whole = places.whole(schema)
    within = places.member(schema, whole, "data")
    place = within if within and places.naming(within) else whole
    node = places.naming(place)
    if node is None or not _PLAIN.fullmatch(name) or places.member(schema, place, name):
        return None
    return Change(f"{node.at}/properties", name, _described(types, words))


def _described(types: Sequence[str], words: bool) -> dict[str, Any]:
    kinds = [one for one in types if not (one == "integer" and "number" in types)]
    described: dict[str, Any] = {"type": kinds[0] if len(kinds) == 1 else list(kinds)}
    if not words and set(kinds) - {"boolean", "null"}:
        described["x-pii"] = "free-text"
    return described
