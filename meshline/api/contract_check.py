"""POST contracts/<name>/check: what a proposed text would break; nothing is stored."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from contracts_app.queries import proposals
from contracts_app.rules.change_verdict import Proposal
from contracts_app.rules.contract_spec import parse_contract
from meshline.api.auth import ApiKeyAuthentication, HasScope
from meshline.api.base import ApiView
from meshline.api.body import check_kind, read_body
from meshline.core import safejson, yaml12
from meshline.core.errors import BadRequest, DocumentRefused, TooLarge
from meshline.core.yaml12 import Document


class ContractCheck(ApiView):
    """The verdict of `meshline check`, against the versions in service; always 200 if judged."""

    http_method_names = ["post"]
    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    scope = "contracts:read"

    def post(self, request: Request, name: str) -> HttpResponse:
        """Answer outcome, verdict, comparisons, consumers and least version."""
        raw = read_body(request)
        check_kind(request)
        if len(raw) > yaml12.MAX_BYTES:
            raise TooLarge(
                f"The body has {len(raw)} bytes; at most {yaml12.MAX_BYTES} are read here.",
                remedy="Send a shorter contract.",
            )
        return Response(_judged(name, safejson.loads(raw)).as_json())


def _judged(name: str, body: Any) -> Proposal:
    if isinstance(body, dict) and "meshline" in body:
        document = Document(body, "", "contract")
        spec = parse_contract(document)
        if spec.name != name:
            message = f"The address asks about {name[:120]}, and the text names {spec.name}."
            finding = document.finding("/name", message, f"Ask at contracts/{spec.name}/check.")
            raise DocumentRefused(message, findings=[finding], remedy=finding.remedy)
        return proposals.judge(spec)
    if isinstance(body, dict) and isinstance(body.get("schema"), dict | bool) and len(body) == 1:
        return proposals.judge_schema(name, body["schema"])
    raise BadRequest(
        "The body is neither a contract document nor a schema.",
        remedy='Send the contract as JSON, or {"schema": …}.',
    )
