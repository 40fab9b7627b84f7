"""GET contracts and their published versions; with the scope contracts:read."""

from __future__ import annotations

from django.db.models import CharField, Func, Prefetch
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from contracts_app.models import Contract, ContractState, ContractVersion
from contracts_app.queries.deprecations import deprecation_of
from meshline.api.auth import ApiKeyAuthentication, HasScope
from meshline.api.base import ApiView
from meshline.api.serializers import contract_shape, version_shape
from meshline.core.errors import BadRequest, NotFound

# A draft or a proposal may still change: nobody should build on it.
SHOWN = (ContractState.ACTIVE, ContractState.DEPRECATED, ContractState.RETIRED)
MOST_NAMES = 50


class TextDigest(Func):
    """The SHA-256 of a text's UTF-8 bytes, made in the database: the texts stay there."""

    template = "encode(sha256(convert_to(%(expressions)s, 'UTF8')), 'hex')"
    output_field = CharField()


class ContractList(ApiView):
    """Every contract that has a published version."""

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    scope = "contracts:read"

    def get(self, request: Request) -> HttpResponse:
        """Answer {"contracts": [...]}, by name; `?name=` may be repeated to ask for some of them.

        Whoever names them is told the SHA-256 of each version's text too, to compare files with.
        """
        shown = ContractVersion.objects.filter(state__in=SHOWN).defer("text", "body")
        names = request.query_params.getlist("name")
        if len(names) > MOST_NAMES:
            raise BadRequest(
                f"{len(names)} contracts are asked for; at most {MOST_NAMES} are told at once.",
                remedy="Ask for them in parts.",
            )
        if names:
            shown = shown.annotate(text_sha256=TextDigest("text"))
        listed = (
            Contract.objects.filter(versions__state__in=SHOWN)
            .distinct()
            .prefetch_related(Prefetch("versions", shown, to_attr="shown"))
        )
        if names:
            listed = listed.filter(name__in=names)
        contracts = [contract_shape(contract, contract.shown) for contract in listed]
        return Response({"contracts": contracts})


class VersionDetail(ApiView):
    """One published version, document and all."""

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    scope = "contracts:read"

    def get(self, request: Request, name: str, version: str) -> HttpResponse:
        """Answer the version's document, as published."""
        found = (
            ContractVersion.objects.select_related("contract")
            .filter(contract__name=name, version=version, state__in=SHOWN)
            .first()
        )
        if found is None:
            raise NotFound(f"There is no published version {version[:40]} of {name[:120]}.")
        leaving = deprecation_of(found)
        return Response(version_shape(found), headers=leaving.headers() if leaving else None)
