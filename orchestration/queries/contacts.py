"""Whom to ask about a contract: its owners in three roles, and who is on call for it now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from contracts_app.models import OwnerRole, Ownership
from contracts_app.queries import oncall, people, registry
from contracts_app.rules.contract_spec import ContractSpec, OwnerRef
from meshline.core.errors import MeshlineError


@dataclass(frozen=True)
class Contact:
    """One person or team that answers for a contract."""

    name: str
    role: str
    on_call: bool = False
    email: str = ""


def contacts_of(contract: str, now: datetime) -> list[Contact]:
    """Return who answers for the contract: contract owner, runtime owner, who is on call."""
    rows = Ownership.objects.filter(contract__name=contract).select_related("owner__person")
    by_role = {row.role: row.owner for row in rows}
    spec = _spec(contract)
    found: list[Contact] = []
    rota = ""
    for role in (OwnerRole.CONTRACT, OwnerRole.RUNTIME):
        owner = by_role.get(role)
        named = spec.owners.get(role) if spec else None
        if owner is not None:
            person = owner.person
            name = (person.get_full_name() or person.get_username()) if person else owner.title
            email = person.email if person else owner.email
            found.append(Contact(name, f"{role.label}, {owner.title}", email=email))
            rota = owner.rota if role == OwnerRole.RUNTIME else rota
        elif named is not None:
            found.append(Contact(_name_of(named), str(role.label), email=named.person))
        if named is not None and role == OwnerRole.RUNTIME:
            rota = named.oncall or rota
    return _with_on_call(found, rota, now)


def _with_on_call(found: list[Contact], rota: str, now: datetime) -> list[Contact]:
    person = oncall.on_call(rota, now) if rota else None
    if person is None:
        return found
    shown = [
        replace(c, name=person.name, on_call=True) if c.email and c.email == person.email else c
        for c in found
    ]
    if not any(contact.on_call for contact in shown):
        shown.append(Contact(person.name, f"On call, {rota}", True))
    return shown


def _name_of(owner: OwnerRef) -> str:
    person = people.person_with_email(owner.person) if owner.person else None
    if person is not None:
        return person.get_full_name() or person.get_username()
    return owner.person or owner.group


def _spec(contract: str) -> ContractSpec | None:
    try:
        return registry.spec_of(registry.published_version(contract))
    except MeshlineError:
        return None
