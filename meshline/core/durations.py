"""ISO 8601 durations to timedelta and back, for deadlines, promises and backoff."""

from __future__ import annotations

import re
from datetime import timedelta

from meshline.core.errors import BadValue

_WHOLE = re.compile(
    r"P(?:(?P<weeks>[0-9]{1,5})W)?(?:(?P<days>[0-9]{1,6})D)?"
    r"(?P<time>T(?:(?P<hours>[0-9]{1,7})H)?(?:(?P<minutes>[0-9]{1,9})M)?"
    r"(?:(?P<seconds>[0-9]{1,10}(?:\.[0-9]{1,6})?)S)?)?"
)
_CALENDAR = re.compile(r"P[0-9.]+(?:Y|M).*")
_LONGEST = timedelta(days=36_525)
_EXAMPLES = "Write it like PT15M, PT0.25S, P1D or P2W."


def parse_duration(text: str) -> timedelta:
    """Read an ISO 8601 duration of weeks, days, hours, minutes and seconds.

    Raises: BadValue, also for months and years (their length depends on the date), negative
    durations and more than 100 years.
    """
    found = _WHOLE.fullmatch(text) if _is_text(text) else None
    parts = {k: v for k, v in found.groupdict().items() if v is not None} if found else {}
    if parts.pop("time", "") == "T" or not parts:
        raise _refusal(text)
    result = timedelta(
        weeks=int(parts.get("weeks", 0)),
        days=int(parts.get("days", 0)),
        hours=int(parts.get("hours", 0)),
        minutes=int(parts.get("minutes", 0)),
        microseconds=_microseconds(parts.get("seconds", "0")),
    )
    if result > _LONGEST:
        raise BadValue(f"The duration {text} is longer than 100 years.", remedy="Shorten it.")
    return result


def format_duration(duration: timedelta) -> str:
    """Write a duration as ISO 8601 text, days first: PT15M, P1DT2H, PT0.25S, PT0S.

    Raises: BadValue if it is negative.
    """
    if duration < timedelta(0):
        raise BadValue(f"{duration} is negative; ISO 8601 has no word for it.")
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{duration.microseconds:06d}".rstrip("0") if duration.microseconds else ""
    date = f"{duration.days}D" if duration.days else ""
    time = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    time += f"{seconds}{fraction}S" if seconds or fraction else ""
    return f"P{date}" + (f"T{time}" if time else "") if date or time else "PT0S"


def in_words(duration: timedelta) -> str:
    """Say a duration as people do, in its two largest units: "3 min 12 s", "2 h", "250 ms"."""
    total = abs(duration)
    if timedelta(0) < total < timedelta(seconds=1):
        return f"{total // timedelta(milliseconds=1)} ms"
    if total < timedelta(seconds=10) and total.microseconds:
        return f"{total.total_seconds():.1f} s"
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    rest = int(total.total_seconds())
    first = next((i for i, (_, size) in enumerate(units) if rest >= size), len(units))
    words = []
    for name, size in units[first : first + 2]:
        count, rest = divmod(rest, size)
        words += [f"{count} {name}"] if count else []
    return " ".join(words) or "0 s"


def _is_text(value: object) -> bool:
    return isinstance(value, str)  # documents may hold anything where a duration belongs


def _microseconds(seconds: str) -> int:
    whole, _, fraction = seconds.partition(".")
    return int(whole) * 1_000_000 + int(fraction.ljust(6, "0") or 0)


def _refusal(text: object) -> BadValue:
    shown = repr(text)[:60]
    if isinstance(text, str) and _CALENDAR.fullmatch(text):
        return BadValue(
            f"The duration {shown} counts months or years, whose length depends on the date.",
            remedy="Say it in days or weeks: P30D for a month, P365D for a year.",
        )
    return BadValue(f"{shown} is not an ISO 8601 duration.", remedy=_EXAMPLES)
