"""Mask personal data before it is shown or logged, so that its shape stays readable.

Marked fields are masked by their kind (`x-pii` in the schema, or the contract's list of
pointers); all other text is searched for addresses, card numbers, IBANs and keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from meshline.core.pointers import build, get, matching, parse
from meshline.core.safejson import Json

KINDS = ("email", "name", "phone", "address", "payment", "free-text")

_EMAIL = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_CARD = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z])")
_IBAN = re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_SECRETS = re.compile(
    r"(?P<head>(?i:bearer|basic)\s+|\bmsh_(?:[a-z]+_)?[A-Za-z0-9]{8}_|\b(?:sk|rk|pk)_(?:live|test)_"
    r"|\bwhsec_|\bxox[abpors]-|\bgh[pousr]_|\bshp(?:at|ca|pa|ss)_|\bAKIA)"
    r"(?P<secret>[A-Za-z0-9._~+/=-]{8,})"
)
_MAX_REFERENCES = 64
_WHOLE = "…"


def mask(value: Json, marks: Mapping[str, str] | None = None) -> Json:
    """Return a copy of a payload without readable personal data.

    `marks` maps pointer patterns (`*` for every child) to kinds; every other text is searched by
    patterns, keys of objects included.
    """
    by_pointer = {
        pointer: kind
        for pattern, kind in (marks or {}).items()
        for pointer in matching(value, pattern)
    }
    return _mask(value, (), by_pointer)


def mask_text(text: str) -> str:
    """Return the text with addresses, Luhn-checked card numbers, IBANs and keys masked."""
    text = _SECRETS.sub(lambda found: f"{found['head']}{_WHOLE}", text)
    if "@" in text:
        text = _EMAIL.sub(lambda found: mask_email(found[0]), text)
    text = _IBAN.sub(_mask_iban, text)
    return _CARD.sub(_mask_card, text)


def mask_email(address: str) -> str:
    """Return "m…@example.com" for maja@example.com."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}{_WHOLE}{at}{domain}" if local else _WHOLE


def mask_kind(value: Json, kind: str) -> Json:
    """Mask one marked value by its kind, whatever it holds; null and booleans stay."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return {key: mask_kind(child, kind) for key, child in value.items()}
    if isinstance(value, list):
        return [mask_kind(item, kind) for item in value]
    text = str(value)
    if not text:
        return text
    match kind:
        case "name":
            return " ".join(f"{word[0]}{_WHOLE}" for word in text.split()) or _WHOLE
        case "phone":
            return f"{_WHOLE}{text[-2:]}" if len(text) > 4 else _WHOLE
        case "payment":
            return f"{_WHOLE}{text[-4:]}" if len(text) > 8 else _WHOLE
        case "free-text":
            return f"{_WHOLE} ({len(text)} characters)"
        case "address":
            return _WHOLE
    return mask_email(text) if "@" in text else f"{text[0]}{_WHOLE}"


def marks_of(schema: Any) -> dict[str, str]:
    """Return the `x-pii` marks of a JSON Schema as {pointer pattern: kind}.

    Follows local references, combinators, items and pattern properties; a cycle is cut.
    """
    return dict(_marks(schema, schema, (), frozenset()))


def marks_for(schema: Any, pii: Iterable[str] = ()) -> dict[str, str]:
    """Return the marks of a schema and of a contract's list of pointers (kind "personal")."""
    return {**dict.fromkeys(pii, "personal"), **marks_of(schema)}


def _mask(value: Json, path: tuple[str | int, ...], marks: Mapping[str, str]) -> Json:
    kind = marks.get(build(path)) if marks else None
    if kind is not None:
        return mask_kind(value, kind)
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, dict):
        return {mask_text(key): _mask(child, (*path, key), marks) for key, child in value.items()}
    if isinstance(value, list):
        return [_mask(item, (*path, index), marks) for index, item in enumerate(value)]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**12:
        masked = mask_text(str(value))
        return value if masked == str(value) else masked
    return value


def _marks(
    node: Any, root: Any, path: tuple[str, ...], seen: frozenset[str]
) -> Iterator[tuple[str, str]]:
    if not isinstance(node, dict):
        return
    kind = node.get("x-pii")
    if isinstance(kind, str):
        yield build(path), kind
        return
    reference = node.get("$ref")
    if isinstance(reference, str) and _is_new(reference, seen):
        target = get(root, build(parse(reference[1:])))
        yield from _marks(target, root, path, seen | {reference})
    for step, child in _steps(node):
        yield from _marks(child, root, (*path, *step), seen)


def _is_new(reference: str, seen: frozenset[str]) -> bool:
    local = reference == "#" or reference.startswith("#/")
    return local and reference not in seen and len(seen) < _MAX_REFERENCES


def _steps(node: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each subschema with the pointer segments of the values that it judges."""
    for name, child in _entries(node.get("properties")):
        yield (name,), child
    for _, child in _entries(node.get("patternProperties")):
        yield ("*",), child
    for keyword in ("additionalProperties", "items", "contains", "unevaluatedProperties"):
        yield ("*",), node.get(keyword)
    for keyword in ("if", "then", "else"):
        yield (), node.get(keyword)
    for keyword in ("allOf", "anyOf", "oneOf"):
        for child in node.get(keyword) or ():
            yield (), child
    for index, child in enumerate(node.get("prefixItems") or ()):
        yield (str(index),), child


def _entries(value: Any) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, dict) else ()


def _mask_card(found: re.Match[str]) -> str:
    digits = [int(character) for character in found[0] if character.isdigit()]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    if (sum(digits[-1::-2]) + sum(doubled)) % 10:
        return found[0]
    return f"{_WHOLE}{found[0][-4:]}"


def _mask_iban(found: re.Match[str]) -> str:
    plain = found[0].replace(" ", "")
    turned = "".join(str(int(character, 36)) for character in plain[4:] + plain[:4])
    return f"{plain[:2]}{_WHOLE}{plain[-4:]}" if int(turned) % 97 == 1 else found[0]
