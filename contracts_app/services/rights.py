"""Who may draft, sign and publish: a role, and for some roles only what they own."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import User

from contracts_app.models import Deputation, Owner, Ownership
from contracts_app.queries.people import (
    owned_contracts,
    owners_of,
    roles_of,
    running,
    stood_in_for,
)
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.signoff import ACCOUNT_ROLE
from contracts_app.services.roles import title_of
from meshline.core.errors import NotAllowed


def check_owned(
    by: User,
    *,
    what: str,
    contracts: Iterable[str] = (),
    owners: Iterable[str] = (),
    everywhere: Iterable[str] = (),
) -> None:
    """Let pass who holds a role of `everywhere`, or is a contract owner of one of these.

    `contracts` are names in the contact matrix, `owners` the slugs of owners that the text names.
    A superuser passes: it is warned about and audited.
    Raises: NotAllowed, naming who may.
    """
    held = roles_of(by)
    if by.is_superuser or held & frozenset(everywhere):
        return
    if "contract_owner" in held:
        named = list(contracts)
        mine = owners_of(by) | stood_in_for(by)
        if set(named) & owned_contracts(by) or set(owners) & mine:
            return
        raise NotAllowed(
            f"You do not own {what}.", remedy="Its owners and their deputies may change it."
        )
    allowed = " or ".join(title_of(role) for role in ("contract_owner", *everywhere))
    raise NotAllowed(f"Your role may not change {what}.", remedy=f"Ask a {allowed.lower()}.")


def check_contract(by: User, spec: ContractSpec) -> None:
    """Let pass a contract owner who owns this contract, or whose team its text names.

    The contact matrix wins over the text: nobody writes themselves into a contract that has
    owners already. Raises: NotAllowed.
    """
    known = Ownership.objects.filter(contract__name=spec.name).exists()
    groups = () if known else (ref.group for ref in spec.owners.values())
    check_owned(by, what=spec.name, contracts=[spec.name], owners=groups)


def signing_roles(by: User, spec: ContractSpec) -> frozenset[str]:
    """Return which sign-offs this person may give to a version: roles and `consumer:<system>`.

    For what they own, or while they are its deputy. An owner's own account role is asked for as
    well, of the deputy too; an administrator stands in for nobody.
    """
    return _roles_of(owners_of(by) | stood_in_for(by), roles_of(by), spec)


def signs_for(by: User, spec: ContractSpec, role: str) -> str:
    """Return the owner in whose place this person signs; "" if they sign for themselves."""
    if role in _roles_of(owners_of(by), roles_of(by), spec):
        return ""
    for slug in sorted(stood_in_for(by)):
        if role in _roles_of(frozenset([slug]), roles_of(by), spec):
            return slug
    return ""


def signers(spec: ContractSpec, role: str) -> list[str]:
    """Return the names of those who may give a sign-off now, for people to ask; may be empty.

    The owner comes first, then the deputies of this moment.
    """
    slugs = [c.team for c in spec.consumers if role == f"consumer:{c.system}"]
    rows = Ownership.objects.filter(contract__name=spec.name, role=role)
    slugs += rows.values_list("owner__name", flat=True)
    if not slugs and role in spec.owners:
        slugs = [spec.owners[role].group]
    owners = Owner.objects.filter(name__in=slugs, person__is_active=True).select_related("person")
    deputies = Deputation.objects.filter(
        running(), owner__name__in=slugs, deputy__is_active=True
    ).select_related("deputy")
    people = [one.person for one in owners if one.person] + [one.deputy for one in deputies]
    asked = ACCOUNT_ROLE.get(role)
    able = [one for one in dict.fromkeys(people) if asked is None or asked in roles_of(one)]
    return [person.get_full_name() or person.username for person in able]


def _roles_of(mine: frozenset[str], held: frozenset[str], spec: ContractSpec) -> frozenset[str]:
    matrix = Ownership.objects.filter(contract__name=spec.name)
    owned = dict(matrix.values_list("role", "owner__name"))
    result = {
        role
        for role, ref in spec.owners.items()
        if ACCOUNT_ROLE[role] in held and owned.get(role, ref.group) in mine
    }
    result |= {f"consumer:{one.system}" for one in spec.consumers if one.team and one.team in mine}
    return frozenset(result)
