"""What a contract's named fields are used to: which come regularly, and of which type.

A field that is optional may stay away and a loose schema takes another type: nothing is refused,
and who reads it is hurt all the same. Habits are kept by source: a sender that falls silent has
taken nothing away. Only names, types and counts are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from contracts_app.rules.drift import places
from contracts_app.rules.drift.evidence import Seen
from contracts_app.rules.drift.places import Place
from contracts_app.rules.drift.sightings import LONGEST_PATH, Sighting, shape_of, type_of
from contracts_app.rules.validate import Schema
from meshline.core.pointers import build, parse
from meshline.core.safejson import Json

MOST_FIELDS = 60  # of one schema
DEEPEST = 4
FEWEST = 30  # events with a field, before its staying away or its type means anything
FEWEST_DAYS = 3  # on which it came
FEWEST_MISSED = 50  # events without it
LONGER = 5  # times the longest row of events without it before
QUIET = timedelta(days=1)
MIXED = "mixed"


@dataclass(frozen=True)
class Habit:
    """How one field has come: `missed` events since the last, `gap` the most between two.

    `type` is that of all of the last `typed` events with it, "mixed" if there were several.
    """

    last_at: str
    last_event: str
    seen: int = 0
    days: int = 0
    missed: int = 0
    gap: int = 0
    type: str = ""
    typed: int = 0
    told: bool = False

    @property
    def is_regular(self) -> bool:
        """Whether it came often enough, on days enough."""
        return self.seen >= FEWEST and self.days >= FEWEST_DAYS

    def came(self, seen: Seen, kind: str) -> Habit:
        """Return the habit with one more event that had the field."""
        at = seen.at.isoformat()
        typed = kind if self.type in ("", kind) else MIXED
        return replace(
            self,
            last_at=at,
            last_event=seen.event,
            seen=self.seen + 1,
            days=self.days + (not self.seen or at[:10] != self.last_at[:10]),
            missed=0,
            gap=max(self.gap, self.missed),
            # A null says nothing about what the field holds.
            type=self.type if kind == "null" else typed,
            typed=self.typed + (kind != "null"),
            told=False,
        )

    def is_gone(self, at: datetime) -> bool:
        """Whether a field that came regularly has stayed away for too long."""
        enough = self.missed >= max(FEWEST_MISSED, LONGER * self.gap)
        return self.is_regular and enough and at - datetime.fromisoformat(self.last_at) >= QUIET

    def is_other(self, kind: str) -> bool:
        """Whether a type is another than the one that all events had so far."""
        known = self.is_regular and self.typed >= FEWEST and self.type not in ("", MIXED)
        return known and kind not in (self.type, "null")


@dataclass
class Habits:
    """The habits of one contract's fields at one source; `back` are those that came again."""

    fields: dict[str, Habit]
    back: set[str]

    def look(self, paths: Sequence[str], payload: Json, seen: Seen) -> list[Sighting]:
        """Take one more event in; return the fields that came in another type.

        From an event that is held nothing is learned.
        """
        found = []
        for path in paths:
            parent, value = _at(payload, _steps(path))
            if not isinstance(parent, dict):
                continue
            habit = self.fields.get(path)
            if value is _ABSENT:
                if habit is not None and not seen.held:
                    self.fields[path] = replace(habit, missed=habit.missed + 1)
                continue
            kind = _family(value)
            if habit is not None and habit.is_other(kind):
                # Of a field that changed its type the old habit stays, until a version names it.
                told = f"{shape_of(value)}; {habit.type} in {habit.typed} events before"
                found.append(Sighting("type", path, kind, kind, told, closed=True))
                kind = habit.type
            if not seen.held:
                self._came(path, habit, seen, kind)
        return found

    def gone(self, at: datetime) -> Iterator[tuple[Seen, Sighting]]:
        """Yield what has stayed away, once each, with the last event that had it."""
        for path, habit in self.fields.items():
            if habit.told or not habit.is_gone(at):
                continue
            self.fields[path] = replace(habit, told=True)
            told = (
                f"in {habit.seen} events on {habit.days} days, in none of the {habit.missed} since"
            )
            last = Seen(habit.last_event, "", datetime.fromisoformat(habit.last_at))
            yield last, Sighting("gone", path, "", habit.type or "null", told)

    def forget_types(self) -> None:
        """Another version is in service: what it allows has to be seen anew."""
        for path, habit in self.fields.items():
            self.fields[path] = replace(habit, type="", typed=0)

    def stored(self) -> dict[str, Any]:
        """Return what a row keeps of it."""
        return {path: list(asdict(habit).values()) for path, habit in self.fields.items()}

    def _came(self, path: str, habit: Habit | None, seen: Seen, kind: str) -> None:
        if habit is None and len(self.fields) >= MOST_FIELDS:
            return
        if habit is not None and habit.told:
            self.back.add(path)
        self.fields[path] = (habit or Habit(seen.at.isoformat(), seen.event)).came(seen, kind)


def habits_of(stored: Mapping[str, Any] | None) -> Habits:
    """Return what a row has kept."""
    return Habits({path: Habit(*kept) for path, kept in (stored or {}).items()}, set())


def named_in(schema: Schema) -> list[str]:
    """Return the paths of the fields that a schema names, at most sixty; lists are not entered."""
    found: list[str] = []
    pending: list[tuple[Place, tuple[str, ...]]] = [(places.whole(schema), ())]
    while pending and len(found) < MOST_FIELDS:
        place, path = pending.pop(0)
        names = [name for node in place for name in _names(node.schema)]
        for name in dict.fromkeys(names):
            at = (*path, name)
            if len(build(at)) > LONGEST_PATH or len(found) >= MOST_FIELDS:
                continue
            found.append(build(at))
            below = places.member(schema, place, name)
            if below and len(at) < DEEPEST:
                pending.append((below, at))
    return found


_ABSENT: Any = object()


@lru_cache(maxsize=4_096)
def _steps(path: str) -> Sequence[str]:
    return tuple(parse(path))


def _at(payload: Json, segments: Sequence[str]) -> tuple[Json, Any]:
    """Return the object around a place, and what stands there."""
    parent: Json = payload
    for step in segments[:-1]:
        parent = parent.get(step) if isinstance(parent, dict) else None
    return parent, parent.get(segments[-1], _ABSENT) if isinstance(parent, dict) else _ABSENT


def _family(value: Json) -> str:
    kind = type_of(value)
    return "number" if kind == "integer" else kind


def _names(schema: Mapping[str, Any]) -> list[str]:
    properties = schema.get("properties")
    return list(properties) if isinstance(properties, dict) else []
