"""The plain part of YAML, scanned quickly: the events that ruamel would give, or none at all.

Most documents are block mappings and lists, texts on one line, and brackets. That is scanned here,
by signs of which no version of YAML makes anything else. Whatever is not surely so (anchors, tags,
several documents, folded texts, tabs, odd line ends, errors) is left to ruamel.
"""

from __future__ import annotations

import re
from typing import Final

from ruamel.yaml.events import (
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

MAX_NESTING = 60
# Line feeds, what is printed in ASCII, and other signs but those that end lines or mark bytes.
_PLAIN_TEXT = re.compile(
    "[\n -~\u00a1-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*"
)
_MARKERS = re.compile(r"^(?:---|\.\.\.|%)", re.MULTILINE)
_WORD = r"[A-Za-z0-9_/.^$~]|-(?=[0-9])"
_KEY = re.compile(r"([A-Za-z0-9_/$][A-Za-z0-9_/.$-]{0,120})(?=:(?: |$))")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\["\\nrt])*)"')
_SINGLE = re.compile(r"'((?:[^']|'')*)'")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED: Final = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_BLOCK_PLAIN = re.compile(rf"(?:{_WORD})(?:[^:#]|:(?=[^ ])|(?<=[^ ])#)*")
_IN = r"[^\s,\[\]{}:#?\"'`]"
_FLOW_PLAIN = re.compile(rf"(?:{_WORD}){_IN}*(?: +{_IN}+)*")
_REST = re.compile(r" *(?: #.*)?$")
_HEADER = re.compile(r"([|>])(-?)(?: +#.*)? *$")


class _Unusual(Exception):
    """Something that ruamel has to read."""


class _Mark:
    """Where an event begins; lines count from 0, as ruamel's do."""

    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        self.line = line


def events_of(text: str) -> list[Event] | None:
    """Return the events of the one document's node in a text, None if ruamel has to read it."""
    if not _PLAIN_TEXT.fullmatch(text) or _MARKERS.search(text):
        return None
    try:
        return _Scan(text).document()
    except (_Unusual, IndexError):
        return None


class _Scan:
    """One text; `row` is the line that is looked at, `found` the events so far."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.row = 0
        self.found: list[Event] = []

    def document(self) -> list[Event]:
        """Scan the whole text. Raises: _Unusual."""
        if self._indent() != 0:
            raise _Unusual
        line = self.lines[self.row]
        if line[0] in "{[":
            self._ended(self._inline(0, -1))
        else:
            self._block(0, 0)
        if self._indent() != -1:
            raise _Unusual
        return self.found

    def _indent(self) -> int:
        """Go to the next line that says something; return its indent, -1 at the end."""
        while self.row < len(self.lines):
            line = self.lines[self.row]
            bare = line.lstrip(" ")
            if bare and bare[0] != "#":
                return len(line) - len(bare)
            self.row += 1
        return -1

    def _block(self, column: int, depth: int) -> None:
        """Scan a mapping or a list whose first entry begins at a column of this line."""
        if depth > MAX_NESTING:
            raise _Unusual
        if _is_item(self.lines[self.row], column):
            self._items(column, depth)
        else:
            self._entries(column, depth)

    def _entries(self, column: int, depth: int) -> None:
        self.found.append(MappingStartEvent(None, None, True, self._mark(), None, False))
        while True:
            line = self.lines[self.row]
            self._value(self._key(line, column), column, depth)
            indent = self._indent()
            if indent > column:
                raise _Unusual
            if indent < column:
                break
        self.found.append(MappingEndEvent())

    def _value(self, start: int, column: int, depth: int) -> None:
        """Scan what follows a key's colon at `start`."""
        line = self.lines[self.row]
        if not _REST.match(line, start):
            self._inline_or_literal(start, column)
            return
        row = self.row
        self.row += 1
        indent = self._indent()
        if indent > column:
            self._block(indent, depth + 1)
        elif indent == column and _is_item(self.lines[self.row], column):
            self._items(column, depth + 1)
        else:
            self.found.append(_scalar("", row))

    def _items(self, column: int, depth: int) -> None:
        if depth > MAX_NESTING:
            raise _Unusual
        self.found.append(SequenceStartEvent(None, None, True, self._mark(), None, False))
        while True:
            line = self.lines[self.row]
            self._item(line, column, depth)
            indent = self._indent()
            if indent > column:
                raise _Unusual
            if indent < column or not _is_item(self.lines[self.row], column):
                break
        self.found.append(SequenceEndEvent())

    def _item(self, line: str, column: int, depth: int) -> None:
        start = column + 1
        if _REST.match(line, start):
            row = self.row
            self.row += 1
            indent = self._indent()
            if indent > column:
                self._block(indent, depth + 1)
            else:
                self.found.append(_scalar("", row))
            return
        while line[start] == " ":
            start += 1
        if _is_item(line, start) or self._is_key(line, start):
            self._block(start, depth + 1)
        else:
            self._inline_or_literal(start, column)

    def _is_key(self, line: str, start: int) -> bool:
        if line[start] not in "\"'":
            return _KEY.match(line, start) is not None
        found = (_DOUBLE if line[start] == '"' else _SINGLE).match(line, start)
        return found is not None and line[found.end() : found.end() + 1] == ":"

    def _key(self, line: str, column: int) -> int:
        """Scan a key and return where its value begins."""
        if line[column] in "\"'":
            end = self._quoted(line, column)
        else:
            found = _KEY.match(line, column)
            if found is None:
                raise _Unusual
            self.found.append(_scalar(found[1], self.row))
            end = found.end()
        if line[end : end + 1] != ":" or line[end + 1 : end + 2] not in ("", " "):
            raise _Unusual
        return end + 1

    def _inline_or_literal(self, start: int, column: int) -> None:
        line = self.lines[self.row]
        while line[start] == " ":
            start += 1
        if line[start] in "|>":
            self._lines(start, column)
        else:
            self._ended(self._inline(start, column))

    def _ended(self, end: int) -> None:
        """Nothing but a comment may stand behind a value."""
        if not _REST.match(self.lines[self.row], end):
            raise _Unusual
        self.row += 1

    def _inline(self, start: int, column: int) -> int:
        """Scan a value that begins on this line and return where it ends, on its last line."""
        line = self.lines[self.row]
        sign = line[start]
        if sign in "{[":
            return self._flow(start, column, 0)
        if sign in "\"'":
            return self._quoted(line, start)
        found = _BLOCK_PLAIN.match(line, start)
        if found is None:
            raise _Unusual
        self.found.append(_scalar(found[0].rstrip(" "), self.row))
        return start + len(found[0].rstrip(" "))

    def _quoted(self, line: str, start: int) -> int:
        double = line[start] == '"'
        found = (_DOUBLE if double else _SINGLE).match(line, start)
        if found is None:
            raise _Unusual
        if not double:
            text = found[1].replace("''", "'")
        elif "\\" in found[1]:
            text = _ESCAPE.sub(lambda one: _ESCAPED[one[1]], found[1])
        else:
            text = found[1]
        self.found.append(_scalar(text, self.row, line[start]))
        return found.end()

    def _flow(self, start: int, column: int, depth: int) -> int:
        """Scan a mapping or list in brackets, which may go over lines."""
        if depth > MAX_NESTING:
            raise _Unusual
        is_mapping = self.lines[self.row][start] == "{"
        kind = MappingStartEvent if is_mapping else SequenceStartEvent
        self.found.append(kind(None, None, True, self._mark(), None, True))
        closing = "}" if is_mapping else "]"
        at = self._skip(start + 1, column)
        while self.lines[self.row][at] != closing:
            if is_mapping:
                at = self._flow_key(at, column)
            at = self._skip(self._flow_value(at, column, depth), column)
            sign = self.lines[self.row][at]
            if sign == ",":
                at = self._skip(at + 1, column)
                if self.lines[self.row][at] == closing:
                    raise _Unusual
            elif sign != closing:
                raise _Unusual
        self.found.append(MappingEndEvent() if is_mapping else SequenceEndEvent())
        return at + 1

    def _flow_key(self, at: int, column: int) -> int:
        line = self.lines[self.row]
        return self._skip(self._key(line, at), column)

    def _flow_value(self, at: int, column: int, depth: int) -> int:
        line = self.lines[self.row]
        if line[at] in "{[":
            return self._flow(at, column, depth + 1)
        if line[at] in "\"'":
            return self._quoted(line, at)
        found = _FLOW_PLAIN.match(line, at)
        if found is None:
            raise _Unusual
        self.found.append(_scalar(found[0], self.row))
        return found.end()

    def _skip(self, at: int, column: int) -> int:
        """Return where the next sign within brackets stands, perhaps on a later line."""
        line = self.lines[self.row]
        while True:
            while at < len(line) and line[at] == " ":
                at += 1
            if at < len(line):
                if line[at] == "#":
                    raise _Unusual
                return at
            self.row += 1
            line = self.lines[self.row]
            at = len(line) - len(line.lstrip(" "))
            if at <= column or at == len(line):
                raise _Unusual

    def _lines(self, start: int, column: int) -> None:
        """Scan a text of lines: as they stand, or folded into one where none is set apart."""
        header = _HEADER.match(self.lines[self.row], start)
        if header is None:
            raise _Unusual
        row = self.row
        self.row += 1
        first = self.lines[self.row]
        indent = len(first) - len(first.lstrip(" "))
        if indent <= column or indent == len(first):
            raise _Unusual
        told: list[str] = []
        while self.row < len(self.lines):
            line = self.lines[self.row]
            if line[:indent].strip(" "):
                break
            told.append(line[indent:])
            self.row += 1
        if told[-1] and self.row == len(self.lines):
            raise _Unusual  # the last line has no end
        while told and not told[-1]:
            told.pop()
        folded = header[1] == ">"
        if folded and not all(line and line[0] != " " for line in told):
            raise _Unusual
        text = (" " if folded else "\n").join(told) + ("" if header[2] else "\n")
        self.found.append(_scalar(text, row, header[1]))

    def _mark(self) -> _Mark:
        return _Mark(self.row)


def _is_item(line: str, column: int) -> bool:
    return line[column] == "-" and line[column + 1 : column + 2] in ("", " ")


def _scalar(text: str, row: int, style: str | None = None) -> ScalarEvent:
    return ScalarEvent(None, None, (True, False), text, _Mark(row), None, style=style)
