"""One's own account: who one is here, and when one came in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from contracts_app.queries import audit, clock, people
from meshline.console.context import title_of
from runbooks.services import sign_ins

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

SHOWN = 10


@require_GET
def account(request: ConsoleRequest) -> HttpResponse:
    """Show name, roles, zone and the latest sign-ins, refused ones included."""
    user = request.user
    trail = audit.trail(
        object_type=sign_ins.ACCOUNT, object_id=user.get_username()[:80], limit=SHOWN
    )
    context = {
        "now": clock.now(),
        "roles": [title_of(slug) for slug in sorted(people.roles_of(user))],
        "owns": sorted(people.owned_contracts(user)),
        "zone": timezone.get_current_timezone_name(),
        "entries": trail.entries,
    }
    return render(request, "console/account/page.html", context)
