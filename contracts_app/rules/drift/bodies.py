"""What a source's own bodies are known to hold, and what in a later one is new.

A mapping takes only what it names, so a vendor's new field never reaches the payload. The first
bodies are learned; from then on a name nobody has seen is told. Values are learned only where they
are a few words that come again and again, and only as digests.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from contracts_app.rules.drift.places import ITEM
from contracts_app.rules.drift.sightings import (
    LONGEST_PATH,
    MOST_ITEMS,
    MOST_NEW_NAMES,
    MOST_SIGHTINGS,
    MOST_VALUES,
    Sighting,
    is_name,
    shape_of,
    type_of,
    word_of,
)
from meshline.core.pointers import build
from meshline.core.safejson import Json

LEARNED_AFTER = 20  # bodies
MOST_NAMES = 400
MOST_WORDS = 5
FEWEST_TIMES = 3  # that each word of a list must have come
_MENTIONED = re.compile(r"[A-Za-z_$@][A-Za-z0-9_$@-]*")


@dataclass
class Known:
    """What the bodies of one source hold under one contract.

    `names` are paths; `words` counts by digest the words at a path, None where they are no list.
    Once it is `learned`, it changes no more.
    """

    bodies: int = 0
    names: set[str] = field(default_factory=set)
    words: dict[str, dict[str, int] | None] = field(default_factory=dict)

    @property
    def learned(self) -> bool:
        """Whether enough has come to call anything new."""
        return self.bodies >= LEARNED_AFTER

    def learn(self, body: Json) -> None:
        """Take one more body as ordinary; does nothing once it is learned."""
        if self.learned:
            return
        for path, value in _places(body):
            if len(self.names) < MOST_NAMES:
                self.names.add(path)
            if isinstance(value, str):
                self._count(path, value)
        self.bodies += 1
        if self.learned:
            self.words = {path: found for path, found in self.words.items() if _is_list(found)}

    def new_in(self, body: Json, taken: Collection[str], *, held: bool = False) -> list[Sighting]:
        """Return what is new in a body; what the mapping mentions or the payload has is not.

        Of a new object only itself is told, not what it holds. New values are told of an event
        that is `held`: any other was understood as it is.
        """
        if not self.learned or len(self.names) >= MOST_NAMES:
            return []
        found: dict[tuple[str, str, str], Sighting] = {}
        for path, value in _places(body):
            one = self._judged(path, value, taken, held)
            if one is not None and len(path) <= LONGEST_PATH:
                found.setdefault(one.key, one)
        return list(found.values())[:MOST_SIGHTINGS]

    def stored(self) -> dict[str, Any]:
        """Return what a row keeps of it."""
        return {"bodies": self.bodies, "names": sorted(self.names), "words": self.words}

    def _count(self, path: str, value: str) -> None:
        counted = self.words.setdefault(path, {})
        if counted is None:
            return
        word = word_of(value, path.rpartition("/")[2])
        digest = _digest(word)
        if not word or (digest not in counted and len(counted) >= MOST_WORDS):
            self.words[path] = None
        else:
            counted[digest] = counted.get(digest, 0) + 1

    def _judged(
        self, path: str, value: Json, taken: Collection[str], held: bool
    ) -> Sighting | None:
        parent, _, name = path.rpartition("/")
        if path in self.names:
            listed = self.words.get(path) if held and isinstance(value, str) else None
            if listed is None or _digest(word_of(value, name)) in listed:
                return None
            return Sighting(
                "body_value", path, "", "string", shape_of(value), word_of(value, name), True
            )
        if parent and parent not in self.names:
            return None  # it stands in something that is new itself
        if name == ITEM or name in taken:
            return None
        return Sighting("body", path, "", type_of(value), shape_of(value), word_of(value, name))


def known_of(stored: Mapping[str, Any] | None) -> Known:
    """Return what a row has kept."""
    if not stored:
        return Known()
    return Known(stored["bodies"], set(stored["names"]), dict(stored["words"]))


@lru_cache(maxsize=64)
def mentioned(text: str) -> frozenset[str]:
    """Return every word of a source's document: what it names, it has taken or left on purpose."""
    return frozenset(_MENTIONED.findall(text))


def names_in(payload: Json) -> frozenset[str]:
    """Return the names of all members of a payload, however deep."""
    return frozenset(path.rpartition("/")[2] for path, _ in _places(payload))


def _places(body: Json) -> Iterator[tuple[str, Json]]:
    """Yield every place of a body, with `*` for items and for names that look like data."""
    pending: list[tuple[tuple[str, ...], Json]] = [((), body)]
    seen = 0
    while pending and seen < MOST_VALUES:
        path, value = pending.pop(0)
        seen += 1
        if path:
            yield build(path), value
        if isinstance(value, dict):
            crowded = len(value) > MOST_NEW_NAMES * 5
            for name, child in value.items():
                pending.append(((*path, ITEM if crowded or not is_name(name) else name), child))
        elif isinstance(value, list):
            pending += [((*path, ITEM), child) for child in value[:MOST_ITEMS]]


def _is_list(counted: dict[str, int] | None) -> bool:
    return bool(counted) and all(times >= FEWEST_TIMES for times in (counted or {}).values())


def _digest(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()[:12]
