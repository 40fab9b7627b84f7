"""What changed between two schemas, by name. It explains a verdict and never decides one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from contracts_app.rules.schema_walk import local_target
from contracts_app.rules.validate import Schema
from meshline.core import canonical
from meshline.core.pointers import build

Effect = Literal["narrows", "widens", "both", "none"]
MAX_CHANGES = 500
_SHOWN = 60
_LOWER = {  # a greater number accepts less
    "minimum": "least value",
    "exclusiveMinimum": "lower limit",
    "minLength": "least length",
    "minItems": "least number of items",
    "minProperties": "least number of properties",
    "minContains": "least number of matching items",
}
_UPPER = {  # a smaller number accepts less
    "maximum": "greatest value",
    "exclusiveMaximum": "upper limit",
    "maxLength": "greatest length",
    "maxItems": "greatest number of items",
    "maxProperties": "greatest number of properties",
    "maxContains": "greatest number of matching items",
}
_TEXTS = ("title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly")
_PARTS = (
    "if",
    "then",
    "else",
    "not",
    "contains",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "unevaluatedProperties",
    "unevaluatedItems",
)


@dataclass(frozen=True, order=True)
class Difference:
    """One named change. `path` is the JSON pointer in the payload (`*` is every item)."""

    path: str
    rule: str
    effect: Effect
    sentence: str


def differences(old: Schema, new: Schema) -> list[Difference]:
    """Return the changes from `old` to `new`, sorted by path; at most 500."""
    found: list[Difference] = []
    for one in _Walk(old, new).nodes(old, new, (), frozenset()):
        if one not in found:
            found.append(one)
        if len(found) >= MAX_CHANGES:
            break
    return sorted(found)


@dataclass(frozen=True)
class _Walk:
    """Goes through two schemas together, from one payload place to the next."""

    old_root: Schema
    new_root: Schema

    def nodes(
        self, old: Schema, new: Schema, at: tuple[str, ...], seen: frozenset[tuple[int, int]]
    ) -> Iterator[Difference]:
        old, new = _followed(old, self.old_root), _followed(new, self.new_root)
        if (id(old), id(new)) in seen:
            return
        seen |= {(id(old), id(new))}
        if isinstance(old, bool) or isinstance(new, bool):
            yield from _bools(old, new, at)
            return
        yield from _types(old, new, at)
        yield from _choices(old, new, at)
        yield from _bounds(old, new, at)
        yield from _words(old, new, at)
        yield from _notes(old, new, at)
        yield from self._properties(old, new, at, seen)
        yield from self._items(old, new, at, seen)
        yield from self._combined(old, new, at, seen)

    def _properties(
        self, old: Any, new: Any, at: tuple[str, ...], seen: frozenset[tuple[int, int]]
    ) -> Iterator[Difference]:
        before, after = _map(old, "properties"), _map(new, "properties")
        yield from _required(old, new, at, before, after)
        for name in before.keys() | after.keys():
            here = (*at, name)
            if name not in after:
                yield _removed(new, here, name)
            elif name not in before:
                yield _added(old, here, name)
            else:
                yield from self.nodes(before[name], after[name], here, seen)
        yield from self._rest(old, new, at, seen, "additionalProperties", "other properties")
        first, second = _map(old, "patternProperties"), _map(new, "patternProperties")
        for pattern in first.keys() | second.keys():
            here = (*at, pattern)
            yield from self.nodes(first.get(pattern, True), second.get(pattern, True), here, seen)

    def _items(
        self, old: Any, new: Any, at: tuple[str, ...], seen: frozenset[tuple[int, int]]
    ) -> Iterator[Difference]:
        before, after = _places(old), _places(new)
        for index in range(max(len(before[0]), len(after[0]))):
            pair = [kept[index] if index < len(kept) else rest for kept, rest in (before, after)]
            yield from self.nodes(pair[0], pair[1], (*at, str(index)), seen)
        if before[1] != after[1] or not isinstance(before[1], bool):
            yield from self.nodes(before[1], after[1], (*at, "*"), seen)

    def _rest(
        self,
        old: Any,
        new: Any,
        at: tuple[str, ...],
        seen: frozenset[tuple[int, int]],
        keyword: str,
        what: str,
    ) -> Iterator[Difference]:
        before, after = old.get(keyword, True), new.get(keyword, True)
        if before == after and isinstance(before, bool):
            return
        if after is False:
            yield _said(at, "object-closed", "narrows", f"{what} are no longer allowed")
        elif before is False:
            yield _said(at, "object-opened", "widens", f"{what} are now allowed")
        else:
            yield from self.nodes(before, after, (*at, "*"), seen)

    def _combined(
        self, old: Any, new: Any, at: tuple[str, ...], seen: frozenset[tuple[int, int]]
    ) -> Iterator[Difference]:
        for keyword in ("allOf", "anyOf", "oneOf"):
            before, after = old.get(keyword) or [], new.get(keyword) or []
            for left, right in zip(before, after, strict=False):
                yield from self.nodes(left, right, at, seen)
            if len(before) != len(after):
                less = (len(after) < len(before)) == (keyword == "anyOf")
                effect: Effect = "both" if keyword == "oneOf" else "narrows" if less else "widens"
                if keyword == "anyOf" and not (before and after):
                    effect = "narrows" if after else "widens"
                yield _said(
                    at, f"{keyword}-changed", effect,
                    f"{keyword} has {len(after)} parts instead of {len(before)}",
                )  # fmt: skip
        for keyword in _PARTS:
            if not canonical.same(old.get(keyword), new.get(keyword)):
                verb = "changed" if keyword in old and keyword in new else (
                    "added" if keyword in new else "removed"
                )  # fmt: skip
                effect = {"added": "narrows", "removed": "widens"}.get(verb, "both")  # type: ignore[assignment]
                yield _said(at, f"{keyword}-{verb}", effect, f"the condition {keyword} was {verb}")


def _followed(node: Schema, root: Schema) -> Schema:
    """Follow a schema that is nothing but a reference."""
    for _ in range(20):
        if not isinstance(node, dict) or not isinstance(node.get("$ref"), str):
            return node
        target = local_target(root, node["$ref"])
        others = {k: v for k, v in node.items() if k not in ("$ref", "$defs", "definitions")}
        if target is None:
            return node
        if others:
            return {"allOf": [target, others]}
        node = target
    return node


def _bools(old: Schema, new: Schema, at: tuple[str, ...]) -> Iterator[Difference]:
    if old == new:
        return
    if new is False:
        yield _said(at, "forbidden", "narrows", "no value is allowed any more")
    elif old is False:
        yield _said(at, "allowed", "widens", "values are allowed now")
    elif old is True:
        yield _said(at, "constrained", "narrows", "any value was allowed, and now it has a schema")
    else:
        yield _said(at, "unconstrained", "widens", "any value is allowed now")


def _types(old: Any, new: Any, at: tuple[str, ...]) -> Iterator[Difference]:
    before, after = _type_set(old), _type_set(new)
    if before == after:
        return
    was, now = _named(before), _named(after)
    if before is not None and (after is None or before < after):
        yield _said(at, "type-widened", "widens", f"the type was {was} and is now {now}")
    elif after is not None and (before is None or after < before):
        yield _said(at, "type-narrowed", "narrows", f"the type was {was} and is now {now}")
    else:
        yield _said(at, "type-changed", "both", f"the type was {was} and is now {now}")


def _has(values: list[Any], wanted: Any) -> bool:
    return any(canonical.same(one, wanted) for one in values)


def _choices(old: Any, new: Any, at: tuple[str, ...]) -> Iterator[Difference]:
    before, after = _values(old), _values(new)
    if before is None and after is None:
        return
    if after is None:
        yield _said(at, "enum-removed", "widens", f"any value is allowed, not only {_some(before)}")
        return
    if before is None:
        yield _said(at, "enum-added", "narrows", f"only {_some(after)} is allowed now")
        return
    for value in before:
        if not _has(after, value):
            yield _said(at, "enum-value-removed", "narrows", f"{_show(value)} is no longer allowed")
    for value in after:
        if not _has(before, value):
            yield _said(at, "enum-value-added", "widens", f"{_show(value)} is now allowed")


def _bounds(old: Any, new: Any, at: tuple[str, ...]) -> Iterator[Difference]:
    for table, sign in ((_LOWER, 1), (_UPPER, -1)):
        for keyword, what in table.items():
            was, now = old.get(keyword), new.get(keyword)
            if was == now:
                continue
            if was is None or (now is not None and (now - was) * sign > 0):
                rule, effect = ("added" if was is None else "tightened"), "narrows"
            else:
                rule, effect = ("removed" if now is None else "relaxed"), "widens"
            text = f"the {what} is now {_limit(now)}, and was {_limit(was)}"
            yield Difference(build(at), f"{keyword}-{rule}", effect, _sentence(at, text))  # type: ignore[arg-type]


def _words(old: Any, new: Any, at: tuple[str, ...]) -> Iterator[Difference]:
    for keyword in ("pattern", "format", "multipleOf"):
        was, now = old.get(keyword), new.get(keyword)
        if was == now:
            continue
        if was is None:
            yield _said(at, f"{keyword}-added", "narrows", f"{keyword} {_show(now)} is asked for")
        elif now is None:
            yield _said(at, f"{keyword}-removed", "widens", f"{keyword} {_show(was)} is not asked")
        else:
            text = f"{keyword} was {_show(was)} and is now {_show(now)}"
            yield _said(at, f"{keyword}-changed", "both", text)
    if bool(old.get("uniqueItems")) != bool(new.get("uniqueItems")):
        if new.get("uniqueItems"):
            yield _said(at, "uniqueItems-added", "narrows", "items may not repeat any more")
        else:
            yield _said(at, "uniqueItems-removed", "widens", "items may repeat now")


def _notes(old: Any, new: Any, at: tuple[str, ...]) -> Iterator[Difference]:
    for keyword in _TEXTS:
        if old.get(keyword) != new.get(keyword):
            yield _said(
                at, f"{keyword}-changed", "none", f"{keyword} was changed; nothing checks it"
            )


def _required(
    old: Any, new: Any, at: tuple[str, ...], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Difference]:
    was, now = set(old.get("required") or ()), set(new.get("required") or ())
    for name in sorted(now - was):
        text = f"{name} must be there now" + ("" if name in before else ", and is new")
        yield _said((*at, name), "required-added", "narrows", text)
    for name in sorted(was - now):
        text = f"{name} need not be there any more" + ("" if name in after else ", and is removed")
        yield _said((*at, name), "required-removed", "widens", text)


def _removed(new: Any, here: tuple[str, ...], name: str) -> Difference:
    if new.get("additionalProperties") is False or new.get("unevaluatedProperties") is False:
        text = f"the property {name} is removed, and payloads that carry it are refused"
        return _said(here, "property-removed", "narrows", text)
    text = f"the property {name} is not described any more"
    return _said(here, "property-undescribed", "widens", text)


def _added(old: Any, here: tuple[str, ...], name: str) -> Difference:
    if old.get("additionalProperties") is False or old.get("unevaluatedProperties") is False:
        return _said(here, "property-added", "widens", f"the property {name} is now allowed")
    text = f"the property {name} is described now; before it could hold anything"
    return _said(here, "property-described", "narrows", text)


def _places(node: Any) -> tuple[list[Schema], Schema]:
    first, rest = node.get("prefixItems"), node.get("items", True)
    if isinstance(rest, list):
        first, rest = rest, node.get("additionalItems", True)
    return (first if isinstance(first, list) else []), rest


def _type_set(node: Any) -> frozenset[str] | None:
    named = node.get("type")
    if named is None:
        return None
    found = frozenset([named] if isinstance(named, str) else map(str, named))
    return found | {"integer"} if "number" in found else found


def _named(types: frozenset[str] | None) -> str:
    if types is None:
        return "any"
    return " or ".join(sorted(types - {"integer"} if "number" in types else types))


def _values(node: Any) -> list[Any] | None:
    if "const" in node:
        return [node["const"]]
    found = node.get("enum")
    return found if isinstance(found, list) else None


def _map(node: Any, keyword: str) -> dict[str, Any]:
    found = node.get(keyword)
    return found if isinstance(found, dict) else {}


def _some(values: list[Any] | None) -> str:
    shown = [_show(value) for value in values or ()]
    return ", ".join(shown[:5]) + (" …" if len(shown) > 5 else "")


def _show(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _limit(value: Any) -> str:
    return "not set" if value is None else _show(value)


def _said(at: tuple[str, ...], rule: str, effect: Effect, text: str) -> Difference:
    return Difference(build(at), rule, effect, _sentence(at, text))


def _sentence(at: tuple[str, ...], text: str) -> str:
    return f"{build(at) or 'the payload'}: {text}."
