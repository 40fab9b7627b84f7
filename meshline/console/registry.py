"""Contracts: the catalogue with its facets in the address, and one contract in any version."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from contracts_app.models import ContractState
from contracts_app.queries import catalogue, clock, people, saved_views
from contracts_app.queries.catalogue import Listed, Wanted
from contracts_app.rules.contract_health import TITLES as HEALTH
from meshline.console import access, contract_page
from meshline.console.addresses import with_query
from meshline.console.export import csv_answer
from meshline.console.saved_views import context as saved_view_context
from meshline.core.errors import NotFound
from orchestration.queries import contract_health, traffic
from orchestration.queries.traffic import Traffic
from runbooks.rules.permit import may

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

DAY = timedelta(days=1)
PAGE = 50
STATES = {state.value: state.label for state in ContractState}
RISKS = {risk: risk.capitalize() for risk in catalogue.RISKS}
DRIFT = {"open": "Has drift"}
MISSING = {"owner": "Owner", "fallback": "Manual fallback", "signoff": "Sign-off"}
FACETS = {
    "health": "Health",
    "status": "Status",
    "risk": "Risk",
    "owner": "Owner",
    "system": "Producer",
    "missing": "Missing",
    "drift": "Drift",
}
DOTS = {
    "risk": {"critical": "bad", "high": "high", "medium": "warn"},
    "health": {"failing": "bad", "at-risk": "warn", "healthy": "good", "silent": "muted"},
    "missing": dict.fromkeys(MISSING, "warn"),
    "drift": dict.fromkeys(DRIFT, "warn"),
}
TITLES: dict[str, dict[str, str]] = {
    "status": STATES,
    "risk": RISKS,
    "missing": MISSING,
    "drift": DRIFT,
    "health": {str(state): title for state, title in HEALTH.items()},
}
SORTS = {"name": "name", "risk": "risk", "waiting": "needs a person", "volume": "events, 24 h"}


@dataclass(frozen=True)
class Row:
    """One line of the catalogue: the contract, and what it had in the last 24 hours."""

    listed: Listed
    traffic: Traffic


@require_GET
def contract_list(request: ConsoleRequest) -> HttpResponse:
    """The catalogue: search, facets and order stand in the address."""
    access.require_reader(request.user)
    now = clock.now()
    views = saved_views.views_of(request.user)
    if views.default and not request.GET and not request.htmx:
        return redirect(f"{reverse('console:contracts')}?{views.default.query}")
    context = list_context(request, now - DAY) | saved_view_context(request, views) | {"now": now}
    template = "_list" if request.htmx else "page"
    return render(request, f"console/contracts/{template}.html", context)


@require_GET
def contracts_csv(request: ConsoleRequest) -> HttpResponse:
    """The catalogue as shown, as a file; an owner gets what they own."""
    mine = people.owned_contracts(request.user)
    permit = may(people.roles_of(request.user), "export.csv", owns=bool(mine))
    if not permit:
        raise PermissionDenied("Your role exports no lists.")
    since = clock.now() - DAY
    shown = list_context(request, since)["shown"]
    if not may(people.roles_of(request.user), "export.csv"):
        shown = [listed for listed in shown if listed.name in mine]
    counted = traffic.by_contract([listed.name for listed in shown], since=since)
    rows = (Row(listed, counted[listed.name]) for listed in shown)
    header = ("contract", "title", "risk", "version", "state", "producer", "consumers",
              "contract_owner", "runtime_owner", "product_owner", "manual_fallback",
              "events_24h", "needs_a_person", "health")  # fmt: skip
    return csv_answer("contracts.csv", header, (_cells(row) for row in rows))


@require_GET
def contract_detail(request: ConsoleRequest, name: str, version: str | None = None) -> HttpResponse:
    """One contract: the version in service, or the one that the address names."""
    access.require_reader(request.user)
    now = clock.now()
    try:
        listed = catalogue.listed_contract(name)
        context = contract_page.context(request, listed, version, now)
    except NotFound as missing:
        raise Http404(missing.message) from missing
    context["traffic"] = traffic.by_contract([name], since=now - DAY)[name]
    return render(request, "console/contracts/contract.html", context)


@require_GET
def contract_schema(request: ConsoleRequest, name: str, version: str) -> HttpResponse:
    """The version's JSON Schema, to be saved."""
    access.require_reader(request.user)
    try:
        row = catalogue.version_of(catalogue.listed_contract(name).contract, version)
    except NotFound as missing:
        raise Http404(missing.message) from missing
    schema = row.body.get("schema", {}).get("payload", {})
    answer = HttpResponse(
        json.dumps(schema, indent=2, ensure_ascii=False), content_type="application/schema+json"
    )
    answer["Content-Disposition"] = f'attachment; filename="{name}-{version}.schema.json"'
    return answer


def list_context(request: ConsoleRequest, since: datetime) -> dict[str, Any]:
    """What the catalogue shows, by the filters in the address."""
    wanted = _wanted(request)
    sort = request.GET.get("sort", "")
    found = contract_health.with_health(catalogue.catalogue(wanted.q), since + DAY)
    shown = [listed for listed in found if wanted.takes(listed)]
    pages = Paginator(_sorted(shown, sort, since), PAGE)
    page = pages.get_page(request.GET.get("page"))
    counted = traffic.by_contract([listed.name for listed in page], since=since)
    rows = [Row(listed, counted[listed.name]) for listed in page]
    mine = people.owned_contracts(request.user)
    address = reverse("console:contracts")
    kept = _kept(request)
    return {
        "rows": rows,
        "page": page,
        "shown": shown,
        "q": wanted.q,
        "total": len(found),
        "filtered": bool(kept),
        "sort": sort if sort in SORTS else "name",
        "sorts": SORTS,
        "facets": [_facet(name, wanted, found) for name in FACETS],
        "ticked": sum(len(values) for values in wanted.facets.values()),
        "mine": wanted.mine is not None,
        "views": _views(wanted, found, mine),
        "here": with_query(address, kept),
        "kept": with_query("", kept).removeprefix("?"),
        "may_export": bool(may(people.roles_of(request.user), "export.csv", owns=bool(mine))),
        "export_url": with_query(reverse("console:contracts-csv"), kept),
    }


def _wanted(request: ConsoleRequest) -> Wanted:
    given = request.GET
    facets = {
        name: frozenset(
            part for value in given.getlist(name)[:50] for part in _parts(name, value) if part
        )
        for name in FACETS
    }
    mine = people.owned_contracts(request.user) if given.get("mine") else None
    return Wanted(q=given.get("q", "").strip()[:200], facets=facets, mine=mine)


def _parts(facet: str, value: str) -> Sequence[str]:
    """Names of people may hold a comma; words do not, so `status=active,in_review` works too."""
    return [value[:200]] if facet == "owner" else value[:200].split(",")


def _kept(request: ConsoleRequest) -> dict[str, list[str]]:
    names = ("q", *FACETS, "mine", "sort")
    return {name: request.GET.getlist(name) for name in names if any(request.GET.getlist(name))}


def _facet(name: str, wanted: Wanted, found: Sequence[Listed]) -> dict[str, Any]:
    """One facet's values with how many contracts each would leave, the other facets kept."""
    counts: dict[str, int] = {}
    for listed in found:
        if wanted.takes(listed, without=name):
            for value in catalogue.values_of(listed, name):
                counts[value] = counts.get(value, 0) + 1
    titles = TITLES.get(name)
    if name == "system":
        titles = {one.contract.producer: one.producer or "Not named" for one in found}
    titles = titles or {value: value for value in sorted(counts)}
    ticked = wanted.facets.get(name, frozenset())
    options = [
        {
            "value": value,
            "title": title,
            "count": counts.get(value, 0),
            "ticked": value in ticked,
            "dot": DOTS.get(name, {}).get(value, ""),
        }
        for value, title in titles.items()
        if counts.get(value) or value in ticked
    ]
    return {"name": name, "title": FACETS[name], "options": options}


def _views(wanted: Wanted, found: Sequence[Listed], mine: frozenset[str]) -> list[dict[str, Any]]:
    """Short ways to what is asked for often."""
    address = reverse("console:contracts")
    named: list[tuple[str, dict[str, object], int]] = [
        ("All contracts", {"all": "1"}, len(found)),
        ("My contracts", {"mine": "1"}, sum(one.name in mine for one in found)),
        ("Up for sign-off", {"missing": "signoff"}, sum("signoff" in one.missing for one in found)),
        ("With drift", {"drift": "open"}, sum(one.drifts for one in found)),
        ("Without a fallback", {"missing": "fallback"},
         sum("fallback" in one.missing for one in found)),
    ]  # fmt: skip
    return [
        {"title": title, "count": count, "url": with_query(address, query)}
        for title, query, count in named
        if count or "all" in query
    ]


def _sorted(shown: list[Listed], sort: str, since: datetime) -> list[Listed]:
    match sort:
        case "risk":
            return sorted(shown, key=lambda listed: catalogue.RISKS.index(listed.contract.risk))
        case "waiting" | "volume":
            counted = traffic.by_contract([listed.name for listed in shown], since=since)
            of = "waiting" if sort == "waiting" else "received"
            return sorted(shown, key=lambda listed: -getattr(counted[listed.name], of))
    return shown


def _cells(row: Row) -> tuple[object, ...]:
    listed, serving = row.listed, row.listed.serving
    return (
        listed.name,
        listed.contract.title,
        listed.contract.risk,
        serving.version if serving else "",
        serving.state if serving else ", ".join(sorted(listed.states)),
        listed.producer,
        serving.consumers if serving else "",
        *(owner.name for owner in listed.owners),
        serving.fallback if serving else "",
        row.traffic.received,
        row.traffic.waiting,
        listed.health.title if listed.health else "",
    )
