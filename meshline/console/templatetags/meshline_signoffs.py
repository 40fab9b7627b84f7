"""Who is asked to sign, for the administration's first page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template

from contracts_app.queries import clock, signoffs
from contracts_app.queries.signoffs import WaitingSignOff

if TYPE_CHECKING:
    from django.contrib.auth.models import User

register = template.Library()


@register.simple_tag
def signoffs_waiting(user: User) -> list[WaitingSignOff]:
    """Return the sign-offs that wait for this person."""
    return signoffs.waiting_for(user, now=clock.now())
