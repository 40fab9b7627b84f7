"""Template tags and filters of the console: states, times, money, payloads, faces, small charts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, Select
from django.template.context import RequestContext
from django.utils.html import format_html
from django.utils.safestring import SafeString

from meshline.console.ui import charts, code, icons, nav, people, states, story, times, waterfall
from meshline.core.money import format_money

register = template.Library()
PLAIN = {"verdict", "risk"}  # shown beside their own icon, so the tag has none


# --- Icons and states ---------------------------------------------------------------------
@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """Draw an icon: `{% icon "inbox" %}`. An unknown name is a mistake in the template."""
    try:
        return icons.icon(name, classes)
    except KeyError as error:
        raise template.TemplateSyntaxError(error.args[0]) from error


@register.filter
def badge(state: object, thing: str = "") -> SafeString:
    """Show a state as a tag with its icon: `{{ run.state|badge:"run" }}`."""
    look = states.look(state, thing)
    picture = icons.icon(look.icon) if look.icon and thing not in PLAIN else ""
    kind = "" if look.kind == "muted" else look.kind
    return format_html('<span class="tag {}">{}{}</span>', kind, picture, look.word)


@register.filter
def state_word(state: object, thing: str = "") -> str:
    """Return a state's word alone."""
    return states.look(state, thing).word


@register.filter
def state_kind(state: object, thing: str = "") -> str:
    """Return a state's colour class: good, bad, high, warn, info, plum, accent, muted or ""."""
    return states.look(state, thing).kind


@register.filter
def state_icon(state: object, thing: str = "") -> SafeString:
    """Draw a state's icon in its colour, with the word for screen readers."""
    look = states.look(state, thing)
    picture = icons.icon(look.icon or "circle-dot", look.kind)
    return format_html('{}<span class="vh">{}</span>', picture, look.word)


# --- Values -------------------------------------------------------------------------------
@register.filter
def money(amount_minor: int | str | None, currency: str) -> str:
    """Show minor units as money: `{{ 21800|money:"EUR" }}` is "€ 218.00"; None is a dash."""
    if amount_minor in (None, "") or not currency:
        return times.NOTHING
    return format_money(int(amount_minor or 0), currency)


@register.filter
def duration(span: timedelta | float | str | None, detail: str = "") -> str:
    """Show a duration (timedelta, or seconds): "26 min"; with "fine" "15 min 35"."""
    if span in (None, ""):
        return times.NOTHING
    exact = span if isinstance(span, timedelta) else timedelta(seconds=float(span or 0))
    return times.duration(exact, fine=detail == "fine")


@register.filter
def minutes(seconds: int | float | str | None) -> str:
    """Show seconds as a running time, "0:48"."""
    whole = int(float(seconds or 0))
    return f"{whole // 60}:{whole % 60:02d}"


@register.filter
def moment(value: datetime | None, now: datetime | None = None) -> SafeString | str:
    """Show a moment relative to `now` ("39 min ago"), exact times in the tooltip, kept fresh."""
    if not value:
        return times.NOTHING
    text = times.relative(value, now) if now else times.clock(value)
    return times.element(value, text, live="ago")


@register.filter
def left(due: datetime | None, now: datetime | None = None) -> SafeString | str:
    """Show the time left until `due` ("26 min", "3 min late"), kept fresh."""
    if not due:
        return times.NOTHING
    text = times.left(due, now) if now else times.clock(due)
    return times.element(due, text, live="left")


@register.filter
def clock(value: datetime | None, now: datetime | None = None) -> SafeString | str:
    """Show the fixed time of day in the reader's zone, with the date if it is not `now`'s."""
    return times.element(value, times.clock(value, now)) if value else times.NOTHING


@register.filter
def stamp(value: datetime | None) -> SafeString | str:
    """Show the exact local date and time, for the audit log and receipts."""
    return times.element(value, times.stamp(value)) if value else times.NOTHING


@register.simple_tag
def promise_tag(
    due: datetime | None, now: datetime, *, total: timedelta | None = None, state: str = "running"
) -> SafeString | str:
    """Show a promise as a coloured tag with the time left; `total` scales the colours."""
    if state != "running":
        return badge(state, "timer")
    if due is None:
        return times.NOTHING
    return format_html(
        '<span class="tag {}">{}{}</span>',
        _urgency(due - now, total), icons.icon("timer"), left(due, now),
    )  # fmt: skip


def _urgency(remaining: timedelta, total: timedelta | None) -> str:
    if remaining <= timedelta(0):
        return "bad"
    if total:
        share = remaining / total
        return "bad" if share < 0.25 else "high" if share < 0.5 else "warn" if share < 0.75 else ""
    minutes = remaining / times.MINUTE
    return "bad" if minutes < 30 else "high" if minutes < 90 else "warn" if minutes < 240 else ""


# --- Payloads -----------------------------------------------------------------------------
@register.filter
def json_block(value: Any) -> SafeString:
    """Show JSON (or raw bytes and text) as numbered, coloured, escaped lines."""
    return code.block(value)


@register.simple_tag
def json_diff(old: Any, new: Any) -> SafeString:
    """Show what changed between two JSON values, line by line."""
    return code.diff(old, new)


# --- People -------------------------------------------------------------------------------
@register.simple_tag
def face(name: object, large: bool = False) -> SafeString:
    """Draw a person's initials; an empty name is a dashed question mark."""
    return people.face(name, large=large)


@register.inclusion_tag("console/_owner.html")
def owner(name: object, role: str = "", tag: str = "", kind: str = "info") -> dict[str, Any]:
    """Draw a person with a line under the name and an optional tag at the end."""
    return {"name": str(name or ""), "role": role, "tag": tag, "kind": kind}


# --- Small charts -------------------------------------------------------------------------
@register.simple_tag
def spark(values: Sequence[float | int | None], kind: str = "") -> SafeString | str:
    """Draw a sparkline; see ui.charts.spark."""
    return charts.spark(values, kind)


@register.simple_tag
def meter(fraction: float | None, kind: str = "accent", label: str = "") -> SafeString | str:
    """Draw a bar filled to 0…1."""
    return charts.meter(fraction, kind, label)


@register.simple_tag
def segments(parts: Iterable[tuple[str, int | float, str]], size: str = "") -> SafeString:
    """Draw one bar of several parts: (label, count, kind) each."""
    return charts.segments(parts, size)


@register.simple_tag
def steps_strip(kinds: Sequence[str]) -> SafeString:
    """Draw a run's steps as little blocks."""
    return charts.steps_strip(kinds)


@register.inclusion_tag("console/_waterfall.html", name="waterfall")
def waterfall_tag(
    rows: Iterable[Any], ticks: Sequence[waterfall.Tick] | None = None, **options: Any
) -> dict[str, Any]:
    """Draw rows of bars over one time axis; options: head, lanes, now_at (see ui.waterfall)."""
    return waterfall.context(rows, ticks, **options)


# --- Frame --------------------------------------------------------------------------------
@register.inclusion_tag("console/_nav.html", takes_context=True, name="nav")
def nav_tag(context: RequestContext, tabbar: bool = False) -> dict[str, Any]:
    """List the pages of the sidebar, or of the phone's tab bar."""
    request, user = context.get("request"), context.get("user")
    shown = nav.groups(
        path=request.path if request else "",
        staff=bool(getattr(user, "is_staff", False)),
        counts=context.get("nav_counts") or {},
        only=context.get("nav_pages"),
    )
    return {"groups": shown, "tabbar": tabbar}


@register.simple_tag
def page_address(name: str, *args: Any) -> str:
    """Return the address of a page, or "" when there is no such page yet."""
    return nav.address(name, *args)


@register.simple_tag
def story_chapters() -> tuple[dict[str, object], ...]:
    """Return the demo story's eight chapters: n, title, subtitle."""
    return story.CHAPTERS


@register.simple_tag
def crumb(title: str, url_name: str = "", *args: Any) -> SafeString:
    """Draw one part of the breadcrumb; the last one has no address."""
    url = nav.address(url_name, *args) if url_name else ""
    part = (
        format_html('<a href="{}">{}</a>', url, title) if url else format_html("<b>{}</b>", title)
    )
    return format_html("{} {} ", icons.icon("chevron-right"), part)


@register.simple_tag
def ticket_link(ticket: object, classes: str = "link") -> SafeString | str:
    """Link to the ticket's page; None is a dash."""
    text = str(ticket or "")
    if not text:
        return times.NOTHING
    url = nav.address("console:ticket", text)
    return format_html('<a class="{}" href="{}">{}</a>', classes, url, text) if url else text


@register.inclusion_tag("console/_field.html")
def field(bound: BoundField, hint: str = "", rows: int | None = None) -> dict[str, Any]:
    """Draw a form field: label, control, hint and errors, tied together for screen readers."""
    widget = bound.field.widget
    if isinstance(widget, CheckboxInput):
        classes = "check"
    else:
        classes = "input select" if isinstance(widget, Select) else "input"
    attributes: dict[str, str | bool] = {
        "class": f"{classes} {widget.attrs.get('class', '')}".strip()
    }
    if rows:
        attributes["rows"] = str(rows)
    return {
        "field": bound,
        "control": bound.as_widget(attrs=attributes),
        "checkbox": classes == "check",
        "hint": hint or bound.help_text,
    }
