"""Find a ticket, customer, order, event, run or handoff by what people have in hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from contracts_app.queries import clock
from meshline.console import access
from meshline.console.ui import nav
from orchestration.queries import lookup
from orchestration.queries.lookup import Hit
from runbooks.models import Backfill

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

LONGEST = 200
ICONS = {
    "ticket": "ticket",
    "handoff": "inbox",
    "run": "git-commit-horizontal",
    "contract": "file-check-corner",
    "backfill": "rotate-ccw-clock",
}


@require_GET
def search(request: ConsoleRequest) -> HttpResponse:
    """One hit: its page at once. Several: a list. None: what was looked for, and how."""
    access.require_reader(request.user)
    words = " ".join(request.GET.get("q", "")[:LONGEST].replace("\0", "").split())
    names = not access.hides_names(request.user)
    found = [*lookup.find(words, names=names), *_backfills(words)] if words else []
    shown = [hit for hit in found if address_of(hit)]
    if len(shown) == 1:
        return redirect(address_of(shown[0]))
    veil = access.veil_for(request.user)
    context = {
        "q": words,
        "hits": [
            {
                "hit": hit,
                "url": address_of(hit),
                "icon": ICONS[hit.kind],
                "name": veil(hit.customer_name) if hit.customer_name else "",
            }
            for hit in shown
        ],
        "names": names,
        "now": clock.now(),
        "newest": lookup.NEWEST,
        "more": len(shown) >= lookup.MOST,
    }
    return render(request, "console/search/page.html", context)


def address_of(hit: Hit) -> str:
    """Return the page of a hit, or an empty text while there is no such page."""
    return nav.address(f"console:{hit.kind}", hit.key)


def _backfills(words: str) -> list[Hit]:
    number = words.upper().removeprefix("BF-").lstrip("0")
    if not words.upper().startswith("BF-") or not (number.isdecimal() and len(number) < 10):
        return []
    rows = Backfill.objects.filter(pk=int(number))
    return [Hit("backfill", row.pk, row.reference, row.title, at=row.created_at) for row in rows]
