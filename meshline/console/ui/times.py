"""Times and durations as people read them; js/meshline.js freshens them by the same rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

NOTHING = "—"
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def duration(span: timedelta, *, fine: bool = False) -> str:
    """Return "8 ms", "48 s", "26 min", "1 h 05" or "3 d 4 h"; fine: "2.4 s" and "15 min 35" too.

    Units: the sign is dropped; rounded down, so that "1 min" never comes early.
    """
    span = abs(span)
    seconds = span // SECOND
    if span < SECOND:
        return f"{span // timedelta(milliseconds=1)} ms"
    if span < 10 * SECOND and fine:
        return f"{span.total_seconds():.1f} s"
    if span < MINUTE:
        return f"{seconds} s"
    if span < HOUR:
        rest = f" {seconds % 60:02d}" if fine and seconds % 60 else ""
        return f"{span // MINUTE} min{rest}"
    if span < 2 * DAY:
        return f"{span // HOUR} h {span % HOUR // MINUTE:02d}"
    hours = span % DAY // HOUR
    return f"{span.days} d {hours} h" if hours else f"{span.days} d"


def relative(moment: datetime, now: datetime) -> str:
    """Return "39 min ago", "in 26 min" or "now" (within a second)."""
    if abs(moment - now) < SECOND:
        return "now"
    text = duration(moment - now)
    return f"in {text}" if moment > now else f"{text} ago"


def left(due: datetime, now: datetime) -> str:
    """Return the time left, "26 min", or "3 min late"."""
    text = duration(due - now)
    return text if due > now else f"{text} late"


def clock(moment: datetime, now: datetime | None = None) -> str:
    """Return "13:26:04 CET" in the reader's zone; on another day than `now` "23 Nov 13:26 CET"."""
    local = timezone.localtime(moment)
    if now is not None and local.date() != timezone.localtime(now).date():
        return f"{local.day} {local:%b %H:%M %Z}"
    return f"{local:%H:%M:%S %Z}"


def stamp(moment: datetime) -> str:
    """Return the exact local time, "2026-11-23 13:26:04 CET"."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}"


def both_zones(moment: datetime) -> str:
    """Return the tooltip: local and UTC, "Mon 23 Nov 2026, 13:26:04 CET · 12:26:04 UTC"."""
    local, utc = timezone.localtime(moment), moment.astimezone(UTC)
    text = f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S %Z}"
    if local.utcoffset() == timedelta(0):
        return text
    other = "" if local.date() == utc.date() else f"{utc.day} {utc:%b} "
    return f"{text} · {other}{utc:%H:%M:%S} UTC"


def element(moment: datetime | None, text: str = "", *, live: str = "") -> SafeString | str:
    """Return a `<time>` with UTC for machines and a tooltip for people; a dash for None.

    `live` is "ago" or "left" when the script shall keep the text fresh.
    """
    if moment is None:
        return NOTHING
    machine = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    mark = format_html(' data-rel="{}"', live) if live else ""
    return format_html(
        '<time datetime="{}" title="{}"{}>{}</time>', machine, both_zones(moment), mark, text
    )
