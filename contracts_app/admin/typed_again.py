"""What somebody typed beside a button that was refused: it stands there again on the next page."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest

FIELDS = ("note", "sunset_on", "statement", "done_on")
_KEPT = "typed_again"


def keep(request: HttpRequest, page: str) -> None:
    """Keep what was posted for the next look at this page, with the gate that it is for."""
    typed = {name: request.POST.get(name, "")[:500] for name in FIELDS}
    gate = request.POST.get("do", "").partition("evidence ")[2][:100]
    request.session[_KEPT] = {"page": page, "gate": gate, **typed}


def taken(request: HttpRequest, page: str) -> Mapping[str, str]:
    """Return what was kept for this page, once; empty where nothing was refused."""
    if request.session.get(_KEPT, {}).get("page") != page:
        return {}
    kept: Mapping[str, str] = request.session.pop(_KEPT)
    return kept
