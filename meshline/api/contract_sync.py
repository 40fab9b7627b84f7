"""Contracts for `meshline contracts pull|push|diff`: versions with digests, texts, drafts."""

from __future__ import annotations

import re

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from contracts_app.models import ApiKey, ContractState, ContractVersion
from contracts_app.queries import clock
from contracts_app.services.pushed_drafts import put_draft, sha256_of
from meshline.api.auth import ApiKeyAuthentication, HasScope, KeyHolder
from meshline.api.base import ApiView
from meshline.api.body import check_kind, read_body
from meshline.api.registry import SHOWN, TextDigest
from meshline.core import safejson
from meshline.core.errors import BadRequest, NotFound
from meshline.core.keys import TicketKey

PAGE = 1000
DRAFT = "contracts:draft"
_ETAG = re.compile(r'"([0-9a-f]{64})"')
_WORDS = {"text", "reason", "ticket"}


class VersionList(ApiView):
    """Versions by id, without texts; drafts and proposals too for a key that may draft."""

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    scope = "contracts:read"

    def get(self, request: Request) -> HttpResponse:
        """Answer {"versions": [...], "next": id or null}; `next` goes into `?after=`."""
        after = request.query_params.get("after", "0")
        if not re.fullmatch(r"[0-9]{1,18}", after):
            raise BadRequest("The value of 'after' is no number.", remedy="Send what `next` said.")
        rows = (
            ContractVersion.objects.filter(pk__gt=int(after), state__in=_states(request))
            .annotate(text_sha256=TextDigest("text"))
            .order_by("pk")
            .values_list(
                "pk", "contract__name", "contract__domain", "version", "state", "text_sha256"
            )[: PAGE + 1]
        )
        found = list(rows)
        keys = ("name", "domain", "version", "state", "text_sha256")
        told = [dict(zip(keys, row[1:], strict=True)) for row in found[:PAGE]]
        following = found[PAGE - 1][0] if len(found) > PAGE else None
        return Response({"versions": told, "next": following})


class VersionText(ApiView):
    """One version's text exactly as it is kept; a draft's can be put."""

    http_method_names = ["get", "head", "put"]
    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]

    @property
    def scope(self) -> str:
        """Reading and drafting are different scopes."""
        return DRAFT if self.request.method == "PUT" else "contracts:read"

    def get(self, request: Request, name: str, version: str) -> HttpResponse:
        """Answer the text, its digest also as `ETag`."""
        row = ContractVersion.objects.filter(
            contract__name=name, version=version, state__in=_states(request)
        ).first()
        if row is None:
            raise NotFound(f"There is no version {version[:40]} of {name[:120]} to read.")
        return _told(name, row, with_text=True)

    def put(self, request: Request, name: str, version: str) -> HttpResponse:
        """Take {"text", "reason", "ticket"}; 201 for a new draft, 200 for a changed one.

        `If-Match` names the digest that the text builds on, `If-None-Match: *` says it is new.
        """
        raw = read_body(request)
        check_kind(request)
        body = safejson.loads(raw)
        known = isinstance(body, dict) and "text" in body and not body.keys() - _WORDS
        if not known or not all(isinstance(one, str) for one in body.values()):
            raise BadRequest(
                "The body is no draft.", remedy='Send {"text": …}, with "reason" and "ticket".'
            )
        ticket = body.get("ticket", "")
        key: object = request.auth
        assert isinstance(key, ApiKey)  # noqa: S101 HasScope let nobody else pass
        row, made = put_draft(
            name=name,
            version=version,
            text=body["text"],
            expected=_expected(request),
            key=key,
            reason=body.get("reason", ""),
            ticket=str(TicketKey.parse(ticket)) if ticket else "",
            now=clock.now(),
        )
        return _told(name, row, status=201 if made else 200)


def _states(request: Request) -> tuple[str, ...]:
    holder: object = request.user
    drafts = isinstance(holder, KeyHolder) and DRAFT in holder.scopes
    return (*SHOWN, *((ContractState.DRAFT, ContractState.IN_REVIEW) if drafts else ()))


def _expected(request: Request) -> str:
    match, none = request.META.get("HTTP_IF_MATCH"), request.META.get("HTTP_IF_NONE_MATCH")
    if match is None and none == "*":
        return ""
    found = _ETAG.fullmatch(match or "") if none is None else None
    if found is None:
        raise BadRequest(
            "The request does not say what it builds on.",
            remedy='Send If-Match: "<text_sha256>", or If-None-Match: * for a new draft.',
        )
    return found[1]


def _told(
    name: str, row: ContractVersion, *, with_text: bool = False, status: int = 200
) -> HttpResponse:
    digest = sha256_of(row.text)
    told = {"name": name, "version": row.version, "state": row.state, "text_sha256": digest}
    if with_text:
        told["text"] = row.text
    return Response(told, status=status, headers={"ETag": f'"{digest}"'})
