"""A contract's draft begun from a row of the inventory."""

from __future__ import annotations

from django.http import HttpRequest

from contracts_app.admin.base import person
from contracts_app.queries import inventory
from contracts_app.queries.people import owners_of
from contracts_app.rules.inventory.skeleton import skeleton
from meshline.core.errors import NotFound


def begun_text(request: HttpRequest) -> str:
    """Return the text to begin with; empty where the address names no flow that there is."""
    name = request.GET.get("inventory", "")
    if not name:
        return ""
    try:
        entry = inventory.flow_named(name).entry
        mine = owners_of(person(request))
        return skeleton(entry, drafter=mine, version=inventory.next_number(entry.name))
    except NotFound:
        return ""
