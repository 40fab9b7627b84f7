"""The inventory: its list with filters in the address, its file, and the pilot that it proposes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from contracts_app.models import InventoryFlow, RiskClass
from contracts_app.queries import inventory, people
from contracts_app.queries.inventory import OPEN, Wanted
from contracts_app.rules.contract_shape import KINDS
from contracts_app.rules.inventory.entry import FlowEntry
from contracts_app.rules.inventory.next_step import Agreed, NextStep, next_step
from contracts_app.rules.inventory.pilot_proposal import propose
from contracts_app.rules.inventory.sheet import write_sheet
from meshline.console import access
from meshline.console.addresses import chips, with_query
from runbooks.rules.permit import may
from runbooks.services.inventory import permit_to_edit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from meshline.console.access import ConsoleRequest

PAGE = 50
MOST_PASSED_OVER = 20
RISKS = {**dict(RiskClass.choices), OPEN: "Not assessed"}
KIND_TITLES = {kind: kind.capitalize() for kind in KINDS}
CONTRACTS = {"none": "None", "coming": "Draft or review", "serving": "In service"}
SORTS = {"name": "name", "risk": "risk", "owner": "owner", "changed": "last change"}
LABELS = {"q": "Search", "risk": "Risk", "kind": "Kind", "owner": "Owner", "contract": "Contract"}
NOBODY = Agreed()


@dataclass(frozen=True)
class Row:
    """One line of the list: the flow, how far its contract is, and what comes next."""

    flow: InventoryFlow
    entry: FlowEntry
    agreed: Agreed
    step: NextStep


@require_GET
def flow_list(request: ConsoleRequest) -> HttpResponse:
    """The flows, fifty a page; search, filters and order stand in the address."""
    access.require_reader(request.user)
    filters = _filters(request)
    page = Paginator(inventory.flows(Wanted(**filters)), PAGE).get_page(request.GET.get("page"))
    address = reverse("console:inventory")
    owners = {name: name for name in inventory.owners()} | {OPEN: "Nobody yet"}
    context = {
        "rows": rows_of(list(page)),
        "page": page,
        "filters": filters,
        "chips": chips(address, filters, LABELS),
        "choices": [
            ("risk", "Risk", RISKS),
            ("kind", "Kind", KIND_TITLES),
            ("owner", "Owner", owners),
            ("contract", "Contract", CONTRACTS),
        ],
        "sorts": SORTS,
        "sort": filters.get("sort", "name"),
        "filtered": bool(filters.keys() - {"sort"}),
        "here": with_query(address, filters),
        "may_edit": bool(permit_to_edit(request.user)),
        "csv_url": reverse("console:inventory-csv") if may_export(request.user) else "",
    }
    return render(request, "console/inventory/page.html", context)


@require_GET
def inventory_csv(request: ConsoleRequest) -> HttpResponse:
    """The whole inventory as a file that imports as it was."""
    access.require_reader(request.user)
    if not may_export(request.user):
        raise PermissionDenied("Your role exports no lists.")
    written = write_sheet(inventory.entries())
    answer = HttpResponse(f"\ufeff{written}", content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="inventory.csv"'
    return answer


@require_GET
def pilot(request: ConsoleRequest) -> HttpResponse:
    """Which three flows to begin with, why these, and why not the others."""
    access.require_reader(request.user)
    proposal = propose(inventory.entries())
    others = proposal.others[:MOST_PASSED_OVER]
    shown = [one.entry for one in proposal.chosen] + [one.entry for one in others]
    agreed = inventory.agreed(entry.name for entry in shown)
    context = {
        "proposal": proposal,
        "others": others,
        "more": len(proposal.others) - len(others),
        "agreed": {entry.name: agreed.get(entry.name, NOBODY) for entry in shown},
        "may_edit": bool(permit_to_edit(request.user)),
    }
    return render(request, "console/inventory/pilot.html", context)


def rows_of(flows: list[InventoryFlow]) -> list[Row]:
    """Return flows with how far their contracts are; one query for all of them."""
    agreed = inventory.agreed(flow.name for flow in flows)
    return [_row(flow, agreed.get(flow.name, NOBODY)) for flow in flows]


def may_export(user: User) -> bool:
    """Whether somebody may take the file: who edits it, and who exports lists."""
    return bool(permit_to_edit(user) or may(people.roles_of(user), "export.csv", owns=True))


def _row(flow: InventoryFlow, agreed: Agreed) -> Row:
    entry = flow.entry
    return Row(flow, entry, agreed, next_step(entry, agreed))


def _filters(request: ConsoleRequest) -> dict[str, str]:
    names = (*LABELS, "sort")
    given = {name: request.GET.get(name, "").strip()[:200] for name in names}
    return {name: value for name, value in given.items() if value}
