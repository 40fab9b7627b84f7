"""How a contract finds customer, order, ticket and cart: its ways, in order of preference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts_app.rules.normalising import LONGEST_RAW, Step, Unreadable

KINDS = ("customer", "order", "ticket", "cart")  # what two ids of a vendor can turn out to be
FOUND = ("correlation", "subject", *KINDS)  # what can be written with several ways


@dataclass(frozen=True)
class Way:
    """One place where an identifier may stand; `steps` None: the usual spelling of its kind."""

    pointer: str
    steps: tuple[Step, ...] | None = None

    def __str__(self) -> str:
        if self.steps is None:
            return self.pointer
        return f"{self.pointer} as {', '.join(map(str, self.steps)) or 'it is'}"


def ways_of(written: Any) -> tuple[Way, ...]:
    """Return the ways that an entry of `identity` names; it has the right shape."""
    if isinstance(written, str):
        return (Way(written),)
    if isinstance(written, list):
        return tuple(way for entry in written for way in ways_of(entry))
    steps = tuple(_step(one) for one in written["as"]) if "as" in written else None
    places = written["at"] if isinstance(written["at"], list) else [written["at"]]
    return tuple(Way(place, steps) for place in places)


def parse_identity(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of IdentityPointers for an `identity` block of the right shape.

    A plain pointer means what it always did. Of several ways the first place stands for all
    where only one can be named.
    """
    ways: dict[str, tuple[Way, ...]] = {}
    same = {name: told["of"] for name, told in block.items() if is_reference(told)}
    for name, told in block.items():
        if not isinstance(told, str) and name not in same:
            ways[name] = ways_of(told)
    for name, kind in same.items():
        ways[name] = ways.get(kind) or ways_of(block.get(kind, []))
    pointers = {name: told for name, told in block.items() if isinstance(told, str)}
    pointers |= {name: several[0].pointer for name, several in ways.items() if several}
    return {**pointers, "ways": ways, "same": same}


def is_reference(told: Any) -> bool:
    """Whether an entry says "the same as": {of: cart}."""
    return isinstance(told, dict) and "of" in told


def text_of(value: Any) -> str:
    """Return a value as text, "" if there is none. Raises: Unreadable for what can be no id."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Unreadable("is neither text nor a whole number")
    if isinstance(value, int) and abs(value) >= 10**100:
        raise Unreadable(f"is longer than {LONGEST_RAW:,} characters")
    text = str(value)
    return text if text.strip() else ""


def in_words(ways: Sequence[Way]) -> str:
    """Say where something is read: "/a as trim, else /b as email"."""
    return ", else ".join(str(way) for way in ways)


def _step(written: Any) -> Step:
    if isinstance(written, str):
        return Step(written)
    ((name, argument),) = written.items()
    return Step(name, argument)
