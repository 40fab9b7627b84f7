"""Template tags for the charts of dashboards."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django import template
from django.utils.safestring import SafeString

from meshline.console.ui import plots
from orchestration.rules import attainment

register = template.Library()


@register.simple_tag
def day_strip(kinds: Sequence[str], label: str) -> SafeString:
    """Draw one bar a day; kinds are colours, "" a day without data."""
    return plots.strip(kinds, label)


@register.simple_tag
def day_lines(days: Sequence[str], series: Sequence[plots.Series], label: str) -> SafeString | str:
    """Draw lines over days; "" if there is nothing to draw."""
    return plots.lines(days, series, label)


@register.simple_tag
def thick_bar(fraction: float, kind: str, label: str) -> SafeString:
    """Draw one bar of a chart by cause."""
    return plots.bar(fraction, kind, label)


@register.filter
def share(value: Decimal | None) -> str:
    """Show a share as per cent without the sign, rounded down: "99.71"; None is a dash."""
    return attainment.percent(value)


@register.filter
def times(value: Decimal | None) -> str:
    """Show a factor with its sign: 6.2 times; None is a dash."""
    if value is None:
        return "—"
    return f"{value:.0f}\u00d7" if value >= 10 or not value else f"{value:.1f}\u00d7"
