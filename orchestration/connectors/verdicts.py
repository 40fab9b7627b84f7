"""What an HTTP status means for a call: pure, the same for every vendor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from orchestration.rules.outcomes import Outcome, Refused, Transient, Unknown
from orchestration.rules.retry import RETRY_AFTER_CEILING

# The request was turned away at the door, before anybody acted on it.
_TURNED_AWAY = {421: "misdirected", 425: "too_early", 429: "rate_limited"}


def verdict(
    status: int,
    headers: Mapping[str, str],
    *,
    effect: bool,
    busy: frozenset[int] = frozenset(),
    reason: str = "",
    detail: str = "",
) -> Outcome | None:
    """Return what the status means, or None for a success whose body must be read.

    `effect`: something that changes the vendor's books has left. `busy` are the vendor's own
    statuses for "somebody else is at it, nothing was done". `reason` and `detail` are the
    vendor's words for a refusal.
    """
    pause = retry_after(headers)
    if 200 <= status < 300:
        return None
    if status in _TURNED_AWAY:
        return Transient(_TURNED_AWAY[status], pause)
    if status in busy:
        return Transient(reason or "busy", pause)
    if status == 503 and pause is not None:
        return Transient("unavailable", pause)
    if status >= 500 or status == 408:
        return Unknown(f"http_{status}") if effect else Transient(f"http_{status}", pause)
    if 300 <= status < 400:
        return Refused("redirected", "The system answered with a redirect, which is not followed.")
    return Refused(reason or f"http_{status}", detail)


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Return the pause that Retry-After asks for, at most the ceiling; None if it asks for none.

    Both forms are read, seconds and HTTP date; a date counts from the answer's own Date header,
    so that two clocks need not agree. A past date is no pause; without a Date it says nothing.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        seconds = int(text[:10]) if len(text) <= 10 else RETRY_AFTER_CEILING.total_seconds()
        return min(timedelta(seconds=seconds), RETRY_AFTER_CEILING)
    until, since = _date(text), _date(headers.get("date", ""))
    if until is None or since is None:
        return None
    return max(timedelta(0), min(until - since, RETRY_AFTER_CEILING))


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return moment if moment.tzinfo else None
