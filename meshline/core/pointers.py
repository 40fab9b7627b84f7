"""JSON pointers (RFC 6901): parse, read and cut; `*` in a pattern stands for every child."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from meshline.core.errors import BadValue

MISSING: Any = object()


def parse(pointer: str) -> tuple[str, ...]:
    """Return the unescaped segments of a pointer; "" is the whole document.

    Raises: BadValue if it does not begin with "/".
    """
    if pointer == "":
        return ()
    if not pointer.startswith("/"):
        raise BadValue(
            f"The JSON pointer {pointer!r} does not begin with '/'.",
            remedy="Write it like /data/amount/currency.",
        )
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def build(segments: Iterable[str | int]) -> str:
    """Return the pointer made of these segments."""
    escaped = (str(segment).replace("~", "~0").replace("/", "~1") for segment in segments)
    return "".join(f"/{segment}" for segment in escaped)


def get(value: Any, pointer: str, default: Any = None) -> Any:
    """Return what stands at `pointer` in `value`, or `default` when the path is not there."""
    for segment in parse(pointer):
        value = _child(value, segment)
        if value is MISSING:
            return default
    return value


def without(value: Any, patterns: Iterable[str]) -> Any:
    """Return a copy of `value` in which everything the patterns name is left out."""
    for pattern in patterns:
        value = _cut(value, parse(pattern))
    return value


def matching(value: Any, pattern: str) -> Iterator[str]:
    """Yield the pointers of `value` that a pattern with `*` segments names."""
    yield from (build(path) for path in _match(value, parse(pattern), ()))


def _child(value: Any, segment: str) -> Any:
    if isinstance(value, dict):
        return value.get(segment, MISSING)
    if isinstance(value, list) and segment.isascii() and segment.isdigit():
        index = int(segment) if len(segment) < 10 else len(value)
        return value[index] if index < len(value) else MISSING
    return MISSING


def _cut(value: Any, segments: Sequence[str]) -> Any:
    if not segments:
        return None
    head, rest = segments[0], segments[1:]
    if isinstance(value, dict):
        return dict(_kept(value.items(), head, rest))
    if isinstance(value, list):
        indexed = ((str(index), item) for index, item in enumerate(value))
        return [item for _, item in _kept(indexed, head, rest)]
    return value


def _kept(
    children: Iterable[tuple[str, Any]], head: str, rest: Sequence[str]
) -> Iterator[tuple[str, Any]]:
    for key, child in children:
        if head not in ("*", key):
            yield key, child
        elif rest:
            yield key, _cut(child, rest)


def _match(value: Any, segments: Sequence[str], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not segments:
        yield path
        return
    for segment in _candidates(value, segments[0]):
        child = _child(value, segment)
        if child is not MISSING:
            yield from _match(child, segments[1:], (*path, segment))


def _candidates(value: Any, segment: str) -> list[str]:
    if segment != "*":
        return [segment]
    if isinstance(value, dict):
        return list(value)
    return [str(index) for index in range(len(value))] if isinstance(value, list) else []
