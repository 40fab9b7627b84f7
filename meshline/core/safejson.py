"""The only way in for outside JSON: bounds on size, depth, numbers, duplicate keys and NUL.

Numbers: integers stay exact `int`; numbers with a fraction become `float` (or `Decimal` when
`decimals=True`), always finite. Money travels as integers of minor units or as text, so no amount
passes through floating point unless its sender already wrote it so.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any, NoReturn, TypeAlias

import jiter

from meshline.core.errors import BadJson
from meshline.core.pointers import build

Json: TypeAlias = Any  # None, bool, int, float, Decimal, str, list[Json] or dict[str, Json]

MAX_BYTES = 1024 * 1024
MAX_ANSWER_BYTES = 2 * 1024 * 1024  # for what a vendor answers
MAX_DEPTH = 64
MAX_KEYS = 10_000
MAX_KEY_CHARS = 256
MAX_DIGITS = 40
MAX_NODES = 100_000

# Possessive, with an optional closing quote: an unterminated string is eaten once, never retried.
_BRACKETS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|([\[{])|([\]}])', re.DOTALL)
# A key that is too long, or a long text that looks like one: the careful reader settles it.
_LONG_KEY = re.compile(rb'"[^"]{%d,}+"[ \t\r\n]*+:' % (MAX_KEY_CHARS + 1))
_ALL_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
_LONG_NUMBER = b"0" * (MAX_DIGITS + 1)
_ODD_CHARACTER = re.compile("[\x00\ud800-\udfff]")


class _Fault:
    """Stands in the parsed tree where something was wrong, so that its path can be told."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        self.message = message


def loads(raw: bytes, *, max_bytes: int = MAX_BYTES, decimals: bool = False) -> Json:
    """Parse outside JSON within the bounds of this module.

    Units: `max_bytes` counts the bytes of `raw`.
    Raises: BadJson with the JSON pointer of what was refused.
    """
    text = _decode(raw, max_bytes)
    _check_depth(raw)
    if not decimals and _is_plain(raw):
        try:
            return jiter.from_json(raw, allow_inf_nan=False, catch_duplicate_keys=True)
        except ValueError:
            pass  # the careful reader finds out what is wrong, and where
    return _careful(text, decimals=decimals)


def _decode(raw: bytes, max_bytes: int) -> str:
    if len(raw) > max_bytes:
        raise BadJson(
            f"The JSON has {len(raw)} bytes; at most {max_bytes} are read.", reason="size"
        )
    if not raw.strip():
        raise BadJson("The JSON is empty.", reason="empty", remedy="Send a JSON document.")
    try:
        text = raw.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise BadJson(f"Byte {error.start} is not UTF-8.", reason="encoding") from None
    if text[0] == "\ufeff":
        raise BadJson("The JSON begins with a byte order mark.", reason="encoding")
    return text


def _check_depth(raw: bytes) -> None:
    """Refuse nesting beyond the limit before any recursive parser sees it. Linear in `raw`."""
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for found in _BRACKETS.finditer(raw):
        if found.lastindex == 1:
            depth += 1
            if depth > MAX_DEPTH:
                raise BadJson(
                    f"Byte {found.start()} opens level {depth}; at most {MAX_DEPTH} are read.",
                    reason="depth",
                )
        elif found.lastindex == 2:
            depth -= 1


def _is_plain(raw: bytes) -> bool:
    """Say whether `raw` can break none of the bounds that the quick reader does not know.

    Escaped characters, long numbers, exponents (they reach infinity) and long keys are not plain.
    """
    numbers = raw.translate(_ALL_ZEROS)
    return (
        b"\\u" not in raw
        and _LONG_NUMBER not in numbers
        and b"0e" not in numbers
        and b"0E" not in numbers
        and _LONG_KEY.search(_without_escapes(raw)) is None
        and (len(raw) <= MAX_KEYS or raw.count(b":") <= MAX_KEYS)
        and (len(raw) <= MAX_NODES or raw.count(b",") + raw.count(b"[") < MAX_NODES // 2)
    )


def _without_escapes(raw: bytes) -> bytes:
    """Return `raw` of the same length, in which every quote begins or ends a text."""
    return raw.replace(b"\\\\", b"__").replace(b'\\"', b"__") if b"\\" in raw else raw


def _careful(text: str, *, decimals: bool) -> Json:
    decoder = json.JSONDecoder(
        object_pairs_hook=_object,
        parse_int=_integer,
        parse_float=_decimal if decimals else _float,
        parse_constant=_constant,
    )
    try:
        value = decoder.decode(text)
    except json.JSONDecodeError as error:
        said = error.msg.removesuffix(" at")
        raise BadJson(
            f"This is not JSON: {said} at line {error.lineno}, column {error.colno}.",
            reason="syntax",
        ) from None
    _check_tree(value)
    return value


def _object(pairs: list[tuple[str, Json]]) -> Json:
    result: dict[str, Json] = {}
    for key, value in pairs:
        if key in result:
            return _Fault("duplicate_key", f"The key {key[:80]!r} stands twice in one object.")
        result[key] = value
    return result


def _integer(text: str) -> Json:
    digits = len(text.lstrip("-"))
    if digits > MAX_DIGITS:
        return _Fault("number", f"An integer has {digits} digits; at most {MAX_DIGITS} are read.")
    return int(text)


def _float(text: str) -> Json:
    value = float(text)
    return value if math.isfinite(value) else _beyond(text)


def _decimal(text: str) -> Json:
    return Decimal(text) if math.isfinite(float(text)) else _beyond(text)


def _beyond(text: str) -> _Fault:
    return _Fault("number", f"The number {text[:40]} is beyond the range of numbers read here.")


def _constant(name: str) -> _Fault:
    return _Fault("number", f"{name} is not a JSON number.")


def _check_tree(root: Json) -> None:
    """Look at every node once, without recursion. Raises BadJson at the first fault."""
    keys = 0
    for nodes, (path, node) in enumerate(_walk(root), start=1):
        if isinstance(node, _Fault):
            raise BadJson(node.message, path=build(path()), reason=node.reason)
        if isinstance(node, str) and _ODD_CHARACTER.search(node):
            _refuse_characters(path)
        if isinstance(node, dict):
            keys += len(node)
            _check_keys(node, path)
        if nodes > MAX_NODES or keys > MAX_KEYS:
            raise BadJson(
                f"The JSON has more than {MAX_NODES} values or {MAX_KEYS} keys.", reason="count"
            )


_Path: TypeAlias = Callable[[], list[str | int]]


def _walk(root: Json) -> Iterator[tuple[_Path, Json]]:
    """Yield every value with a function that tells its path (built only for an error)."""
    trail: list[str | int] = []
    children: list[Iterator[tuple[str | int, Json]]] = [iter([("", root)])]
    while children:
        for key, node in children[-1]:
            here = [*trail[1:], key] if len(children) > 1 else []
            yield partial(list, here), node
            inner = _children(node)
            if inner is not None:
                trail.append(key)
                children.append(inner)
                break
        else:
            children.pop()
            if trail:
                trail.pop()


def _children(node: Json) -> Iterator[tuple[str | int, Json]] | None:
    if isinstance(node, dict):
        return iter(node.items())
    return iter(enumerate(node)) if isinstance(node, list) else None


def _check_keys(node: dict[str, Json], path: _Path) -> None:
    for key in node:
        if len(key) > MAX_KEY_CHARS:
            raise BadJson(
                f"A key has {len(key)} characters; at most {MAX_KEY_CHARS} are read.",
                path=build(path()),
                reason="key_length",
            )
        if _ODD_CHARACTER.search(key):
            _refuse_characters(path)


def _refuse_characters(path: _Path) -> NoReturn:
    raise BadJson(
        "A text holds U+0000 or half of a surrogate pair, which cannot be stored.",
        path=build(path()),
        reason="character",
    )
