"""Small readings of rows for the lists: a value by a name, colours of steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.safestring import SafeString

from meshline.console.ui import states, times
from meshline.core import redact
from orchestration.models import Attempt, Run

register = template.Library()


@register.filter
def pick(mapping: Mapping[str, Any], name: str) -> Any:
    """Return the value under a name, or an empty text."""
    return mapping.get(name, "")


@register.filter
def words(path: str) -> str:
    """Return a step's path or a reason as words: billing_ack is "billing ack"."""
    return path.replace("_", " ")


@register.filter
def masked(text: object) -> str:
    """Return a text with addresses, card numbers and keys masked: an id may be an address."""
    return redact.mask_text(str(text or ""))


@register.filter
def step_kinds(names: Iterable[str]) -> list[str]:
    """Return the colours of steps' states, for the strip of a run."""
    return [states.look(name, "step").kind for name in names]


@register.filter
def at(moment: datetime | None, now: datetime) -> SafeString | str:
    """Return the time of day, or the day if it is not `now`'s; exact in the tooltip."""
    if moment is None:
        return times.NOTHING
    local, today = timezone.localtime(moment), timezone.localtime(now)
    same_day = local.date() == today.date()
    return times.element(moment, f"{local:%H:%M:%S}" if same_day else f"{local.day} {local:%b}")


@register.filter
def short_id(identifier: object) -> str:
    """Return the part of an id that people read to each other."""
    return str(identifier or "")[-8:]


@register.filter
def took(run: Run, now: datetime) -> timedelta:
    """Return how long a run has taken, or takes so far."""
    return (run.finished_at or now) - run.created_at


@register.filter
def lasted(attempt: Attempt) -> timedelta | None:
    """Return how long a try took; None while it is under way."""
    return attempt.ended_at - attempt.started_at if attempt.ended_at else None
