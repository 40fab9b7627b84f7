"""Values that fit a schema, or just do not: the stuff that counterexamples are made of.

Nothing here is a verdict. Every value is tried by the validator before it is shown to anybody.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import rstr

from contracts_app.rules.schema_forms import Form, forms
from contracts_app.rules.validate import Schema
from meshline.core.safejson import Json

MAX_NESTING = 10
MAX_ITEMS = 200
MAX_VALUES = 3_000  # in one made value
MAX_CHARS = 20_000
_ODD_PROPERTY = "unexpected"
_ONE_OF_EACH: tuple[Json, ...] = ("text", 7, 2.5, True, None, [], {})
# One valid value of each format that is asserted, then others of the same format.
FORMATS: dict[str, tuple[str, ...]] = {
    "date": ("2026-01-05", "2024-02-29"),
    "date-time": ("2026-01-05T10:00:00Z", "2026-01-05T10:00:00.123+02:00"),
    "duration": ("PT5M", "P1Y2M3DT4H5M6S", "P1W"),
    "email": ("a@b.example", "maja.lind+refund@customer.example"),
    "hostname": ("shop.example", "a"),
    "idn-email": ("a@b.example",),
    "idn-hostname": ("shop.example",),
    "ipv4": ("192.0.2.7",),
    "ipv6": ("2001:db8::7", "::1"),
    "iri": ("https://shop.example/a", "urn:a:b"),
    "iri-reference": ("/a", "https://shop.example/a"),
    "json-pointer": ("/a", ""),
    "regex": ("^a$",),
    "relative-json-pointer": ("1/a", "0"),
    "time": ("10:00:00Z", "10:00:00.5+02:00"),
    "uri": ("https://shop.example/a", "urn:a:b"),
    "uri-reference": ("/a", "https://shop.example/a"),
    "uri-template": ("/a/{b}",),
    "uuid": ("7f1c1f0e-5d0b-4b53-9d5d-0e8f6f7f9b11", "7F1C1F0E-5D0B-1B53-8D5D-0E8F6F7F9B11"),
}


class Sampler:
    """Makes values for the subschemas of one schema. The same schema gives the same values."""

    def __init__(self, root: Schema) -> None:
        self.root = root
        self._left = MAX_VALUES

    def forms(self, node: Schema) -> list[Form]:
        """Return the ways in which a value may fit a subschema."""
        return forms(node, self.root)

    def plain(self, node: Schema, *, full: bool = False, nesting: int = MAX_NESTING) -> Json:
        """Return one ordinary value; `full` with every optional property."""
        if nesting == MAX_NESTING:
            self._left = MAX_VALUES
        self._left -= 1
        if self._left < 0 or nesting < -MAX_NESTING:
            return None  # it would never end, or be of no use to anybody
        found = self.forms(node)
        return self.of_form(found[0] if found else {}, full=full, nesting=nesting)

    def of_form(self, form: Form, *, full: bool = False, nesting: int = MAX_NESTING) -> Json:
        """Return one ordinary value of a form."""
        return next(self._of_form(form, full, nesting))

    def near(self, node: Schema) -> Iterator[Json]:
        """Yield values that fit a subschema or miss it by little: its edges, and past them."""
        for form in self.forms(node):
            yield from self._of_form(form, False, MAX_NESTING)
            yield from self._edges(form)
        yield from _ONE_OF_EACH

    def names(self, form: Form) -> list[str]:
        """Return names of properties that nothing in `properties` speaks of."""
        found = [name for name in map(_of_pattern, form.get("patternProperties", {})) if name]
        wanted = form.get("propertyNames")
        if isinstance(wanted, dict):
            found += [v for v in self._texts(next(iter(self.forms(wanted)), {})) if v]
        return [*found, _ODD_PROPERTY]

    def _of_form(self, form: Form, full: bool, nesting: int) -> Iterator[Json]:
        if "const" in form:
            yield form["const"]
            return
        if isinstance(form.get("enum"), list):
            yield from form["enum"]
            return
        for name in types_of(form):
            match name:
                case "object":
                    yield self._object(form, full, nesting)
                case "array":
                    yield self._array(form, full, nesting)
                case "string":
                    yield from self._texts(form)
                case "integer" | "number":
                    yield from _numbers(form, whole=name == "integer")
                case "boolean":
                    yield from (True, False)
                case "null":
                    yield None

    def _object(self, form: Form, full: bool, nesting: int) -> dict[str, Json]:
        properties = form.get("properties", {})
        needed = [name for name in form.get("required", ()) if isinstance(name, str)]
        names = list(dict.fromkeys([*needed, *(properties if full else ())]))
        if nesting <= 0:
            names = needed if nesting > -3 else []
        rest = form.get("additionalProperties", True)
        made = {}
        for name in names:
            child = properties.get(name, rest)
            if child is not False:
                made[name] = self.plain(child, full=full, nesting=nesting - 1)
        for name, others in _dependent(form):
            if name in made and nesting > 0:
                for other in others:
                    child = properties.get(other, rest)
                    if other not in made and child is not False:
                        made[other] = self.plain(child, nesting=nesting - 1)
        least = form.get("minProperties", 0)
        for name in [*properties, *self.names(form), *(f"extra{i}" for i in range(MAX_ITEMS))]:
            if len(made) >= least:
                break
            child = properties.get(name, rest)
            if name not in made and child is not False:
                made[name] = self.plain(child, nesting=nesting - 1)
        return made

    def _array(self, form: Form, full: bool, nesting: int, count: int | None = None) -> list[Json]:
        first = form.get("prefixItems")
        rest = form.get("items", True)
        if isinstance(rest, list):
            first, rest = rest, form.get("additionalItems", True)
        first = first or []
        wanted = count if count is not None else form.get("minItems", 0)
        if count is None and (full or "contains" in form) and nesting > 0:
            wanted = max(wanted, 1)
        wanted = min(int(wanted), MAX_ITEMS)
        made = [
            self.plain(child, full=full, nesting=nesting - 1) for child in first[: max(wanted, 0)]
        ]
        if wanted > len(made):
            if "contains" in form:
                rest = {"allOf": [rest, form["contains"]]}
            made += [self.plain(rest, full=full, nesting=nesting - 1)] * (wanted - len(made))
        return _distinct(made) if form.get("uniqueItems") else made

    def _texts(self, form: Form) -> Iterator[str]:
        if isinstance(form.get("pattern"), str):
            for text in _of_pattern_all(form["pattern"]):
                yield text
                yield from _fitted(text, form)
            return
        if form.get("format") in FORMATS:
            yield from FORMATS[form["format"]]
            return
        least = min(int(form.get("minLength", 0)), MAX_CHARS)
        most = int(form.get("maxLength", 10**9))
        yield ("text" if least <= 4 else "x" * least)[: max(most, 0)]

    def _edges(self, form: Form) -> Iterator[Json]:
        """Yield what lies at the limits of a form, and just past them."""
        for limit in ("minLength", "maxLength"):
            if isinstance(form.get(limit), int):
                lengths = (form[limit] - 1, form[limit], form[limit] + 1)
                yield from ("x" * n for n in lengths if 0 <= n <= MAX_CHARS)
        if isinstance(form.get("pattern"), str):
            yield from ("", " ", "x", "X", "0", "é")
        if isinstance(form.get("format"), str):
            yield from (text for kind in FORMATS.values() for text in kind[:1])
            yield from ("", "x", "no such thing")
        if isinstance(form.get("not"), dict):
            for denied in self.forms(form["not"]):
                yield from self._of_form(denied, False, 3)
        yield from _number_edges(form)
        yield from self._array_edges(form)
        yield from self._object_edges(form)

    def _array_edges(self, form: Form) -> Iterator[Json]:
        if not (
            {"items", "prefixItems", "minItems", "maxItems", "contains", "uniqueItems"}
            & form.keys()
        ):
            return
        limits = [form[key] for key in ("minItems", "maxItems") if isinstance(form.get(key), int)]
        for count in sorted({0, 1, 2, *(n + d for n in limits for d in (-1, 0, 1))}):
            if 0 <= count <= MAX_ITEMS:
                made = self._array(form, False, 3, count)
                yield made
                if count >= 2:
                    yield [made[0]] * count  # the same thing again
        yield [None]

    def _object_edges(self, form: Form) -> Iterator[Json]:
        if not (
            {"minProperties", "maxProperties", "propertyNames", "patternProperties"} & form.keys()
        ):
            return
        whole = self._object(form, True, 3)
        yield whole
        for limit in ("minProperties", "maxProperties"):
            for delta in (-1, 0, 1):
                count = form.get(limit, -9) + delta
                if 0 <= count <= MAX_ITEMS:
                    names = [*whole, *(f"extra{i}" for i in range(count))][:count]
                    yield {name: whole.get(name, "text") for name in names}


def _dependent(form: Form) -> Iterator[tuple[str, list[str]]]:
    """Yield which properties ask for which others."""
    for keyword in ("dependentRequired", "dependencies"):
        for name, others in form.get(keyword, {}).items():
            if isinstance(others, list):
                yield name, others


def types_of(form: Form) -> list[str]:
    """Return the types that a form is about: named, or told by its keywords."""
    named = form.get("type")
    if named:
        return [named] if isinstance(named, str) else list(named)
    about = {
        "object": {"properties", "required", "additionalProperties", "minProperties",
                   "maxProperties", "patternProperties", "propertyNames"},
        "array": {"items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"},
        "string": {"minLength", "maxLength", "pattern", "format"},
        "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    }  # fmt: skip
    return [name for name, words in about.items() if words & form.keys()] or ["string"]


def _numbers(form: Form, *, whole: bool) -> Iterator[int | float]:
    low, high = _lowest(form), _highest(form)
    step = form.get("multipleOf")
    if step:
        base = 0 if (low is None or low <= 0) and (high is None or high >= 0) else None
        if base is None:
            base = (-(-low // step)) * step if low is not None and low > 0 else high // step * step
        yield from (base, base + step)
        return
    middle = low if low is not None else high if high is not None else 7
    yield _whole(middle)
    if low is not None:
        yield from (_whole(low + 1), *(() if whole else (low + 0.5,)))
    if high is not None:
        yield from (_whole(high), _whole(high - 1))
    if not whole:
        yield _whole(middle) + 0.5


def _number_edges(form: Form) -> Iterator[Json]:
    for limit in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        edge = form.get(limit)
        if isinstance(edge, int | float) and not isinstance(edge, bool):
            yield from (edge, edge - 1, edge + 1, edge - 0.5, edge + 0.5)
    step = form.get("multipleOf")
    if isinstance(step, int | float) and step:
        yield from (step, step * 2, step * 3, step * 1.5, step / 2, 0, 1)


def _lowest(form: Form) -> Any:
    if "exclusiveMinimum" in form and not isinstance(form["exclusiveMinimum"], bool):
        return max(form["exclusiveMinimum"] + 1, form.get("minimum", form["exclusiveMinimum"]))
    return form.get("minimum")


def _highest(form: Form) -> Any:
    if "exclusiveMaximum" in form and not isinstance(form["exclusiveMaximum"], bool):
        return min(form["exclusiveMaximum"] - 1, form.get("maximum", form["exclusiveMaximum"]))
    return form.get("maximum")


def _whole(number: Any) -> Any:
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _of_pattern(pattern: str) -> str:
    return next(_of_pattern_all(pattern), "")


def _of_pattern_all(pattern: str) -> Iterator[str]:
    """Yield a few texts that a pattern finds, if it is one that Python reads as well."""
    for seed in range(4):
        made = _of_pattern_at(pattern, seed)
        if made is None:
            return
        yield made


@lru_cache(maxsize=512)
def _of_pattern_at(pattern: str, seed: int) -> str | None:
    """Make one text; remembered, for a search asks for the same ones over and over."""
    try:
        made: str = rstr.Rstr(random.Random(seed)).xeger(pattern)  # noqa: S311 - the same each time
    except (re.error, ValueError, KeyError, OverflowError, RecursionError):
        return None
    return made[:MAX_CHARS]


def _fitted(text: str, form: Form) -> Iterator[str]:
    least, most = form.get("minLength", 0), form.get("maxLength", 10**9)
    if text and len(text) < least:
        yield (text + text[-1] * least)[:least]
    if len(text) > most:
        yield text[:most]


def _distinct(values: list[Json]) -> list[Json]:
    """Make equal texts and numbers differ, by their place."""
    made: list[Json] = []
    for place, value in enumerate(values):
        if value in made and isinstance(value, str):
            value = f"{value}{place}"
        elif value in made and isinstance(value, int | float) and not isinstance(value, bool):
            value = value + place
        made.append(value)
    return made
