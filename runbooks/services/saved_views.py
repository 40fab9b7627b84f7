"""Saved views as people change them: their own freely, everybody's by permit."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User

from contracts_app.models import SavedView
from contracts_app.queries import people
from contracts_app.services import saved_views
from meshline.core.errors import NotAllowed
from runbooks.rules.permit import Permit, may
from runbooks.services import refusals
from runbooks.services.refusals import About

SHARE = "view.share"


def permit_to_share(user: User) -> Permit:
    """Whether the user may change views that everybody sees, and why not."""
    return may(people.roles_of(user), SHARE)


def save(*, name: str, query: str, shared: bool, by: User, now: datetime) -> SavedView:
    """Save a view. Raises: NotAllowed; BadValue; Conflict."""
    _require(SHARE, name, by, now, shared=shared)
    return saved_views.save_view(name=name, query=query, shared=shared, by=by, now=now)


def rename(*, view: SavedView, name: str, by: User, now: datetime) -> None:
    """Give a view another name. Raises: NotAllowed; BadValue; Conflict."""
    _require("view.rename", view.name, by, now, shared=view.shared)
    saved_views.rename_view(view=view, name=name, by=by, now=now)


def delete(*, view: SavedView, by: User, now: datetime) -> None:
    """Take a view away. Raises: NotAllowed."""
    _require("view.delete", view.name, by, now, shared=view.shared)
    saved_views.delete_view(view=view, by=by, now=now)


def open_with(*, view: SavedView | None, by: User) -> None:
    """Choose what the catalogue opens with for this person; None: all contracts."""
    saved_views.open_with(view=view, by=by)


def _require(action: str, name: str, by: User, now: datetime, *, shared: bool) -> None:
    permit = permit_to_share(by)
    if shared and not permit:
        about = About(saved_views.OBJECT, name[:60], "")
        refusals.record(action, about, by=by, why=permit.why, now=now)
        raise NotAllowed(permit.why, remedy=permit.remedy)
