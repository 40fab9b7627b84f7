"""GET runs and their steps by event or ticket; read only, masked, with the scope runs:read."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from meshline.api.auth import ApiKeyAuthentication, HasScope
from meshline.api.base import ApiView
from meshline.api.serializers import run_shape, step_shape
from meshline.core.errors import BadRequest, NotFound
from meshline.core.keys import TicketKey
from orchestration.models import Run, StepRecord

MOST = 100


class RunList(ApiView):
    """Runs of one event or one ticket, newest first."""

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    scope = "runs:read"

    def get(self, request: Request) -> HttpResponse:
        """Answer {"runs", "next"}; `?after=<next>` goes on where the page ended."""
        runs = _wanted(request)
        after = request.query_params.get("after")
        if after:
            runs = runs.filter(pk__lt=_uuid("after", after))
        page = list(runs.select_related("flow_version").order_by("-pk")[: MOST + 1])
        more = page[MOST - 1].pk if len(page) > MOST else None
        return Response({"runs": [run_shape(run) for run in page[:MOST]], "next": more})


class RunDetail(ApiView):
    """One run with its steps."""

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    scope = "runs:read"

    def get(self, request: Request, run_id: UUID) -> HttpResponse:
        """Answer the run's shape with `steps` in their order."""
        run = Run.objects.select_related("flow_version").filter(pk=run_id).first()
        if run is None:
            raise NotFound(f"There is no run {run_id}.")
        steps = StepRecord.objects.filter(run=run).order_by("position", "path")
        return Response({**run_shape(run), "steps": [step_shape(step) for step in steps]})


def _wanted(request: Request) -> QuerySet[Run]:
    event, ticket = (request.query_params.get(name) for name in ("event", "ticket"))
    if bool(event) == bool(ticket):
        raise BadRequest(
            "Runs are listed by event or by ticket.",
            remedy="Ask with ?event=<id> or with ?ticket=desk:4812.",
        )
    if event:
        return Run.objects.filter(event_id=_uuid("event", event))
    return Run.objects.filter(ticket=str(TicketKey.parse(ticket or "")))


def _uuid(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadRequest(f"The value of {name} is no id.", remedy="Use an id as told.") from None
