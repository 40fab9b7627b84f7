"""Where each request comes from: its address and a number, for the audit log, logs and answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from contracts_app.services import audit
from meshline.client_address import address_of
from meshline.core import logs

HEADER = "X-Request-Id"
_GIVEN = re.compile(r"[A-Za-z0-9_.-]{8,36}")

Answer = Callable[[HttpRequest], HttpResponse]


class OriginMiddleware:
    """Notes address and number while a request is served; the answer carries the number."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve the request with its origin known to whoever writes an audit entry."""
        origin = audit.Origin(address_of(request), number_of(request))
        token = audit.origin.set(origin)
        try:
            with logs.bound(request=origin.request_id):
                response = self.get_response(request)
        finally:
            audit.origin.reset(token)
        response[HEADER] = origin.request_id
        return response


def number_of(request: HttpRequest) -> str:
    """Return the number that a proxy gave the request, else a fresh one."""
    given = request.headers.get(HEADER, "")
    if settings.SECURE_PROXY_SSL_HEADER and _GIVEN.fullmatch(given):
        return given
    return f"req_{uuid4().hex[:16]}"
