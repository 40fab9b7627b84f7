"""Saved views: save, rename, delete, choose the one that opens; everybody's are audited."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from contracts_app.models import DefaultView, SavedView
from contracts_app.services import audit
from meshline.core.errors import BadValue, Conflict

OBJECT = "saved_view"
LONGEST = 60
LONGEST_QUERY = 2000
MOST = 50  # of one person, and of everybody's


@transaction.atomic
def save_view(*, name: str, query: str, shared: bool, by: User, now: datetime) -> SavedView:
    """Save filters and order under a name; the same view pressed twice is saved once.

    Raises: BadValue for no name or no filter; Conflict if the name says something else already.
    """
    name = _checked(name)
    if not query:
        raise BadValue("Nothing is filtered.", remedy="Set a filter or an order, then save it.")
    if len(query) > LONGEST_QUERY:
        raise BadValue("These are too many filters to save.", remedy="Untick some of them.")
    # One lock for each person, so that a double press finds what the first one saved.
    User.objects.select_for_update().get(pk=by.pk)
    space = _space(by, shared=shared)
    known = space.filter(name__iexact=name).first()
    if known is not None:
        if known.query == query:
            return known
        raise _taken(name, shared=shared)
    if space.count() >= MOST:
        raise Conflict(f"There are {MOST} views already.", remedy="Delete one that is not used.")
    try:
        with transaction.atomic():
            view = SavedView.objects.create(name=name, query=query, shared=shared, owner=by)
    except IntegrityError:
        raise _taken(name, shared=shared) from None
    _told("view.share", view, by, now, after=query)
    return view


@transaction.atomic
def rename_view(*, view: SavedView, name: str, by: User, now: datetime) -> None:
    """Give a view another name. Raises: BadValue; Conflict if that is taken."""
    name, before = _checked(name), view.name
    if name == before:
        return
    try:
        with transaction.atomic():
            changed = SavedView.objects.filter(pk=view.pk, name=before).update(name=name)
    except IntegrityError:
        raise _taken(name, shared=view.shared) from None
    if not changed:
        raise Conflict("Somebody else has changed this view.", remedy="Look at the list again.")
    view.name = name
    _told("view.rename", view, by, now, before=before, after=name)


@transaction.atomic
def delete_view(*, view: SavedView, by: User, now: datetime) -> None:
    """Take a view away, also where it is somebody's default; deleted twice is deleted once."""
    gone, _ = SavedView.objects.filter(pk=view.pk).delete()
    if gone:
        _told("view.delete", view, by, now, before=view.query)


def open_with(*, view: SavedView | None, by: User) -> None:
    """Let the catalogue open with a view for this person; None: with all contracts."""
    if view is None:
        DefaultView.objects.filter(user=by).delete()
        return
    DefaultView.objects.update_or_create(user=by, defaults={"view": view})


def _space(by: User, *, shared: bool) -> QuerySet[SavedView]:
    rows = SavedView.objects.filter(shared=shared)
    return rows if shared else rows.filter(owner=by)


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name or not name.isprintable():
        raise BadValue("The view has no name.", remedy="Write one that says what it shows.")
    if len(name) > LONGEST:
        raise BadValue(f"The name is longer than {LONGEST} characters.", remedy="Shorten it.")
    return name


def _taken(name: str, *, shared: bool) -> Conflict:
    whose = "Everybody has" if shared else "You have"
    return Conflict(
        f"{whose} a view {name} already.", remedy="Take another name, or delete that one first."
    )


def _told(
    action: str, view: SavedView, by: User, now: datetime, *, before: str = "", after: str = ""
) -> None:
    """A person's own view concerns nobody else."""
    if not view.shared:
        return
    detail = {"name": view.name, "before": before, "after": after}
    audit.record(
        action=action, actor=by, object_type=OBJECT, object_id=view.name, detail=detail, now=now
    )
