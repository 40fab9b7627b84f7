"""NUL, which PostgreSQL cannot compare with anything, is kept away from every view."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse

from meshline.api.problems import problem
from meshline.core.errors import BadRequest, NotFound

Answer = Callable[[HttpRequest], HttpResponse]


class NulMiddleware:
    """No address holds a NUL; the API refuses one in a query, pages search without it."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        of_api = request.path.startswith("/api/")
        if "\0" in request.path:
            if of_api:
                return problem(NotFound("There is nothing at this address."))
            raise Http404
        query = request.META.get("QUERY_STRING", "")
        if "%00" in query or "\0" in query:
            if of_api:
                return problem(
                    BadRequest("The query holds the character NUL.", remedy="Ask without %00.")
                )
            while "%00" in query:  # taking one out may join the rest to another
                query = query.replace("%00", "")
            request.META["QUERY_STRING"] = query.replace("\0", "")
            request.__dict__.pop("GET", None)
        return self.get_response(request)
