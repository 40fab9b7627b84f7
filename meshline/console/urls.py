"""Console routes, named console:<screen>-<verb>."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path

app_name = "console"


@login_not_required
def hello(request: HttpRequest) -> HttpResponse:
    """The first page, until Today takes its place."""
    return HttpResponse("Meshline runs here.\n", content_type="text/plain")


urlpatterns = [path("", hello, name="signin")]
