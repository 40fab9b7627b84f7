"""What every page needs around it: sessions that end, the reader's zone, nothing kept by caches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from contracts_app.queries import clock
from meshline.console.polling import is_partial
from meshline.core.zones import is_zone, zone
from runbooks.services import sign_ins

ZONE_COOKIE = "meshline_zone"
OPENED_AT, SEEN_AT, IDLE_S = "opened_at", "seen_at", "idle_s"
# A page asked for within this time of the last one does not write the session again.
COARSE_S = 60
UNDONE = "You were signed out, so nothing was done. Sign in, and do it once more."

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


class DoorMiddleware(LoginRequiredMiddleware):
    """Leads who is not signed in to the door, and from there back to the page they were on.

    A form's own address shows nothing, and a part of a page is no page: both lead back to the page
    that they came from.
    """

    # htmx is redirected by a header, which Django's type does not foresee.
    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponse:
        """Redirect to the door; what was sent is not done, and that is said there."""
        if request.method not in ("GET", "HEAD"):
            messages.error(request, UNDONE)
        elif not request.headers.get("HX-Request"):
            answer: HttpResponse = super().handle_no_permission(request, view_func)
            return answer
        back = redirect_to_login(_page_before(request), self.get_login_url(view_func))
        if request.headers.get("HX-Request"):
            return HttpResponseClientRedirect(back.url)
        return back


def _page_before(request: HttpRequest) -> str:
    """The page that the request came from, if it is one of ours; else the first page."""
    before = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(
        before, {request.get_host()}, require_https=request.is_secure()
    )
    if not before or not ours:
        return "/"
    parts = urlsplit(before)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path or "/"


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
