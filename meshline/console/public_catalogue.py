"""The public catalogue: published contracts for readers who have not signed in, where that is set.

Its pages are made from contracts_app.queries.published alone, so that nothing private is at hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import conditional_page, require_GET

from contracts_app.queries import clock, published
from contracts_app.queries.published import PublicContract, PublicVersion
from contracts_app.rules.contract_spec import ContractSpec
from meshline import token_bucket
from meshline.client_address import address_of
from meshline.console import contract_downloads
from meshline.console.addresses import tabs, with_query
from meshline.console.ui import lineage
from meshline.core.errors import NotFound

PAGE = 50
PER_S, BURST = 5, 60
TABS = ("schema", "examples", "states", "changes")
NOT_HERE = "There is nothing published at this address."

View = Callable[..., HttpResponse]


def public(view: View) -> View:
    """Let anybody in where the setting allows it, so many times a second; else nothing is here."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        if not settings.PUBLIC_CATALOGUE:
            raise Http404(NOT_HERE)
        wait = token_bucket.wait_ms(f"public:{address_of(request)}", per_s=PER_S, burst=BURST)
        if wait:
            return _too_many(request, math.ceil(wait / 1000))
        try:
            answer = view(request, *args, **named)
        except (NotFound, Http404):
            # The same words for a draft, for what is retired and for what never was.
            answer = render(request, "console/public/missing.html", status=404)
        # Kept by nobody unasked: what is withdrawn is gone with the next look.
        answer.headers["Cache-Control"] = "no-cache"
        answer.headers["X-Robots-Tag"] = "noindex"
        return answer

    return login_not_required(require_GET(conditional_page(guarded)))


@public
def contract_list(request: HttpRequest) -> HttpResponse:
    """What is in service, by name; search and producer stand in the address."""
    q = request.GET.get("q", "").strip()[:200]
    system = request.GET.get("system", "")[:200]
    found = published.published_contracts(q, system=system)
    everything = published.published_contracts()
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "q": q,
        "system": system,
        "systems": sorted({one.producer for one in everything}),
        "found": len(found),
        "total": len(everything),
        "now": clock.now(),
    }
    return render(request, "console/public/page.html", context)


@public
def contract_detail(request: HttpRequest, name: str, version: str = "") -> HttpResponse:
    """One contract in the version that serves, or in another one that is published."""
    contract = published.published_contract(name)
    shown = contract.version(version) if version else contract.serving
    spec = published.published_spec(shown)
    context = {
        "contract": contract,
        "version": shown,
        "spec": spec,
        "lineage": lineage.picture(spec, contract.producer),
        "standards": contract_downloads.offered(shown.state),
        "now": clock.now(),
        **_tabbed(request, contract, shown, spec),
    }
    return render(request, "console/public/contract.html", context)


@public
def contract_standard(request: HttpRequest, name: str, version: str, standard: str) -> HttpResponse:
    """The public part of a version in the words of a standard, to be saved."""
    spec = published.published_spec(published.published_contract(name).version(version))
    return contract_downloads.written_as(
        standard, spec, registry_url=request.build_absolute_uri("/")
    )


def _tabbed(
    request: HttpRequest, contract: PublicContract, shown: PublicVersion, spec: ContractSpec
) -> dict[str, Any]:
    others = [one.version for one in contract.versions if one.version != shown.version]
    offered = [
        name
        for name in TABS
        if (name != "states" or spec.states is not None) and (name != "changes" or others)
    ]
    asked = request.GET.get("tab", "")
    tab = asked if asked in offered else "schema"
    address = reverse("console:public-version", args=[contract.name, shown.version])
    options = [(name, name.capitalize(), "") for name in offered]
    found: dict[str, Any] = {"tab": tab, "tabs": tabs(address, {"tab": tab}, "tab", options)}
    if tab != "changes":
        return found
    chosen = request.GET.get("from", "")
    before = contract.version(chosen if chosen in others else others[0])
    links = [
        {"title": one, "current": one == before.version,
         "url": with_query(address, {"tab": "changes", "from": one})}
        for one in others
    ]  # fmt: skip
    return found | {"from_links": links, "old_schema": published.published_spec(before).schema}


def _too_many(request: HttpRequest, pause_s: int) -> HttpResponse:
    answer = render(request, "429.html", {"pause_s": pause_s}, status=429)
    answer.headers["Retry-After"] = str(pause_s)
    return answer
