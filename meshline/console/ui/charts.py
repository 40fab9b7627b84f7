"""Small charts as server-rendered SVG: sizes are attributes, since inline styles are blocked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

TOP, BOTTOM = 4.0, 31.0  # of the sparkline's 34 units


def percent(fraction: float) -> str:
    """Return 0…1 as an SVG length, "27.3%", kept inside the picture."""
    return f"{round(100 * min(max(fraction, 0.0), 1.0), 2):g}%"


def spark(values: Sequence[float | int | None], kind: str = "") -> SafeString | str:
    """Return a sparkline of the values, oldest first; fewer than two give nothing.

    `kind` is "", "good" or "bad". None counts as the value before it.
    """
    known = _filled(values)
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    scale = (BOTTOM - TOP) / (high - low) if high > low else 0.0
    points = " L".join(
        f"{100 * n / (len(known) - 1):.1f} {BOTTOM - (value - low) * scale:.1f}"
        for n, value in enumerate(known)
    )
    return format_html(
        '<svg class="spark {}" viewBox="0 0 100 34" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="area" d="M{} L100 34 L0 34 Z"/><path d="M{}"/></svg>',
        kind, points, points,
    )  # fmt: skip


def _filled(values: Sequence[float | int | None]) -> list[float]:
    known: list[float] = []
    for value in values:
        known.append(float(value) if value is not None else known[-1] if known else 0.0)
    return known


def meter(fraction: float | None, kind: str = "accent", label: str = "") -> SafeString | str:
    """Return a bar filled to the fraction 0…1; None (nothing known) gives a dash."""
    if fraction is None:
        return "—"
    said = f"{label}: {100 * fraction:.0f} percent" if label else f"{100 * fraction:.0f} percent"
    return format_html(
        '<svg class="bar" role="img" aria-label="{}" preserveAspectRatio="none">'
        '<rect class="bg" width="100%" height="6" rx="3"/>'
        '<rect class="f-{}" width="{}" height="6" rx="3"/></svg>',
        said, kind, percent(fraction),
    )  # fmt: skip


def segments(parts: Iterable[tuple[str, int | float, str]], size: str = "") -> SafeString:
    """Return one bar of several parts: (label, count, kind) each."""
    shown = list(parts)
    total = sum(count for _, count, _ in shown) or 1
    start, rows = 0.0, []
    for _, count, kind in shown:
        rows.append((kind, percent(start), percent(count / total)))
        start += count / total
    bars = format_html_join("", '<rect class="f-{}" x="{}" width="{}" height="100%" rx="3"/>', rows)
    said = ", ".join(f"{label} {count}" for label, count, _ in shown)
    return format_html('<svg class="{}" role="img" aria-label="{}">{}</svg>',
                       f"mseg {size}".strip(), said, bars)  # fmt: skip


def steps_strip(kinds: Sequence[str]) -> SafeString:
    """Return a run's steps as equal blocks in the colours of `kinds`."""
    count = len(kinds) or 1
    pitch = 100 / count
    rows = [
        (
            kind if kind and kind != "muted" else "none",
            f"{n * pitch + 0.6:.1f}",
            f"{pitch - 1.6:.1f}",
        )
        for n, kind in enumerate(kinds)
    ]
    blocks = format_html_join("", '<rect class="f-{}" x="{}" y="2" width="{}" height="6"/>', rows)
    done = sum(kind == "good" for kind in kinds)
    said = f"{done} of {len(kinds)} steps done"
    return format_html(
        '<svg class="mseg" viewBox="0 0 100 10" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>',
        said, blocks,
    )  # fmt: skip


def read(row: Any, name: str, default: Any = "") -> Any:
    """Return a row's value by key or attribute: pages pass dicts or dataclasses."""
    if isinstance(row, dict):
        return row.get(name, default)
    return getattr(row, name, default)
