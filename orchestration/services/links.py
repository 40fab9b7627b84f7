"""Addresses of console pages, for notes and pages that are read elsewhere."""

from __future__ import annotations

from django.conf import settings
from django.urls import NoReverseMatch, reverse


def to(name: str, *args: object) -> str:
    """The full address of a console page; the console's own if it has no such page."""
    try:
        path = reverse(name, args=args)
    except NoReverseMatch:
        path = "/"
    return f"{settings.CONSOLE_URL}{path}"
