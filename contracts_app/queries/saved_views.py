"""The saved views that a person sees: everybody's and their own, and which one opens first."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import Q

from contracts_app.models import DefaultView, SavedView
from meshline.core.errors import NotFound


@dataclass(frozen=True)
class Views:
    """A person's views by name, everybody's first; `default` is the one that opens."""

    listed: tuple[SavedView, ...]
    default: SavedView | None


def views_of(user: User) -> Views:
    """Return what a person sees; two queries."""
    rows = SavedView.objects.filter(Q(shared=True) | Q(owner_id=user.pk))
    listed = tuple(rows.select_related("owner").order_by("-shared", "name", "pk"))
    chosen = DefaultView.objects.filter(user_id=user.pk).values_list("view_id", flat=True).first()
    return Views(listed, next((one for one in listed if one.pk == chosen), None))


def view_for(user: User, pk: int) -> SavedView:
    """Return a view that the person sees. Raises: NotFound."""
    rows = SavedView.objects.filter(Q(shared=True) | Q(owner_id=user.pk))
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such view.", remedy="Open the catalogue anew.")
    return found
