"""POST ingest/<source>: size, authentication, JSON, accept; answers 202 or one of few problems.

The statuses are 202 400 401 403 404 405 409 411 413 415 422 429 503 and no others: a vendor's
retry must be able to rely on them.
"""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from contracts_app.models import Source
from contracts_app.queries.deprecations import deprecation_of
from contracts_app.queries.standing import Standing
from meshline.api import problems, rate
from meshline.api.auth import authenticate_delivery, headers_of
from meshline.api.base import ApiView
from meshline.api.body import check_kind, read_body
from meshline.core import safejson
from meshline.core.errors import MeshlineError, NotFound, Unavailable
from orchestration.services.intake import accept_event
from orchestration.services.storing import Receipt

STATUSES = frozenset({202, 400, 401, 403, 404, 405, 409, 411, 413, 415, 422, 429, 503})


class EventIntake(ApiView):
    """The way in for webhooks and API clients; it authenticates by itself, source by source."""

    http_method_names = ["post"]
    authentication_classes = []
    permission_classes = []

    def post(self, request: Request, source: str) -> HttpResponse:
        """Accept one delivery; what was accepted is committed before the answer leaves."""
        try:
            receipt = _accept(request, source)
        except Exception as error:  # noqa: BLE001 the list of statuses knows no 500
            return problems.problem(_listed(error))
        answer = {"event_id": str(receipt.event_id), "duplicate": receipt.duplicate}
        leaving = deprecation_of(receipt.version) if receipt.version else None
        return Response(answer, status=202, headers=leaving.headers() if leaving else None)


def _accept(request: Request, slug: str) -> Receipt:
    raw = read_body(request)
    standing = Standing.read()
    source = _open_source(slug, standing)
    sender = authenticate_delivery(request, source=source, raw=raw, standing=standing)
    rate.check(source.name, sender.name)
    check_kind(request)
    return accept_event(
        source=source,
        headers=headers_of(request),
        raw=raw,
        body=safejson.loads(raw),
        delivery_id=sender.delivery_id,
        standing=standing,
    )


def _open_source(slug: str, standing: Standing) -> Source:
    """Return a source that takes deliveries; one switched off, or ours alone, is not there."""
    source = standing.source_named(slug)
    if not source.enabled or source.scheme == "internal":
        raise NotFound(f"There is no source {slug}.")
    return source


def _listed(error: Exception) -> MeshlineError:
    """Return the problem of an error; what is not on the list is ours: try again later."""
    known = problems.as_known(error)
    if known is not None and known.http_status in STATUSES:
        return known
    return Unavailable(
        "The delivery was not stored.",
        remedy=f"Send the same again later; if it stays, report request "
        f"{problems.log_unexpected(error)}.",
    )
