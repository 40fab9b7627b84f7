"""Buttons of a contract's drift: set a finding aside, or put its change into the draft."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from contracts_app.models import DriftFinding
from contracts_app.queries import clock
from meshline.console import access, buttons
from meshline.core.errors import MeshlineError, NotAllowed
from runbooks.services import drift as service

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest


@require_POST
def drift_aside(request: ConsoleRequest, name: str, pk: int) -> HttpResponse:
    """Ignore it, with a reason."""
    access.require_reader(request.user)
    finding, back = _finding(name, pk), _back(name)
    reason = request.POST.get("reason", "")
    try:
        service.set_aside(finding=finding, reason=reason, by=request.user, now=clock.now())
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=back)
    except MeshlineError as error:
        messages.error(request, f"{error.message} {error.remedy}".strip())
        return redirect(back)
    messages.success(request, f"{finding.path} is set aside until it comes in another shape.")
    return redirect(back)


@require_POST
def drift_add(request: ConsoleRequest, name: str, pk: int) -> HttpResponse:
    """Put the change that names it into the contract's draft."""
    access.require_reader(request.user)
    finding, back = _finding(name, pk), _back(name)
    try:
        draft = service.add_to_draft(finding=finding, by=request.user, now=clock.now())
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=back)
    except MeshlineError as error:
        messages.error(request, f"{error.message} {error.remedy}".strip())
        return redirect(back)
    messages.success(request, f"{finding.path} stands in the draft {draft.version}.")
    return redirect(back)


def _finding(name: str, pk: int) -> DriftFinding:
    rows = DriftFinding.objects.select_related("contract")
    found = rows.filter(pk=pk, contract__name=name).first()
    if found is None:
        raise Http404(f"{name} has no such drift.")
    return found


def _back(name: str) -> str:
    return f"{reverse('console:contract', args=[name])}#drift"
