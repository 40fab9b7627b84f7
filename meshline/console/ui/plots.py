"""Larger charts as server-rendered SVG: a strip of days, lines over days, and bars by cause."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from meshline.console.ui.charts import percent

LEFT, RIGHT, TOP, BOTTOM = 46.0, 622.0, 12.0, 200.0
GRID_LINES = 4
LABEL_GAP = 15.0
STEPS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 25)
KINDS = ("info", "high", "bad", "plum", "good", "accent")


@dataclass(frozen=True)
class Series:
    """One line: its name and its values in per cent, oldest first; None leaves a gap."""

    name: str
    values: Sequence[float | None]


def strip(kinds: Sequence[str], label: str) -> SafeString:
    """Return one bar a day in the colours of `kinds`; "" is a day without data."""
    count = len(kinds) or 1
    rows = [
        (kind or "none", percent((n + 0.11) / count), percent(0.75 / count))
        for n, kind in enumerate(kinds)
    ]
    bars = format_html_join(
        "", '<rect class="f-{}" x="{}" y="1" width="{}" height="20" rx="1.5"/>', rows
    )
    return format_html('<svg class="strip" role="img" aria-label="{}">{}</svg>', label, bars)


def bar(fraction: float, kind: str, label: str) -> SafeString:
    """Return one thick bar, its length the fraction 0…1."""
    return format_html(
        '<svg role="img" aria-label="{}">'
        '<rect class="f-{}" width="{}" height="16" rx="3"/></svg>',
        label, kind, percent(fraction),
    )  # fmt: skip


def lines(days: Sequence[str], series: Sequence[Series], label: str) -> SafeString | str:
    """Return lines over days with a scale that fits them; nothing to draw gives "".

    `days` name the points from left to right.
    """
    known = [value for one in series for value in one.values if value is not None]
    if not known or len(days) < 2:
        return ""
    low, step = _scale(min(known))
    axis = [low + step * n for n in range(GRID_LINES + 1)]

    def y(value: float) -> float:
        return BOTTOM - (value - low) / (axis[-1] - low) * (BOTTOM - TOP)

    def x(at: int) -> float:
        return LEFT + at / (len(days) - 1) * (RIGHT - LEFT)

    places = max(0, -math.floor(math.log10(step))) if step < 1 else 0
    grid = format_html_join(
        "",
        '<line class="grid" x1="46" x2="622" y1="{0}" y2="{0}"/>'
        '<text x="38" y="{1}" text-anchor="end">{2}</text>',
        [(f"{y(tick):.1f}", f"{y(tick) + 4:.1f}", f"{tick:.{places}f}") for tick in axis],
    )
    marks = sorted({round(n * (len(days) - 1) / 4) for n in range(5)})
    dates = format_html_join(
        "",
        '<text x="{}" y="220" text-anchor="middle">{}</text>',
        [(f"{x(at):.0f}", days[at]) for at in marks],
    )
    drawn = format_html_join(
        "",
        '<path class="l s-{}" d="{}"/>',
        [(kind, _path(one, x, y)) for kind, one in _used(series)],
    )
    return format_html(
        '<svg class="chart" viewBox="0 0 800 228" role="img" aria-label="{}">{}{}{}{}</svg>',
        label, grid, dates, drawn, _ends(series, x, y),
    )  # fmt: skip


def _scale(lowest: float) -> tuple[float, float]:
    """The bottom of the scale and its step, so that 100 is on top and everything fits."""
    span = max(100 - lowest, STEPS[0] * GRID_LINES)
    step = next((s for s in STEPS if s * GRID_LINES >= span), STEPS[-1])
    return 100 - step * GRID_LINES, step


def _used(series: Sequence[Series]) -> list[tuple[str, Series]]:
    return [(KINDS[n % len(KINDS)], one) for n, one in enumerate(series)]


def _path(one: Series, x: Callable[[int], float], y: Callable[[float], float]) -> str:
    parts, pen = [], "M"
    for at, value in enumerate(one.values):
        if value is None:
            continue
        parts.append(f"{pen}{x(at):.1f} {y(value):.1f}")
        pen = "L"
    return " ".join(parts)


def _ends(
    series: Sequence[Series], x: Callable[[int], float], y: Callable[[float], float]
) -> SafeString:
    """A dot at the end of each line, and its name beside it, none over another."""
    last: list[tuple[float, float, str, str]] = []
    for kind, one in _used(series):
        known = [(at, value) for at, value in enumerate(one.values) if value is not None]
        if known:
            at, value = known[-1]
            last.append((x(at), y(value), kind, one.name))
    last.sort(key=lambda end: end[1])
    rows, lowest = [], -LABEL_GAP
    for end_x, end_y, kind, name in last:
        label_y = max(end_y + 4, lowest + LABEL_GAP)
        lowest = label_y
        rows.append((f"{end_x:.0f}", f"{end_y:.1f}", kind, f"{label_y:.0f}", name))
    return format_html_join(
        "",
        '<circle cx="{0}" cy="{1}" r="3.5" class="f-{2}"/>'
        '<text class="lab" x="632" y="{3}">{4}</text>',
        rows,
    )


def shares(counts: Iterable[tuple[str, int]]) -> list[tuple[str, int, float, str]]:
    """Return counts as rows of a bar chart: label, count, share of the largest, colour."""
    listed = list(counts)
    most = max((count for _, count in listed), default=0) or 1
    colours = ("bad", "high", "warn", "plum", "info", "ink")
    return [
        (label, count, count / most, colours[min(n, len(colours) - 1)])
        for n, (label, count) in enumerate(listed)
    ]
