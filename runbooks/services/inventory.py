"""The inventory's changes as people make them: by permit, and with refusals kept."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User

from contracts_app.models import InventoryFlow
from contracts_app.queries import people
from contracts_app.rules.inventory.entry import FlowEntry
from contracts_app.services import inventory
from contracts_app.services.inventory import Imported
from meshline.core.errors import ContractViolation, NotAllowed
from runbooks.rules.permit import Permit, may
from runbooks.services import refusals
from runbooks.services.refusals import About

EDIT = "inventory.edit"


def permit_to_edit(user: User) -> Permit:
    """Whether the user may add, change, remove and import flows, and why not."""
    return may(people.roles_of(user), EDIT)


def add(*, entry: FlowEntry, by: User, now: datetime) -> InventoryFlow:
    """Write a new flow down. Raises: NotAllowed; Conflict if the name is taken."""
    _require("inventory.add", entry.name, by, now)
    return inventory.add_flow(entry=entry, by=by, now=now)


def edit(*, name: str, read: str, entry: FlowEntry, by: User, now: datetime) -> InventoryFlow:
    """Change a flow as it was read. Raises: NotAllowed; Conflict; NotFound."""
    _require(EDIT, name, by, now)
    return inventory.edit_flow(name=name, read=read, entry=entry, by=by, now=now)


def remove(*, name: str, read: str, reason: str, by: User, now: datetime) -> None:
    """Take a flow out, with a reason. Raises: NotAllowed; ContractViolation; Conflict; NotFound."""
    _require("inventory.remove", name, by, now)
    if not reason.strip():
        raise ContractViolation("A reason is missing.", remedy="Say why, in a few words.")
    inventory.remove_flow(name=name, read=read, reason=reason.strip(), by=by, now=now)


def apply_import(*, text: str, digest: str, by: User, now: datetime) -> Imported:
    """Do what a preview showed. Raises: NotAllowed; Conflict; BadValue; TooLarge."""
    _require("inventory.import", "file", by, now)
    return inventory.apply_import(text=text, digest=digest, by=by, now=now)


def _require(action: str, name: str, by: User, now: datetime) -> None:
    permit = permit_to_edit(by)
    if not permit:
        about = About(inventory.OBJECT, name[:80], "")
        refusals.record(action, about, by=by, why=permit.why, now=now)
        raise NotAllowed(permit.why, remedy=permit.remedy)
