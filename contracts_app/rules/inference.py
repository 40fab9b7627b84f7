"""A schema guessed from payloads that came, with the evidence for every guess.

A guess is a proposal to a person, never a verdict: it says in how many payloads it held. Values
are told only where they are few and short and hold nothing personal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from contracts_app.rules.validate import compile_schema
from meshline.core import redact
from meshline.core.pointers import build
from meshline.core.safejson import Json

FEWEST_FOR_REQUIRED = 5
FEWEST_FOR_CHOICES = 20
MOST_CHOICES = 8
LONGEST_CHOICE = 40
MOST_PROPERTIES = 200
MAX_DEPTH = 20
FORMATS = ("date-time", "date", "uuid", "email", "ipv4", "uri")


@dataclass(frozen=True)
class Guess:
    """One thing that was guessed: where in the payload, which keyword, and on what evidence."""

    path: str
    keyword: str
    sentence: str


@dataclass(frozen=True)
class Inferred:
    """A proposed schema, its guesses by path, and from how many payloads it was made."""

    schema: dict[str, Any]
    guesses: tuple[Guess, ...]
    payloads: int


@dataclass
class _Seen:
    """What stood at one place of the payloads."""

    times: int = 0
    types: Counter[str] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)
    numbers: list[float] = field(default_factory=list)
    properties: dict[str, _Seen] = field(default_factory=dict)
    items: _Seen | None = None
    crowded: bool = False

    def take(self, value: Json, depth: int = 0) -> None:
        """Look at one more value."""
        self.times += 1
        kind = _type_of(value)
        self.types[kind] += 1
        if kind == "string":
            if value in self.texts or len(self.texts) < 1_000:
                self.texts[value] += 1
        elif kind in ("integer", "number"):
            self.numbers.append(float(value))
        elif depth < MAX_DEPTH and isinstance(value, dict):
            self._take_object(value, depth)
        elif depth < MAX_DEPTH and isinstance(value, list):
            self.items = self.items or _Seen()
            for child in value[:100]:
                self.items.take(child, depth + 1)

    def _take_object(self, value: dict[str, Json], depth: int) -> None:
        for name, child in value.items():
            if name not in self.properties and len(self.properties) >= MOST_PROPERTIES:
                self.crowded = True  # names are data here, not properties
                continue
            self.properties.setdefault(name, _Seen()).take(child, depth + 1)


def infer(payloads: Iterable[Json]) -> Inferred:
    """Return the schema that these payloads suggest. Objects stay open: more may come."""
    root = _Seen()
    for payload in payloads:
        root.take(payload)
    guesses: list[Guess] = []
    schema = _schema(root, (), guesses) if root.times else {}
    return Inferred(schema, tuple(guesses), root.times)


def _schema(seen: _Seen, at: tuple[str, ...], guesses: list[Guess]) -> dict[str, Any]:
    types = _types(seen)
    schema: dict[str, Any] = {"type": types[0] if len(types) == 1 else types}
    guesses.append(Guess(build(at), "type", _told_types(seen)))
    for keyword, value, sentence in _limits(seen):
        schema[keyword] = value
        guesses.append(Guess(build(at), keyword, sentence))
    if seen.properties and not seen.crowded:
        objects = seen.types["object"]
        needed = [name for name, one in seen.properties.items() if one.times == objects]
        if needed and objects >= FEWEST_FOR_REQUIRED:
            schema["required"] = sorted(needed)
            said = f"{', '.join(sorted(needed))} stood in all {objects}"
            guesses.append(Guess(build(at), "required", said))
        schema["properties"] = {
            name: _schema(one, (*at, name), guesses) for name, one in seen.properties.items()
        }
    if seen.crowded:
        said = f"over {MOST_PROPERTIES} different names: they look like data"
        guesses.append(Guess(build(at), "additionalProperties", said))
    if seen.items is not None and seen.items.times:
        schema["items"] = _schema(seen.items, (*at, "*"), guesses)
    return schema


def _limits(seen: _Seen) -> Iterator[tuple[str, Any, str]]:
    """Yield keywords that all values of a place kept: choices, a format, no negative number."""
    texts = seen.types["string"]
    if texts and texts == seen.times:
        kept = _format_of(seen.texts)
        choices = _choices(seen.texts, texts)
        if choices:
            yield "enum", choices, f"{len(choices)} value(s) in {texts}"
        elif kept and texts >= FEWEST_FOR_REQUIRED:
            yield "format", kept, f"all {texts} are one"
    if len(seen.numbers) >= FEWEST_FOR_CHOICES and min(seen.numbers) >= 0:
        yield "minimum", 0, f"none of {len(seen.numbers)} was negative"


def _choices(texts: Counter[str], total: int) -> list[str]:
    """Return the few values of a place, or nothing if there are many, long or personal ones."""
    few = len(texts) <= MOST_CHOICES and total >= max(FEWEST_FOR_CHOICES, 5 * len(texts))
    if not few or any(len(text) > LONGEST_CHOICE or times < 2 for text, times in texts.items()):
        return []
    if any(redact.mask_text(text) != text for text in texts):
        return []
    return sorted(texts)


def _format_of(texts: Counter[str]) -> str:
    for name in FORMATS:
        validator = compile_schema({"format": name})
        if all(validator.is_valid(text) for text in texts):
            return name
    return ""


def _types(seen: _Seen) -> list[str]:
    found = set(seen.types)
    if "number" in found:
        found.discard("integer")
    return sorted(found)


def _told_types(seen: _Seen) -> str:
    parts = [f"{kind} {times}" for kind, times in seen.types.most_common()]
    return f"{', '.join(parts)} of {seen.times}"


def _type_of(value: Json) -> str:
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
