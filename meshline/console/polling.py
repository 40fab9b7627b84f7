"""Live parts of pages: an ETag for each, so that an unchanged one costs a 304 and no swap."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)
View = Callable[Concatenate[R, P], HttpResponse]

# What differs in every answer though nothing has happened: the masked CSRF token, and relative
# times, which the page's own script keeps fresh.
_TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"')
_FRESH = re.compile(rb"(<time [^>]*data-rel=[^>]*>)[^<]*")


def is_partial(request: HttpRequest) -> bool:
    """Whether a part of a page is asked for, and not the page."""
    return "partial" in request.GET


def etagged(view: View[R, P]) -> View[R, P]:
    """Answer a partial with its ETag, and with 304 if the browser has just that."""

    @wraps(view)
    def polled(request: R, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response: Any = view(request, *args, **kwargs)
        if request.method != "GET" or response.status_code != 200 or not is_partial(request):
            return response  # type: ignore[no-any-return]
        etag = etag_of(response.content)
        if request.headers.get("If-None-Match") == etag:
            unchanged = HttpResponseNotModified()
            unchanged["ETag"] = etag
            return unchanged
        response["ETag"] = etag
        return response  # type: ignore[no-any-return]

    return polled


def etag_of(content: bytes) -> str:
    """Return the ETag of a rendered part: the same as long as it says the same."""
    steady = _FRESH.sub(rb"\1", _TOKEN.sub(b"", content))
    return f'"{hashlib.sha256(steady).hexdigest()[:32]}"'
