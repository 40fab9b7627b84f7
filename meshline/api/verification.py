"""POST verifications and deployments; GET can-i-deploy: what a pipeline tells and asks."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from contracts_app.models import ContractVersion
from contracts_app.queries import clock
from contracts_app.queries.deployability import answer_for
from contracts_app.queries.registry import SERVING
from contracts_app.services.verification import record_deployment, record_verification
from meshline.api.auth import ApiKeyAuthentication, HasScope, KeyHolder
from meshline.api.base import ApiView
from meshline.api.body import check_kind, read_body
from meshline.core import safejson
from meshline.core.errors import BadRequest, NotFound

_WORDS = {
    "system": re.compile(r"[a-z][a-z0-9_-]{0,59}"),
    "environment": re.compile(r"[a-z][a-z0-9_-]{0,59}"),
    "to": re.compile(r"[a-z][a-z0-9_-]{0,59}"),
    "version": re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,79}"),
    "result": re.compile(r"passed|failed"),
    "details": re.compile(r"[^\x00]{0,1000}", re.DOTALL),
}


class _Told(ApiView):
    """What a pipeline writes down, with the scope contracts:verify."""

    http_method_names = ["post"]
    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    scope = "contracts:verify"


class VerificationList(_Told):
    """Results of verifying a system against one contract version."""

    def post(self, request: Request, name: str, version: str) -> HttpResponse:
        """Take {"system", "version", "result": "passed" or "failed", "details"}; answer 201."""
        told = _words(_body(request), "system", "version", "result", optional=("details",))
        row = ContractVersion.objects.select_related("contract").filter(
            contract__name=name, version=version, state__in=SERVING
        )
        found = row.first()
        if found is None:
            raise NotFound(f"No version {version[:40]} of {name[:120]} is in service.")
        made = record_verification(
            version=found,
            system=told["system"],
            system_version=told["version"],
            passed=told["result"] == "passed",
            details=told.get("details", ""),
            by=_key(request),
            now=clock.now(),
        )
        return Response({"id": made.pk}, status=201)


class DeploymentList(_Told):
    """What is deployed where."""

    def post(self, request: Request) -> HttpResponse:
        """Take {"system", "version", "environment"}; answer 201."""
        told = _words(_body(request), "system", "version", "environment")
        made = record_deployment(
            system=told["system"],
            system_version=told["version"],
            environment=told["environment"],
            by=_key(request),
            now=clock.now(),
        )
        return Response({"id": made.pk}, status=201)


class CanDeploy(ApiView):
    """Whether a system's version may go to an environment."""

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    scope = "contracts:read"

    def get(self, request: Request) -> HttpResponse:
        """Answer {"verdict": "yes", "failed" or "unverified", "reasons": [...]}."""
        told = _words(request.query_params.dict(), "system", "version", "to")
        answer = answer_for(
            system=told["system"],
            version=told["version"],
            environment=told["to"],
            now=clock.now(),
        )
        reasons = [
            {"contract": one.contract, "state": one.state, "sentence": one.sentence}
            for one in answer.reasons
        ]
        return Response({"verdict": answer.verdict, "reasons": reasons})


def _body(request: Request) -> dict[str, Any]:
    raw = read_body(request)
    check_kind(request)
    body = safejson.loads(raw)
    if not isinstance(body, dict):
        raise BadRequest("The body is no object.", remedy="Send an object with the keys told.")
    return body


def _words(told: dict[str, Any], *names: str, optional: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the values asked for, each of its own form. Raises: BadRequest, naming it."""
    strange = told.keys() - {*names, *optional}
    if strange:
        raise BadRequest(f"{sorted(strange)[0][:60]!r} is not known here.")
    for name in names:
        if name not in told:
            raise BadRequest(f"{name!r} is missing.", remedy=f"Send {', '.join(names)}.")
    for name, value in told.items():
        if not isinstance(value, str) or not _WORDS[name].fullmatch(value):
            raise BadRequest(f"The value of {name!r} has not the form that is read here.")
    return told


def _key(request: Request) -> str:
    holder: object = request.user
    assert isinstance(holder, KeyHolder)  # noqa: S101 HasScope let nobody else pass
    return f"key:{holder.key_id}"
