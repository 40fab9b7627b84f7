"""Two texts beside each other as tables; long stretches that stay the same are folded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from contracts_app.rules.line_alignment import Row
from meshline.console.ui.code import MAX_LINES, MINUS, shown_line

AROUND = 3  # lines that stay, shown beside what changed
FOLDED_FROM = 10
_TABLE = (
    '<table class="sides"><caption class="vh">{}</caption>'
    '<colgroup><col class="no"><col><col class="no"><col></colgroup><thead class="vh"><tr>'
    '<th scope="col">Line</th><th scope="col">{}</th><th scope="col">Line</th>'
    '<th scope="col">{}</th></tr></thead><tbody>{}</tbody></table>'
)
_ROW = '<tr class="{}"><td class="no">{}</td><td>{}</td><td class="no">{}</td><td>{}</td></tr>'
_CELL = '<u aria-hidden="true">{}</u><span class="vh">{}</span>{}'
_SIGNS = {
    "changed": ((MINUS, "was: "), ("+", "is: ")),
    "removed": ((MINUS, "removed: "), ("", "")),
    "added": (("", ""), ("+", "added: ")),
}


def side_by_side(rows: Sequence[Row], old: str, new: str) -> SafeString:
    """Return all rows under the names of both sides; past the bound it says that more follows."""
    parts = [
        _folded(part, old, new) if folded else _table(part, old, new)
        for part, folded in _stretches(rows[:MAX_LINES])
    ]
    if len(rows) > MAX_LINES:
        told = "{} more lines are not shown here: open the document of each version."
        parts.append(format_html(f'<p class="foot">{told}</p>', len(rows) - MAX_LINES))
    return format_html_join("", "{}", ((part,) for part in parts))


def _stretches(rows: Sequence[Row]) -> Iterator[tuple[Sequence[Row], bool]]:
    """Part the rows into what is shown and what is folded."""
    shown: list[Row] = []
    groups = [list(group) for _, group in groupby(rows, key=lambda row: row.kind == "same")]
    for at, group in enumerate(groups):
        head = AROUND if at else 0
        tail = AROUND if at < len(groups) - 1 else 0
        if group[0].kind != "same" or len(group) - head - tail < FOLDED_FROM:
            shown += group
            continue
        shown += group[:head]
        if shown:
            yield shown, False
        yield group[head : len(group) - tail], True
        shown = group[len(group) - tail :]
    if shown:
        yield shown, False


def _folded(rows: Sequence[Row], old: str, new: str) -> SafeString:
    first, last = rows[0], rows[-1]
    return format_html(
        '<details class="fold"><summary>{} lines are the same: {} to {}</summary>{}</details>',
        len(rows), first.new_number, last.new_number, _table(rows, old, new),
    )  # fmt: skip


def _table(rows: Sequence[Row], old: str, new: str) -> SafeString:
    said = (
        f"{old} from line {_number(rows, 'old_number')}, {new} from {_number(rows, 'new_number')}"
    )
    return format_html(_TABLE, said, old, new, format_html_join("", _ROW, map(_cells, rows)))


def _number(rows: Sequence[Row], side: str) -> int:
    return next((n for row in rows if (n := getattr(row, side)) is not None), 0)


def _cells(row: Row) -> tuple[object, ...]:
    old, new = shown_line(row.old), shown_line(row.new)
    if row.kind != "same":
        (minus, was), (plus, now) = _SIGNS[row.kind]
        old = format_html(_CELL, minus, was, old) if minus else ""
        new = format_html(_CELL, plus, now, new) if plus else ""
    return row.kind, row.old_number or "", old, row.new_number or "", new
