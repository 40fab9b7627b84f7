"""What every page needs around it: sessions that end, the reader's zone, nothing kept by caches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from contracts_app.queries import clock
from meshline.console.polling import is_partial
from meshline.core.zones import is_zone, zone
from runbooks.services import sign_ins

ZONE_COOKIE = "meshline_zone"
OPENED_AT, SEEN_AT, IDLE_S = "opened_at", "seen_at", "idle_s"
# A page asked for within this time of the last one does not write the session again.
COARSE_S = 60

Answer = Callable[[HttpRequest], HttpResponse]


class ZoneMiddleware:
    """Shows times in the zone that the browser's own cookie names."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve the request in the reader's zone."""
        named = request.COOKIES.get(ZONE_COOKIE, "")
        timezone.activate(zone(named if is_zone(named) else settings.CONSOLE_ZONE))
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()


class SessionLimitsMiddleware:
    """Ends sessions that are idle or old, and keeps signed-in pages out of caches.

    A page that polls is not a person: a partial is refused after the limit but does not move it.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Judge the session of a signed-in request, then serve it."""
        signed_in = not request.path.startswith("/api/") and request.user.is_authenticated
        if signed_in:
            _judge(request, clock.now())
        response = self.get_response(request)
        if signed_in:
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def begin(request: HttpRequest, *, now: datetime, admin: bool) -> None:
    """Start the clocks of a session; administrators' sessions go idle sooner."""
    seconds = int(now.timestamp())
    idle_s = settings.SESSION_IDLE_ADMIN_S if admin else settings.SESSION_IDLE_S
    request.session.update({OPENED_AT: seconds, SEEN_AT: seconds, IDLE_S: idle_s})


def _judge(request: HttpRequest, now: datetime) -> None:
    session, seconds = request.session, int(now.timestamp())
    opened_at, seen_at = session.get(OPENED_AT), session.get(SEEN_AT)
    if opened_at is None or seen_at is None:
        begin(request, now=now, admin=request.user.is_superuser)
        return
    idle = seconds - seen_at > session.get(IDLE_S, settings.SESSION_IDLE_S)
    if idle or seconds - opened_at > settings.SESSION_COOKIE_AGE:
        why = "nobody was there" if idle else "it was open for long enough"
        sign_ins.record_sign_out(request.user, now=now, why=why)  # type: ignore[arg-type]
        logout(request)
    elif not is_partial(request) and seconds - seen_at >= COARSE_S:
        session[SEEN_AT] = seconds
