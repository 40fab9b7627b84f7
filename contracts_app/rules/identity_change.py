"""Does another version find and spell the same identifiers? Each difference with its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from contracts_app.rules.compat import Change, Comparison
from contracts_app.rules.identifiers import FOUND, Way, in_words
from contracts_app.rules.identity import IdentityPointers

RULE = "identifier"
_NAMES = (*FOUND, "email")


def with_identifiers(
    comparison: Comparison, old: IdentityPointers, new: IdentityPointers
) -> Comparison:
    """Return a comparison of two schemas that also says how the identifiers differ.

    One that is read otherwise breaks: an event of the new version gets another id than one of the
    old for the same customer, so neither waits nor pages bring the two together.
    """
    found = tuple(identifier_changes(old, new))
    if not found:
        return comparison
    changes = (*comparison.changes, *found)
    if any(one.breaking for one in found):
        return replace(comparison, verdict="breaking", changes=changes, bump="major", why="")
    return replace(
        comparison,
        changes=changes,
        bump="minor" if comparison.bump == "patch" else comparison.bump,
    )


def only_identifiers(comparison: Comparison) -> bool:
    """Whether nothing but the identifiers makes a comparison a breaking one."""
    breaking = [one.rule for one in comparison.changes if one.breaking]
    return comparison.counterexample is None and bool(breaking) and set(breaking) == {RULE}


def identifier_changes(old: IdentityPointers, new: IdentityPointers) -> Iterator[Change]:
    """Yield where an identifier is read otherwise than before."""
    for name in _NAMES:
        before, now = _ways(old, name), _ways(new, name)
        if before == now:
            continue
        at, asked = f"/identity/{name}", in_words(now)
        if not before:
            told = f"The {name} is read at {asked}; before, no event had one."
            yield Change(at, RULE, False, told)
        elif now[: len(before)] == before:
            more = in_words(now[len(before) :])
            told = f"Where no {name} was found, it is read at {more} now."
            yield Change(at, RULE, False, told)
        elif not now:
            told = f"The {name} was read at {in_words(before)} and is not read any more."
            yield Change(at, RULE, True, told)
        else:
            told = (
                f"The {name} was read at {in_words(before)} and is read at {asked} now: the same "
                f"{name} can have another id than in the events stored so far."
            )
            yield Change(at, RULE, True, told)


def _ways(pointers: IdentityPointers, name: str) -> tuple[Way, ...]:
    if name in pointers.ways:
        return pointers.ways[name]
    pointer = getattr(pointers, name)
    return (Way(pointer),) if pointer else ()
