"""Two versions of a contract side by side: an address that can be passed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from contracts_app.queries import catalogue
from contracts_app.queries.catalogue import Listed
from contracts_app.queries.side_by_side import Pair, pair_of
from contracts_app.rules.compat import Counterexample
from contracts_app.rules.contract_change import ContractChange
from meshline.console import access
from meshline.console.addresses import with_query
from meshline.console.ui.sides import side_by_side
from meshline.core import redact
from meshline.core.errors import NotFound

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

TITLES = {
    "compatible": ("Compatible", "good", "circle-check"),
    "breaking": ("Breaking", "bad", "circle-x"),
    "unknown": ("Not decided", "warn", "triangle-alert"),
}
MOST_CHANGES = 60


@require_GET
def compare_page(request: ConsoleRequest, name: str) -> HttpResponse:
    """Versions `from` and `to` of the address; left out, the newest change of what serves."""
    access.require_reader(request.user)
    pair, absent = None, ""
    try:
        listed = catalogue.listed_contract(name)
        old, new = _asked(request, listed)
    except NotFound as missing:
        raise Http404(missing.message) from missing
    try:
        if old != new:
            pair = pair_of(listed.contract, old, new)
        else:
            catalogue.version_of(listed.contract, new)
    except NotFound as missing:
        absent = missing.message
    address = reverse("console:contract-compare", args=[name])
    context = {
        "contract": listed.contract,
        "listed": listed,
        "old_number": old,
        "new_number": new,
        "turned_url": with_query(address, {"from": new, "to": old}),
        "pair": pair,
        "absent": absent,
        **(_judged(pair) if pair else {}),
    }
    return render(request, "console/contracts/compare.html", context, status=404 if absent else 200)


def _asked(request: ConsoleRequest, listed: Listed) -> tuple[str, str]:
    """The two numbers; by default what serves (or the newest), and the one before it."""
    numbers = [one.version for one in listed.versions]
    if not numbers:
        raise NotFound(f"{listed.name} has no version yet.")
    serving = listed.serving.version if listed.serving else numbers[0]
    new = request.GET.get("to", "")[:32] or serving
    before = numbers[numbers.index(new) + 1 :] if new in numbers else []
    others = [*before, *(one for one in numbers if one != new)]
    old = request.GET.get("from", "")[:32] or (others[0] if others else new)
    return old, new


def _judged(pair: Pair) -> dict[str, Any]:
    """What is said of the change, beside the two texts."""
    old, new = pair.old.row.version, pair.new.row.version
    shown: dict[str, Any] = {"sides": side_by_side(pair.rows, old, new)}
    shown["differing"] = sum(row.kind != "same" for row in pair.rows)
    change = pair.change
    if change is None:
        return shown
    comparison = change.comparisons[0].comparison
    title, kind, picture = TITLES[change.verdict]
    example = _example(change)
    return shown | {
        "change": change,
        "comparison": comparison,
        "changes": comparison.changes[:MOST_CHANGES],
        "more_changes": max(0, len(comparison.changes) - MOST_CHANGES),
        "verdict_title": title,
        "verdict_kind": kind,
        "verdict_icon": picture,
        "sentence": _sentence(change, old, new),
        "payload": redact.mask(example.payload) if example else None,
        "example": example,
        "accepts": (old if example.accepted_by == "old" else new) if example else "",
        "fits": change.allows(new),
    }


def _example(change: ContractChange) -> Counterexample | None:
    """The smallest payload that shows it; a consumer's, if only that one is hurt."""
    hurt = (one.counterexample for one in change.hurt if one.counterexample is not None)
    return change.comparisons[0].comparison.counterexample or next(hurt, None)


def _sentence(change: ContractChange, old: str, new: str) -> str:
    comparison = change.comparisons[0].comparison
    if change.verdict == "compatible":
        return f"Who relies on {old} can be given {new}."
    if change.verdict == "unknown":
        why = comparison.why if comparison.verdict == "unknown" else ""
        why = why or "It is not known whether each consumer gets what it expects."
        return f"A short look could not say whether {new} breaks who relies on {old}. {why}"
    if comparison.verdict != "breaking":
        return f"The schemas fit, but {new} gives a consumer what it does not expect."
    shown = comparison.counterexample
    if shown is not None and shown.accepted_by == "new":
        return f"Something that {new} allows is refused by {old}."
    return f"Something that {old} allows is refused by {new}."
