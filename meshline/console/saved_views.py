"""Saved views of the catalogue: save the filters that are set, rename, delete, open with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from contracts_app.queries import clock
from contracts_app.queries.saved_views import Views, view_for
from meshline.console import access, buttons
from meshline.console.addresses import with_query
from meshline.core.errors import MeshlineError, NotAllowed, NotFound
from runbooks.services import saved_views as service

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

SAVED = ("q", "health", "status", "risk", "owner", "system", "missing", "drift", "mine", "sort")


def context(request: ConsoleRequest, views: Views) -> dict[str, Any]:
    """Return what the catalogue shows of saved views."""
    return {"saved": views, "may_share": bool(service.permit_to_share(request.user))}


@require_POST
def view_save(request: ConsoleRequest) -> HttpResponse:
    """Keep the filters and the order of the catalogue under a name."""
    access.require_reader(request.user)
    given = QueryDict(request.POST.get("query", "")[:4000])
    query = with_query("", {name: given.getlist(name) for name in SAVED}).removeprefix("?")
    name, shared = request.POST.get("name", ""), bool(request.POST.get("shared"))
    back = _catalogue(query)
    try:
        view = service.save(name=name, query=query, shared=shared, by=request.user, now=clock.now())
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=back)
    except MeshlineError as error:
        messages.error(request, f"{error.message} {error.remedy}".strip())
        return redirect(back)
    whose = "everybody finds it" if view.shared else "you find it"
    messages.success(request, f"{view.name} is saved: {whose} above the catalogue.")
    return redirect(back)


@require_POST
def view_act(request: ConsoleRequest, pk: int, act: str) -> HttpResponse:
    """Rename or delete a view, or let the catalogue open with it."""
    access.require_reader(request.user)
    back, by, now = _catalogue(), request.user, clock.now()
    try:
        view = view_for(by, pk)
        said = f"{view.name} is deleted."
        match act:
            case "rename":
                service.rename(view=view, name=request.POST.get("name", ""), by=by, now=now)
                said = f"The view is called {view.name} now."
            case "delete":
                service.delete(view=view, by=by, now=now)
            case "default":
                service.open_with(view=view, by=by)
                said = f"The catalogue opens with {view.name} for you."
            case _:
                raise Http404("A view is renamed, deleted or opened with.")
    except NotFound as missing:
        raise Http404(missing.message) from missing
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=back)
    except MeshlineError as error:
        messages.error(request, f"{error.message} {error.remedy}".strip())
        return redirect(back)
    messages.success(request, said)
    return redirect(back)


@require_POST
def view_none(request: ConsoleRequest) -> HttpResponse:
    """Let the catalogue open with all contracts again."""
    access.require_reader(request.user)
    service.open_with(view=None, by=request.user)
    messages.success(request, "The catalogue opens with all contracts for you.")
    return redirect(_catalogue())


def _catalogue(query: str = "all=1") -> str:
    return f"{reverse('console:contracts')}?{query or 'all=1'}"
