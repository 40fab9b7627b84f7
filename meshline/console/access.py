"""Rows by who may see them: what a reader may not see is not found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from contracts_app.queries import people
from meshline.core.redact import mask_kind, mask_text
from orchestration.models import Event, Handoff, Run
from runbooks.rules.permit import Permit, may

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
    from django_htmx.middleware import HtmxDetails

    class ConsoleRequest(HttpRequest):
        """A signed-in person's request, perhaps made by htmx."""

        user: User
        htmx: HtmxDetails


# Those who talk to the customer or to the other system need the customer's name in clear; payloads
# are masked for them as well.
NAMES_IN_CLEAR = frozenset({"support_agent", "ops_lead", "runtime_owner"})
_PERSONAL = {"customer_name": "name", "email": "email"}


def roles_of(user: AbstractBaseUser | AnonymousUser) -> frozenset[str]:
    """Return the roles somebody holds now; read once for each request's user."""
    known: frozenset[str] | None = getattr(user, "_console_roles", None)
    if known is None:
        known = people.roles_of(user)
        user._console_roles = known  # type: ignore[union-attr]
    return known


def permit_to_see(user: AbstractBaseUser | AnonymousUser) -> Permit:
    """Whether somebody may look at runs, events and handoffs, by the roles they hold now."""
    return may(roles_of(user), "runs.see")


def require_reader(user: AbstractBaseUser | AnonymousUser) -> None:
    """Raise PermissionDenied, with the reason, unless the user may look at runs and handoffs."""
    permit = permit_to_see(user)
    if not permit:
        raise PermissionDenied(permit.why)


def get_handoff_for(user: User, pk: int) -> Handoff:
    """Return a handoff with who has it. Raises: Http404."""
    _require_sight(user, "handoff", f"H-{pk}")
    found = Handoff.objects.select_related("claimed_by").filter(pk=pk).first()
    if found is None:
        raise Http404(f"There is no handoff H-{pk}.")
    return found


def get_run_for(user: User, pk: UUID) -> Run:
    """Return a run with its flow's version. Raises: Http404."""
    _require_sight(user, "run", str(pk))
    found = Run.objects.select_related("flow_version").filter(pk=pk).first()
    if found is None:
        raise Http404(f"No run has the id {pk}.")
    return found


def get_event_for(user: User, pk: UUID) -> Event:
    """Return an accepted event. Raises: Http404."""
    _require_sight(user, "event", str(pk))
    found = Event.objects.filter(pk=pk).first()
    if found is None:
        raise Http404(f"No event has the id {pk}.")
    return found


def _require_sight(user: User, thing: str, name: str) -> None:
    if not permit_to_see(user):
        raise Http404(f"There is no {thing} {name}.")


def hides_names(user: User) -> bool:
    """Whether this reader sees customers' names and addresses masked on every page."""
    return not NAMES_IN_CLEAR & roles_of(user)


def veil(user: User, *groups: Iterable[Any]) -> None:
    """Mask the customers' names on rows that are about to be shown; rows are never saved after.

    A row that is a dataclass or model with `customer_name`, `email` or `customer` is changed.
    """
    if not hides_names(user):
        return
    for rows in groups:
        for row in rows:
            veil_row(row)


def veil_row(row: Any) -> None:
    """Mask one row's personal fields, in memory."""
    for name, kind in _PERSONAL.items():
        value = getattr(row, name, "")
        if value:
            setattr(row, name, mask_kind(value, kind))
    if getattr(row, "customer", ""):
        row.customer = mask_text(row.customer)


def veil_for(user: User) -> Callable[[str], str]:
    """Return the function that shows a customer's name to this reader."""
    if not hides_names(user):
        return str
    return lambda name: str(mask_kind(name, "name"))
