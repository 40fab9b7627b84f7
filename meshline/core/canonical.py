"""Canonical JSON text (RFC 8785, integers kept exact) and its SHA-256."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

from meshline.core import pointers
from meshline.core.errors import BadValue


def text(value: Any) -> str:
    """Return the canonical text of a JSON value: sorted keys, no spaces, one form per number.

    Equal numbers have equal texts: 1, 1.0 and Decimal("1.00") are all "1". Unlike RFC 8785,
    an `int` keeps all its digits, however large.
    Raises: BadValue for what is not JSON.
    """
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts)


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: 1 and 1.0 are, and 1 and true are not.

    To Python they are equal all three. What is not JSON is the same as nothing.
    """
    if one != other:
        return False
    try:
        return text(one) == text(other)
    except (BadValue, RecursionError):
        return False


def digest(value: Any, *, without: Iterable[str] = ()) -> str:
    """Return the SHA-256 of the canonical text as 64 hex digits.

    `without` names what is left out first, as JSON pointers (`*` stands for every child).
    """
    return digest_of_bytes(text(pointers.without(value, without)).encode())


def digest_of_bytes(raw: bytes) -> str:
    """Return the SHA-256 of these bytes as 64 hex digits."""
    return hashlib.sha256(raw).hexdigest()


def _write(value: Any, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(_string(value))
    elif isinstance(value, dict):
        _write_object(value, parts)
    elif isinstance(value, list | tuple):
        _write_array(value, parts)
    else:
        parts.append(_scalar(value))


def _string(value: str) -> str:
    quoted: str = encode_basestring(value)  # escapes exactly what RFC 8785 asks for
    return quoted


def _write_object(value: dict[Any, Any], parts: list[str]) -> None:
    separator = "{"
    for key in _sorted_keys(value):
        parts.append(f"{separator}{_string(key)}:")
        _write(value[key], parts)
        separator = ","
    parts.append("}" if value else "{}")


def _write_array(value: list[Any] | tuple[Any, ...], parts: list[str]) -> None:
    separator = "["
    for item in value:
        parts.append(separator)
        _write(item, parts)
        separator = ","
    parts.append("]" if value else "[]")


def _sorted_keys(value: dict[Any, Any]) -> list[str]:
    for key in value:
        if not isinstance(key, str):
            raise BadValue(f"The key {key!r} is not text, so this is not JSON.")
    if "".join(value).isascii():
        return sorted(value)
    # RFC 8785 sorts by UTF-16 units, which differs from code points only beyond the BMP.
    return sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))


def _scalar(value: Any) -> str:
    match value:
        case None:
            return "null"
        case True:
            return "true"
        case False:
            return "false"
        case int():
            return str(value)
        case float() | Decimal():
            return _fraction(value)
        case _:
            raise BadValue(f"A {type(value).__name__} is not JSON.")


def _fraction(value: float | Decimal) -> str:
    """Write a number as ECMAScript does: shortest digits, exponent only outside 1e-7..1e21."""
    if not math.isfinite(value):
        raise BadValue(f"{value} is not a JSON number.")
    sign, digits, exponent = Decimal(repr(value) if isinstance(value, float) else value).as_tuple()
    figures = "".join(map(str, digits)).lstrip("0")
    stripped = figures.rstrip("0")
    if not stripped:
        return "0"
    point = int(exponent) + len(figures)  # where the decimal point stands, from the left
    return ("-" if sign else "") + _place_point(stripped, point)


def _place_point(figures: str, point: int) -> str:
    count = len(figures)
    if count <= point <= 21:
        return figures + "0" * (point - count)
    if 0 < point <= 21:
        return f"{figures[:point]}.{figures[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{figures}"
    mantissa = figures[0] + (f".{figures[1:]}" if count > 1 else "")
    return f"{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"
