"""Places in a payload that two schemas speak of, side by side; those that differ come first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from contracts_app.rules.samples import Sampler
from contracts_app.rules.schema_forms import Form
from contracts_app.rules.splicing import Path
from contracts_app.rules.validate import Schema
from meshline.core import canonical

MAX_POSITIONS = 2_000
MAX_DEPTH = 12


@dataclass(frozen=True)
class Position:
    """One place: what each schema says there (several if it has alternatives).

    `asked` are the properties that `theirs` requires and not every form of `mine` does.
    """

    path: Path
    mine: tuple[Schema, ...]
    theirs: tuple[Schema, ...]
    differs: bool
    asked: tuple[str, ...] = ()


def positions(mine: Sampler, theirs: Sampler) -> list[Position]:
    """Return the places, at most 2,000: those where the schemas differ first, outer ones first."""
    found: list[Position] = []
    pending: list[tuple[Path, tuple[Schema, ...], tuple[Schema, ...]]] = [
        ((), (mine.root,), (theirs.root,))
    ]
    while pending and len(found) < MAX_POSITIONS:
        path, left, right = pending.pop(0)
        forms = [_forms(mine, left), _forms(theirs, right)]
        differs = _told(forms[0]) != _told(forms[1])
        found.append(Position(path, left, right, differs, _asked(*forms) if differs else ()))
        if len(path) < MAX_DEPTH:
            pending += [
                ((*path, step), _below(forms[0], step), _below(forms[1], step))
                for step in _steps(mine, theirs, *forms)
            ]
    return sorted(found, key=lambda one: (not one.differs, len(one.path)))


def _asked(mine: list[Form], theirs: list[Form]) -> tuple[str, ...]:
    needed = [set(form.get("required", ())) for form in mine]
    always = set.intersection(*needed) if needed else set()
    asked = {name for form in theirs for name in form.get("required", ())}
    return tuple(sorted(asked - always))


def _forms(sampler: Sampler, nodes: tuple[Schema, ...]) -> list[Form]:
    return [form for node in nodes for form in sampler.forms(node)]


def _told(forms: list[Form]) -> set[str]:
    """Return what forms say themselves, without what they say of deeper places."""
    return {
        canonical.text({key: _own(key, value) for key, value in form.items()}) for form in forms
    }


def _own(keyword: str, value: object) -> object:
    if keyword in ("properties", "patternProperties") and isinstance(value, dict):
        return sorted(value)
    if keyword in ("items", "prefixItems", "contains"):
        return len(value) if isinstance(value, list) else isinstance(value, bool) and value
    return value


def _steps(mine: Sampler, theirs: Sampler, *forms: list[Form]) -> list[str | int]:
    """Return the names and numbers by which a payload goes on from here."""
    steps: dict[str | int, None] = {}
    for sampler, own in zip((mine, theirs), forms, strict=True):
        for form in own:
            steps.update(dict.fromkeys(form.get("properties", {})))
            steps.update(dict.fromkeys(n for n in form.get("required", ()) if isinstance(n, str)))
            if {"additionalProperties", "patternProperties", "propertyNames"} & form.keys():
                steps.update(dict.fromkeys(sampler.names(form)))
            first = form.get("prefixItems", form.get("items"))
            if isinstance(first, list):
                steps.update(dict.fromkeys(range(len(first) + 1)))
            elif {"items", "contains", "prefixItems"} & form.keys():
                steps[0] = None
    return list(steps)


def _below(forms: list[Form], step: str | int) -> tuple[Schema, ...]:
    """Return what the forms say one step further, each subschema once."""
    found: list[Schema] = []
    for form in forms:
        for child in below(form, step):
            if child not in found:
                found.append(child)
    return tuple(found[:6])


def below(form: Form, step: str | int) -> Iterator[Schema]:
    """Yield what a form says of the values one step further."""
    if isinstance(step, int):
        first = form.get("prefixItems")
        rest = form.get("items", True)
        if isinstance(rest, list):
            first, rest = rest, form.get("additionalItems", True)
        yield first[step] if isinstance(first, list) and step < len(first) else rest
        if "contains" in form:
            yield form["contains"]
        return
    properties = form.get("properties", {})
    if step in properties:
        yield properties[step]
        return
    matched = form.get("patternProperties", {})
    yield from list(matched.values())[:3]
    if not matched or "additionalProperties" in form:
        yield form.get("additionalProperties", True)
