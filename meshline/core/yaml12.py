"""Documents: YAML 1.2 (and so JSON) read without surprises, with the line of every value.

Plain words mean null, true, false or a JSON number only when they look exactly like one; all else
stays text: `on`, `no`, `22:00`, `2026-01-05`, `0049`, `1_000`. What stands under `version`,
`pinned`, `supersedes` or `replaced_by` is read from the source text, so 1.10 stays "1.10".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from meshline.core.errors import DocumentUnreadable
from meshline.core.findings import Finding
from meshline.core.pointers import build, parse
from meshline.core.safejson import MAX_DIGITS, Json
from meshline.core.yaml_quick import events_of

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64
MAX_NODES = 50_000
MAX_ALIASES = 100

TEXT_KEYS = frozenset({"version", "pinned", "supersedes", "replaced_by"})
# Below these keys stands somebody else's JSON, where a version may well be a number.
FOREIGN_KEYS = frozenset({"payload", "schema", "with", "result", "data", "args", "constants"})

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FRACTION = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_TEXT_TAGS = ("tag:yaml.org,2002:str", "!")

_Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A document as read: its value, its source text, and where each value stands."""

    value: Json
    text: str
    name: str = "document"
    lines: dict[str, int] = field(default_factory=dict, repr=False)

    def line_of(self, pointer: str) -> int:
        """Return the line (from 1) of the value at a JSON pointer, or of its nearest parent."""
        segments = parse(pointer)
        for end in range(len(segments), -1, -1):
            line = self.lines.get(build(segments[:end]))
            if line is not None:
                return line
        return 1

    def finding(self, path: str, message: str, remedy: str = "") -> Finding:
        """Return a refusing Finding at `path`, with its line."""
        return Finding(path, self.line_of(path), message, remedy)


def load(source: str | bytes, *, name: str = "document", max_bytes: int = MAX_BYTES) -> Document:
    """Read exactly one document; `name` (a file's name) is used in messages.

    Raises: DocumentUnreadable with one finding that names the line.
    """
    documents = load_all(source, name=name, max_bytes=max_bytes)
    if len(documents) != 1:
        found = "nothing" if not documents else f"{len(documents)} documents"
        _refuse(name, 1, f"The file holds {found}; one document is expected.")
    return documents[0]


def load_all(
    source: str | bytes, *, name: str = "document", max_bytes: int = MAX_BYTES, quick: bool = False
) -> list[Document]:
    """Read all documents of a file, parted by `---` lines.

    `quick` scans what is plain without ruamel; what comes of it is the same.
    Raises: DocumentUnreadable with one finding that names the line.
    """
    text = _decode(source, name, max_bytes)
    found = _quickly(text, name) if quick else None
    return list(_documents(text, name)) if found is None else [found]


def _quickly(text: str, name: str) -> Document | None:
    """Return the one document of a plain text; what is refused, ruamel tells about."""
    scanned = events_of(text)
    if scanned is None:
        return None
    events = iter(scanned)
    reader = _Reader(events, name)
    try:
        value = reader.read(next(events), ())
    except DocumentUnreadable:
        return None
    return Document(value, text, name, reader.lines)


def _documents(text: str, name: str) -> Iterator[Document]:
    parser = YAML(typ="safe", pure=True)
    try:
        events = iter(parser.parse(text))
        for event in events:
            if isinstance(event, DocumentStartEvent):
                reader = _Reader(events, name)
                value = reader.read(next(events), ())
                yield Document(value, text, name, reader.lines)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "it cannot be read"
        _refuse(name, mark.line + 1 if mark else 1, f"This is not YAML: {problem}.")
    except YAMLError as error:
        _refuse(name, 1, f"This is not YAML: {' '.join(str(error).split())[:200]}.")


def _decode(source: str | bytes, name: str, max_bytes: int) -> str:
    raw = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
    if len(raw) > max_bytes:
        _refuse(name, 1, f"The file has {len(raw)} bytes; at most {max_bytes} are read.")
    try:
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        _refuse(name, line, f"Byte {error.start} is not UTF-8.", "Save the file as UTF-8.")


class _Reader:
    """Builds one document's value from parser events, within the bounds of this module."""

    def __init__(self, events: Iterator[Event], name: str) -> None:
        self.events = events
        self.name = name
        self.lines: dict[str, int] = {}
        self.anchors: dict[str, tuple[Json, int]] = {}  # value and how many nodes it has
        self.nodes = 0
        self.aliases = 0

    def read(self, event: Event, path: _Path, *, foreign: bool = False, pointer: str = "") -> Json:
        self._count(1, event)
        self.lines[pointer] = self._line(event)
        if isinstance(event, AliasEvent):
            return self._alias(event)
        before = self.nodes
        value = self._node(event, path, foreign, pointer)
        anchor = event.anchor if isinstance(event, NodeEvent) else None
        if anchor:
            self.anchors[anchor] = (value, self.nodes - before + 1)
        return value

    def _node(self, event: Event, path: _Path, foreign: bool, pointer: str) -> Json:
        self._check_tag(event)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, path, foreign)
        if len(path) >= MAX_DEPTH:
            self._refuse(event, f"The document is nested deeper than {MAX_DEPTH} levels.")
        if isinstance(event, MappingStartEvent):
            return self._mapping(path, foreign, pointer)
        return self._sequence(path, foreign, pointer)

    def _mapping(self, path: _Path, foreign: bool, pointer: str) -> dict[str, Json]:
        result: dict[str, Json] = {}
        while isinstance(event := next(self.events), NodeEvent):
            key = self._key(event)
            if key in result:
                self._refuse(event, f"The key {key[:80]!r} stands twice in one mapping.")
            below = foreign or key in FOREIGN_KEYS
            inner = pointer + build((key,))
            result[key] = self.read(next(self.events), (*path, key), foreign=below, pointer=inner)
            # A block value begins on a later line; people look for the key.
            self.lines[inner] = self._line(event)
        return result

    def _sequence(self, path: _Path, foreign: bool, pointer: str) -> list[Json]:
        result: list[Json] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            place, inner = (*path, len(result)), f"{pointer}/{len(result)}"
            result.append(self.read(event, place, foreign=foreign, pointer=inner))
        return result

    def _key(self, event: Event) -> str:
        if not isinstance(event, ScalarEvent):
            self._refuse(event, "A key is not plain text.", "Write keys as words or quoted text.")
        self._check_tag(event)
        if event.value == "<<" and not event.style:
            self._refuse(event, "Merge keys (<<) are not part of YAML 1.2.", "Write the keys out.")
        return self._text(event)

    def _scalar(self, event: ScalarEvent, path: _Path, foreign: bool) -> Json:
        if event.style or event.tag:
            return self._text(event)
        if event.value in _NULLS:
            return None
        if path and path[-1] in TEXT_KEYS and not foreign:
            return self._text(event)
        if event.value in _BOOLEANS:
            return _BOOLEANS[event.value]
        return self._number_or_text(event)

    def _number_or_text(self, event: ScalarEvent) -> Json:
        text = self._text(event)
        if _INTEGER.fullmatch(text):
            if len(text) > MAX_DIGITS:
                self._refuse(event, f"An integer has more than {MAX_DIGITS} digits.")
            return int(text)
        if _FRACTION.fullmatch(text):
            value = float(text)
            if value in (float("inf"), float("-inf")):
                self._refuse(event, f"The number {text[:40]} is beyond the range read here.")
            return value
        return text

    def _text(self, event: ScalarEvent) -> str:
        text: str = event.value
        if _SURROGATE.search(text):  # JSON writes 😀 as two escapes: join them
            try:
                text = text.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                self._refuse(event, "A text holds half of a surrogate pair.")
        if "\x00" in text:
            self._refuse(event, "A text holds U+0000, which cannot be stored.")
        return text

    def _alias(self, event: AliasEvent) -> Json:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            self._refuse(event, f"More than {MAX_ALIASES} aliases.", "Write the values out.")
        if event.anchor not in self.anchors:
            self._refuse(event, f"The alias *{event.anchor} names no finished anchor.")
        value, nodes = self.anchors[event.anchor]
        self._count(nodes, event)
        return _copy(value)

    def _check_tag(self, event: Event) -> None:
        if not isinstance(event, ScalarEvent | CollectionStartEvent) or not event.tag:
            return
        tag = str(event.tag)
        if isinstance(event, CollectionStartEvent) or tag not in _TEXT_TAGS:
            self._refuse(event, f"The tag {tag} is not read here.", "Leave the tag out.")

    def _count(self, nodes: int, event: Event) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            self._refuse(event, f"The document has more than {MAX_NODES} values.")

    def _line(self, event: Event) -> int:
        return int(event.start_mark.line) + 1 if event.start_mark else 1

    def _refuse(self, event: Event, message: str, remedy: str = "") -> NoReturn:
        _refuse(self.name, self._line(event), message, remedy)


def _copy(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _copy(child) for key, child in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _refuse(name: str, line: int, message: str, remedy: str = "") -> NoReturn:
    finding = Finding("", line, message, remedy)
    raise DocumentUnreadable(
        f"{name}, line {line}: {message}", findings=[finding], remedy=remedy
    ) from None
