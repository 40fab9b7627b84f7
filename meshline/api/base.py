"""ApiView: what every view of the API shares; refusal is the default."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from meshline.api import problems
from meshline.core.errors import NotAllowed, NotFound


class OnlyJson(BaseContentNegotiation):
    """JSON whatever the caller says it accepts: there is nothing else to choose from."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        return next(iter(parsers), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return JSONRenderer(), "application/json"


class ApiView(APIView):
    """A view that reads no form and no cookie, answers JSON, and errors as problems."""

    content_negotiation_class = OnlyJson
    http_method_names = ["get", "head"]
    plain = False  # whether it may be asked without TLS, as balancers do for its health

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what came without TLS: a redirect would have the key sent again in the clear."""
        if settings.SECURE_SSL_REDIRECT and not (self.plain or request.is_secure()):
            raise NotAllowed(
                "The request came without TLS.",
                remedy="Use https. A proxy that ends TLS must set X-Forwarded-Proto.",
            )
        super().initial(request, *args, **kwargs)

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], HttpResponse]:
        return problems.handle

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        finished = super().finalize_response(request, response, *args, **kwargs)
        finished["Cache-Control"] = "no-store"
        return finished


def no_such_address(request: HttpRequest) -> HttpResponse:
    """Answer for every address below the API that nothing else answers for."""
    return problems.problem(NotFound("There is nothing at this address."))
