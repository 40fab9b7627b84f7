"""Where on its line a finding stands: the stretch of text that an editor underlines."""

from __future__ import annotations

import re
from dataclasses import dataclass

from meshline.core.findings import Finding
from meshline.core.pointers import parse

_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Place:
    """A stretch of one line: `column` is its first character, from 1; `until` is behind its last.

    Units: columns count as browsers count text, so that an emoji is two.
    """

    line: int
    column: int
    until: int


def places(text: str, findings: list[Finding]) -> list[Place | None]:
    """Return where each finding stands in the text: its key, else its whole line, else None."""
    lines = _LINE_END.split(text)
    return [
        _place(lines[one.line - 1], one) if 0 < one.line <= len(lines) else None for one in findings
    ]


def _place(line: str, finding: Finding) -> Place:
    start, end = _key(line, finding.path) or _written(line)
    return Place(finding.line, _units(line[:start]) + 1, _units(line[:end]) + 1)


def _key(line: str, path: str) -> tuple[int, int] | None:
    """The deepest key of the path that stands on the line; in `{a: {b: 1}}` the right one of two.

    A pointer that leads to no key of this line tells nothing about where on it to look.
    """
    found = None
    for segment in parse(path):
        name = re.compile(rf"(?<![\w$-])([\"']?){re.escape(str(segment))}\1(?=\s*:)")
        hit = name.search(line, found[1] if found else 0)
        if hit is not None:
            found = hit.span()
    return found


def _written(line: str) -> tuple[int, int]:
    start = len(line) - len(line.lstrip())
    return (start, max(len(line.rstrip()), start))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
