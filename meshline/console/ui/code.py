"""JSON and text as numbered, escaped, coloured lines: payloads are shown, never interpreted."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

MAX_LINES = 1500
MAX_CHARS = 2000  # of one line
MINUS = "\u2212"
CODE = '<pre class="code" tabindex="0" hx-disable>{}</pre>'
LINE = '<span class="ln{}"><i>{}</i><u>{}</u><span>{}</span></span>'

# What would hide, reorder or break the text around it: controls, zero width, bidirectional marks.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\xa0\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_JSON_LINE = re.compile(r'( *)("(?:[^"\\]|\\.)*")?(: )?(.*?)(,?)', re.DOTALL)

Line = tuple[str, str, str]  # number, mark ("", "+", MINUS), text


def show_unseen(text: str) -> str:
    """Write invisible and reordering characters as \\uXXXX, so that text is what it looks like."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def pretty(value: Any) -> list[str]:
    """Return the lines of a JSON value; bytes and str are taken as raw text, not as JSON."""
    if isinstance(value, bytes | bytearray | memoryview):
        value = bytes(value).decode("utf-8", "backslashreplace")
    if not isinstance(value, str):
        value = json.dumps(value, indent=2, ensure_ascii=False, default=_plain)
    return [shown_line(line) for line in value.splitlines() or [""]]


def shown_line(line: str) -> str:
    """Return one line as it is shown: no tabs, nothing unseen, not too long."""
    return _cut(show_unseen(line.replace("\t", "    ")))


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def _cut(line: str) -> str:
    return line if len(line) <= MAX_CHARS else f"{line[:MAX_CHARS]}… {len(line) - MAX_CHARS} more"


def block(value: Any) -> SafeString:
    """Return the value as a numbered `<pre class="code">`."""
    lines = pretty(value)
    raw = isinstance(value, str | bytes | bytearray | memoryview)
    return _render(((str(n), "", line) for n, line in enumerate(lines, 1)), coloured=not raw)


def diff(old: Any, new: Any) -> SafeString:
    """Return `new` with what `old` had otherwise, line by line."""
    return _render(_compare(pretty(old), pretty(new)), coloured=True)


def _compare(old: list[str], new: list[str]) -> Iterator[Line]:
    matcher = difflib.SequenceMatcher(a=old[:MAX_LINES], b=new[:MAX_LINES], autojunk=False)
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        if tag == "equal":
            yield from ((str(n + 1), "", new[n]) for n in range(b1, b2))
            continue
        yield from ((str(n + 1), MINUS, old[n]) for n in range(a1, a2))
        yield from ((str(n + 1), "+", new[n]) for n in range(b1, b2))


def _render(lines: Iterable[Line], *, coloured: bool) -> SafeString:
    rows = []
    for count, (number, mark, text) in enumerate(lines):
        if count == MAX_LINES:
            rows.append((" cm", "", "", "… the rest is not shown here"))
            break
        tone = {"+": " add", MINUS: " del"}.get(mark, "")
        rows.append((tone, number, mark, _coloured(text) if coloured else text))
    return format_html(CODE, format_html_join("", LINE, rows))


def _coloured(line: str) -> SafeString | str:
    found = _JSON_LINE.fullmatch(line)
    if found is None:
        return line
    indent, first, colon, rest, comma = found.groups()
    if first and not colon:
        indent, key, rest = indent, "", first + rest
    else:
        key = first or ""
    if rest.startswith('"'):
        value: SafeString | str = format_html('<span class="v">{}</span>', rest)
    elif rest and rest[0] not in "{}[]":
        value = format_html('<span class="nv">{}</span>', rest)
    else:
        value = rest
    shown = format_html('<span class="k">{}</span>{}', key, colon) if key else ""
    return format_html("{}{}{}{}", indent, shown, value, comma)
