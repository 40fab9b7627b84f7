"""What a temporary tolerance may let through: named departures, never identifiers or amounts.

Not to be taken for the tolerant reader (`tolerance.py`), which is about compatibility.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta

from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.drift import places
from contracts_app.rules.identity import IdentityPointers
from contracts_app.rules.validate import Schema, Violation
from meshline.core.errors import BadValue
from meshline.core.pointers import build, parse

LONGEST = timedelta(hours=72)
CONFIRM_WITHIN = timedelta(hours=24)
MOST_ALLOWANCES = 20
MOST_PLACES = 2_000
DEEPEST = 12
ANY = "*"

# Rules about an object that name properties: the place is then the property's own.
_OF_PROPERTIES = frozenset(["required", "additionalProperties", "unevaluatedProperties"])
_RULES = _OF_PROPERTIES | frozenset(
    """additionalItems const contains enum exclusiveMaximum exclusiveMinimum format maxItems
    maxLength maxProperties maximum minItems minLength minProperties minimum multipleOf pattern
    type uniqueItems""".split()  # noqa: SIM905 a long list reads better in lines
)
# Times and names of people are no identifiers: nothing is matched by them.
_NO_IDENTIFIERS = frozenset(["occurred_at", "customer_name"])
_MONEY = frozenset(
    """amount amounts balance cents charge charges cost costs currency discount fee fees iban minor
    money paid payment payments payout price prices refunded subtotal sum tax taxes total totals
    vat""".split()  # noqa: SIM905
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@dataclass(frozen=True, order=True)
class Allowance:
    """One departure that is let through: at which place (`*` is any item), from which rule."""

    path: str
    rule: str

    def __str__(self) -> str:
        return f"{self.path} {self.rule}"


@dataclass(frozen=True)
class Guarded:
    """A place that no tolerance touches, and why."""

    path: str
    why: str


def guarded_places(spec: ContractSpec, money_paths: Iterable[str] = ()) -> tuple[Guarded, ...]:
    """Return the places of a contract's payload that stay as strict as they are.

    `money_paths`: what flows read for steps that move money.
    """
    named = [
        Guarded(pointer, f"it is an identifier ({name.replace('_', ' ')})")
        for name, pointer in _identifiers(spec.identity)
        if name not in _NO_IDENTIFIERS
    ]
    named += [Guarded(path, "a step that moves money reads it") for path in money_paths]
    named += [
        Guarded(build(place), "it is an amount or its currency")
        for place in _places(spec.schema)
        if _is_money(place)
    ]
    return tuple(named)


def places_of(violation: Violation) -> tuple[Allowance, ...]:
    """Return what would have to be allowed for this departure."""
    at = tuple(ANY if step.isdigit() else step for step in parse(violation.path))
    if violation.rule in _OF_PROPERTIES:
        return tuple(Allowance(build((*at, name)), violation.rule) for name in violation.names)
    return (Allowance(build(at), violation.rule),)


def refusal(allowance: Allowance, spec: ContractSpec, guarded: Sequence[Guarded]) -> str:
    """Return why this may not be let through, in a sentence; "" if it may."""
    try:
        place = parse(allowance.path)
    except BadValue as error:
        return f"{error.message} {error.remedy}"
    if not place:
        return "The whole document cannot be tolerated: name the places that the vendor changed."
    if allowance.rule not in _RULES:
        return f"{allowance.rule!r} is no rule that can be tolerated, at {allowance.path}."
    touched = next((one for one in guarded if _touch(place, parse(one.path))), None)
    if touched is not None:
        inside = "" if touched.path == allowance.path else f" (here {touched.path})"
        return f"{allowance.path} is never tolerated: {touched.why}{inside}."
    if _is_money(place):
        return f"{allowance.path} is never tolerated: it is an amount or its currency."
    if allowance.rule in _OF_PROPERTIES:
        return ""
    found = places.at_path(spec.schema, place)
    if found is None:
        return f"The contract names no {allowance.path}: look at what failed."
    if len(place) == 1 and any(node.schema.get("properties") for node in found):
        return f"{allowance.path} holds most of the document: name the fields that changed."
    return ""


def lets_through(
    found: Sequence[Violation],
    allowed: Collection[Allowance],
    spec: ContractSpec,
    guarded: Sequence[Guarded],
) -> bool:
    """Say whether every departure is allowed, and none of them touches what is guarded."""
    needed = [places_of(one) for one in found]
    return bool(needed) and all(
        wanted and all(one in allowed and not refusal(one, spec, guarded) for one in wanted)
        for wanted in needed
    )


def check_request(
    allowed: Sequence[Allowance],
    span: timedelta,
    spec: ContractSpec,
    guarded: Sequence[Guarded],
) -> list[str]:
    """Return everything that is wrong with what is asked for, a sentence each."""
    wrong = [why for one in allowed if (why := refusal(one, spec, guarded))]
    if not allowed:
        wrong.append("Nothing is named that should be let through.")
    if len(allowed) > MOST_ALLOWANCES:
        wrong.append(f"At most {MOST_ALLOWANCES} places can be named: publish a version instead.")
    if not timedelta(0) < span <= LONGEST:
        hours = LONGEST // timedelta(hours=1)
        wrong.append(f"A tolerance ends after 1 to {hours} hours.")
    return wrong


def parse_allowance(line: str) -> Allowance:
    """Read "path rule". Raises: BadValue."""
    path, _, rule = line.strip().rpartition(" ")
    if not path or not rule:
        raise BadValue(
            f"{line.strip()[:80]!r} is no place with its rule.",
            remedy="Write the path, a space and the rule, like /data/name maxLength.",
        )
    return Allowance(path.strip(), rule)


def _identifiers(pointers: IdentityPointers) -> Iterator[tuple[str, str]]:
    """Every name of `identity` with each place where it may stand."""
    for field in fields(pointers):
        pointer = getattr(pointers, field.name)
        if isinstance(pointer, str):
            yield field.name, pointer
    for name, ways in pointers.ways.items():
        yield from ((name, way.pointer) for way in ways)


def _places(schema: Schema) -> Iterator[tuple[str, ...]]:
    """Every place that the schema names, each once for each way that leads to it, bounded."""
    pending: list[tuple[tuple[str, ...], places.Place]] = [((), places.whole(schema))]
    seen = 0
    while pending and seen < MOST_PLACES:
        at, place = pending.pop()
        seen += 1
        yield at
        if len(at) >= DEEPEST:
            continue
        names = {name for node in place for name in node.schema.get("properties") or ()}
        for name in sorted(names):
            below = places.member(schema, place, name)
            pending.append(((*at, name), below or ()))
        items = places.items(schema, place)
        if items:
            pending.append(((*at, ANY), items))


def _touch(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether one place is the other, or lies in it."""
    pairs = zip(one, other, strict=False)
    return all(mine == theirs or ANY in (mine, theirs) for mine, theirs in pairs)


def _is_money(place: Iterable[str]) -> bool:
    words = {word.lower() for step in place for word in _WORD.findall(step)}
    return bool(words & _MONEY)
