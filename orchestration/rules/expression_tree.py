"""The syntax tree of a compiled CEL expression: which paths it reads, how many loops it has.

The library hands the tree out only as a serialized `cel.expr.CheckedExpr`; this reads the few
fields needed straight from the protobuf wire format (field numbers: cel/expr/syntax.proto).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Segment = str | None
Message = Mapping[int, list["int | bytes"]]

# Field numbers of cel.expr.Expr and of the messages inside it.
_CONST, _IDENT, _SELECT, _CALL, _LIST, _STRUCT, _LOOP = 3, 4, 5, 6, 7, 8, 9
_INDEXING = {"_[_]": False, "_[?_]": True, "_?._": True}


@dataclass(frozen=True)
class Path:
    """One path that an expression reads: `event`, ("data", "amount"); None is any key.

    `tested` is True for a path that may be absent: inside has(…) or read by `.?`.
    """

    name: str
    segments: tuple[Segment, ...] = ()
    tested: bool = False

    def __str__(self) -> str:
        return self.name + "".join(f".{s}" if s is not None else "[…]" for s in self.segments)

    def child(self, segment: Segment, *, tested: bool = False) -> Path:
        """Return the path one segment deeper."""
        return Path(self.name, (*self.segments, segment), self.tested or tested)


@dataclass
class Tree:
    """What was found in an expression."""

    paths: tuple[Path, ...] = ()
    comprehensions: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    headers: tuple[str, ...] = ()  # names that header('…') is called with, in lower case

    @property
    def names(self) -> frozenset[str]:
        """The free names that the expression reads."""
        return frozenset(path.name for path in self.paths)


def read_tree(serialized: bytes) -> Tree:
    """Return the paths, calls and number of loops of a serialized, checked expression."""
    checked = _message(_one(_message(serialized), 2))
    reader = _Reader()
    reader.read(_one(checked, 4), {})
    headers = tuple(dict.fromkeys(reader.headers))
    return Tree(tuple(dict.fromkeys(reader.paths)), reader.loops, reader.calls, headers)


class _Reader:
    """Walks an expression; `bound` maps loop variables to the path they stand for."""

    def __init__(self) -> None:
        self.paths: list[Path] = []
        self.loops = 0
        self.calls: Counter[str] = Counter()
        self.headers: list[str] = []

    def read(self, raw: bytes, bound: Mapping[str, Path | None]) -> None:
        """Record everything that an expression reads."""
        path = self.path(raw, bound)
        if path is not None:
            self.paths.append(path)

    def path(self, raw: bytes, bound: Mapping[str, Path | None]) -> Path | None:
        """Return the path if the expression is one, else record what its parts read."""
        node = _message(raw)
        if _IDENT in node:
            name = _text(_one(_message(_one(node, _IDENT)), 1))
            return bound[name] if name in bound else Path(name)
        if _SELECT in node:
            return self._select(_message(_one(node, _SELECT)), bound)
        if _CALL in node:
            return self._call(_message(_one(node, _CALL)), bound)
        if _LOOP in node:
            self._loop(_message(_one(node, _LOOP)), bound)
        elif _LIST in node:
            for element in _many(_message(_one(node, _LIST)), 1):
                self.read(element, bound)
        elif _STRUCT in node:
            for entry in map(_message, _many(_message(_one(node, _STRUCT)), 2)):
                for part in (*_many(entry, 3), *_many(entry, 4)):
                    self.read(part, bound)
        return None

    def _select(self, select: Message, bound: Mapping[str, Path | None]) -> Path | None:
        parent = self.path(_one(select, 1), bound)
        if parent is None:
            return None
        return parent.child(_text(_one(select, 2)), tested=3 in select)

    def _call(self, call: Message, bound: Mapping[str, Path | None]) -> Path | None:
        function, arguments = _text(_one(call, 2)), _many(call, 3)
        self.calls[function] += 1
        if function in _INDEXING and len(arguments) == 2:
            parent = self.path(arguments[0], bound)
            key = _constant_text(arguments[1])
            if key is None:
                self.read(arguments[1], bound)
            return parent and parent.child(key, tested=_INDEXING[function])
        if function == "header":
            named = filter(None, map(_constant_text, arguments))
            self.headers += [name.lower() for name in named]
        for part in (*_many(call, 1), *arguments):
            self.read(part, bound)
        return None

    def _loop(self, loop: Message, bound: Mapping[str, Path | None]) -> None:
        self.loops += 1
        over = self.path(_one(loop, 2), bound)
        if over is not None:
            self.paths.append(over)
        inner = {**bound, _text(_one(loop, 3)): None}
        if 8 in loop:  # with two variables the first is the key or index
            inner[_text(_one(loop, 1))] = None
            inner[_text(_one(loop, 8))] = over and over.child(None)
        else:
            inner[_text(_one(loop, 1))] = over and over.child(None)
        for number in (4, 5, 6, 7):
            for part in _many(loop, number):
                self.read(part, inner)


def _constant_text(raw: bytes) -> str | None:
    node = _message(raw)
    constant = _message(_one(node, _CONST)) if _CONST in node else {}
    return _text(_one(constant, 6)) if 6 in constant else None


def _message(raw: bytes) -> Message:
    fields: dict[int, list[int | bytes]] = {}
    for number, value in _fields(raw):
        fields.setdefault(number, []).append(value)
    return fields


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            number_value, at = _varint(raw, at)
            yield number, number_value
        elif kind == 2:
            size, at = _varint(raw, at)
            yield number, raw[at : at + size]
            at += size
        else:
            width = {1: 8, 5: 4}[kind]
            yield number, raw[at : at + width]
            at += width


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _many(message: Message, number: int) -> list[bytes]:
    return [value for value in message.get(number, []) if isinstance(value, bytes)]


def _one(message: Message, number: int) -> bytes:
    found = _many(message, number)
    return found[-1] if found else b""


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
