"""The timeline of a run and the lanes of a ticket: rows of bars over one time axis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from meshline.console.ui.charts import percent, read

LEAST_WIDTH = 0.007  # a bar shorter than a pixel is still seen
FAR_RIGHT = 0.82  # from here on the text stands before its bar
BOXES = {"wait", "soon", "run", "hold", "met", "promise"}  # outlined, with their text inside
DEFAULT_TICKS = ((0.0, ""), (0.2, ""), (0.4, ""), (0.6, ""), (0.8, ""), (1.0, ""))

Tick = tuple[float, str]
Bar = tuple[float, float, str, str]  # start, width (0…1), kind, text


def context(
    rows: Iterable[Any],
    ticks: Sequence[Tick] | None = None,
    *,
    head: str = "Step",
    lanes: bool = False,
    now_at: float | None = None,
) -> dict[str, Any]:
    """Return what console/_waterfall.html draws.

    A row is a dict or object with label, sub, icon, kind, took, on, href, bars and marks;
    all but label may be missing. Fractions outside 0…1 are put on the edge.
    """
    shown = list(ticks or DEFAULT_TICKS)
    return {
        "head": head,
        "lanes": lanes,
        "labelled": any(text for _, text in shown),
        "axis": _axis(shown),
        "grid": format_html_join(
            "", '<line x1="{0}" x2="{0}" y1="0" y2="38"/>', ((percent(at),) for at, _ in shown)
        ),
        "now_at": None if now_at is None else percent(now_at),
        "rows": [_row(row) for row in rows],
    }


def _axis(ticks: Sequence[Tick]) -> SafeString:
    rows = ((percent(at), "end" if at > 0.95 else "start", text) for at, text in ticks)
    return format_html_join("", '<text x="{}" y="18" text-anchor="{}">{}</text>', rows)


def _row(row: Any) -> dict[str, Any]:
    bars: list[Bar] = list(read(row, "bars", ()))
    label, took = read(row, "label"), read(row, "took")
    shown = {name: read(row, name) for name in ("icon", "kind", "sub", "on", "href", "face")}
    texts = ", ".join(text for *_, text in bars if text)
    return shown | {
        "label": label,
        "took": took,
        "said": ", ".join(str(part) for part in (label, took, texts) if part),
        "bars": _bars(bars),
        "marks": _marks(read(row, "marks", ())),
    }


def _bars(bars: Sequence[Bar]) -> SafeString:
    rects, texts = [], []
    for start, width, kind, text in bars:
        wide = max(min(width, 1.0), LEAST_WIDTH)
        at = min(max(start, 0.0), 1.0 - wide)
        rects.append((kind if kind in BOXES else f"f-{kind or 'ink'}", percent(at), percent(wide)))
        if text:
            texts.append(_text_place(at, wide, kind, text))
    drawn = format_html_join(
        "", '<rect class="{}" x="{}" y="13" width="{}" height="12" rx="3"/>', rects
    )
    said = format_html_join("", '<text class="{}" x="{}" y="23" text-anchor="{}">{}</text>', texts)
    return drawn + said


def _text_place(at: float, wide: float, kind: str, text: str) -> tuple[str, str, str, str]:
    if kind in BOXES and len(text) * 0.012 < wide:
        return "in", percent(at + 0.012), "start", text
    if at + wide > FAR_RIGHT:
        return "", percent(at - 0.009), "end", text
    return "", percent(at + wide + 0.009), "start", text


def _marks(marks: Iterable[Tick]) -> SafeString:
    rows = [
        (percent(at), *(("end", percent(at - 0.009)) if at > FAR_RIGHT
                        else ("start", percent(at + 0.009))), text)
        for at, text in marks
    ]  # fmt: skip
    return format_html_join(
        "",
        '<line class="dl" x1="{0}" x2="{0}" y1="4" y2="34"/>'
        '<text x="{2}" y="23" text-anchor="{1}">{3}</text>',
        rows,
    )
