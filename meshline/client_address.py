"""The address that a request came from."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

MAX_ADDRESS = 45


def address_of(request: HttpRequest) -> str:
    """Return the client's address; a proxy's word for it counts only where one is configured."""
    if settings.SECURE_PROXY_SSL_HEADER:
        forwarded = request.headers.get("X-Forwarded-For", "")
        # The last entry is what our own proxy saw; those before it anybody may have written.
        last = forwarded.rpartition(",")[2].strip()
        if last:
            return last[:MAX_ADDRESS]
    return str(request.META.get("REMOTE_ADDR", ""))[:MAX_ADDRESS]
