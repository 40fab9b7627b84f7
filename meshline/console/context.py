"""What the frame of every page shows; nothing is asked of the database before it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from contracts_app.queries import clock, people
from meshline.console import access, demo
from meshline.console.ui import times
from orchestration.models import Handoff, HandoffState, HeldEvent
from orchestration.queries import health
from runbooks.models import Backfill

V = TypeVar("V")
MOST = 1000


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: see the first section of the console's base.html.

    A view that passes `now` itself overrides the one here.
    """
    shared = {
        "organisation": settings.ORGANISATION,
        "environment": "sandbox" if settings.SANDBOX_URL else "production",
    }
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return shared
    now = cache(clock.now)
    return shared | {
        "now": now,
        "nav_counts": _lazy(lambda: nav_counts() if access.permit_to_see(user) else {}),
        "role_title": _lazy(lambda: ", ".join(map(title_of, sorted(people.roles_of(user))))),
        "monitor_stale": _lazy(lambda: stale_text(health.unwatched_since(now()))),
        "demo": _lazy(lambda: demo.ribbon(brief=request.path != reverse("console:today"))),
    }


def nav_counts() -> dict[str, int]:
    """Return how much waits behind the sidebar's entries; three queries, each bounded."""
    unresolved = Handoff.objects.exclude(state=HandoffState.RESOLVED).order_by()
    return {
        "handoffs": unresolved[:MOST].count(),
        "held": HeldEvent.objects.filter(state="held").order_by()[:MOST].count(),
        "backfills": Backfill.objects.filter(state__in=["running", "paused"]).count(),
    }


def title_of(role: str) -> str:
    """Return a role's name for people: ops_lead is "Ops lead"."""
    return role.replace("_", " ").capitalize()


def stale_text(unwatched: timedelta | None) -> str:
    """Return the warning above every page, or nothing while somebody watches the deadlines."""
    if unwatched is None:
        return ""
    if unwatched == timedelta.max:
        return "Nothing has watched the deadlines yet."
    return f"Monitor stale for {times.duration(unwatched, fine=True)}."


def _lazy(make: Callable[[], V]) -> Any:
    return SimpleLazyObject(make)
