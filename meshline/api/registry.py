"""GET contracts and their published versions; with the scope contracts:read."""

from __future__ import annotations

from django.db.models import Prefetch
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from contracts_app.models import Contract, ContractState, ContractVersion
from contracts_app.queries.deprecations import deprecation_of
from meshline.api.auth import ApiKeyAuthentication, HasScope
from meshline.api.base import ApiView
from meshline.api.serializers import contract_shape, version_shape
from meshline.core.errors import NotFound

# A draft or a proposal may still change: nobody should build on it.
SHOWN = (ContractState.ACTIVE, ContractState.DEPRECATED, ContractState.RETIRED)


class ContractList(ApiView):
    """Every contract that has a published version."""

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    scope = "contracts:read"

    def get(self, request: Request) -> HttpResponse:
        """Answer {"contracts": [...]}, by name."""
        shown = ContractVersion.objects.filter(state__in=SHOWN).defer("text", "body")
        listed = (
            Contract.objects.filter(versions__state__in=SHOWN)
            .distinct()
            .prefetch_related(Prefetch("versions", shown, to_attr="shown"))
        )
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
