"""The button of a contract's page that runs its tests now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from contracts_app.queries import catalogue, clock
from meshline.console import access, buttons
from meshline.core.errors import MeshlineError, NotAllowed, NotFound
from runbooks.services import contract_tests as service

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest


@require_POST
def tests_run(request: ConsoleRequest, name: str, version: str) -> HttpResponse:
    """Run every test of one version, and show what came of it."""
    access.require_reader(request.user)
    try:
        row = catalogue.version_of(catalogue.listed_contract(name).contract, version)
    except NotFound as missing:
        raise Http404(missing.message) from missing
    back = f"{reverse('console:contract-version', args=[name, version])}#tests"
    try:
        run = service.run_now(version=row, by=request.user, now=clock.now())
    except NotAllowed as refusal:
        return buttons.refused(request, refusal, back=back)
    except MeshlineError as error:
        messages.error(request, f"{error.message} {error.remedy}".strip())
        return redirect(back)
    if run.failed:
        messages.error(request, f"{run.failed} of {run.failed + run.passed} tests failed.")
    else:
        messages.success(request, f"All {run.passed} tests passed.")
    return redirect(back)
