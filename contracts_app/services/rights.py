"""Who may draft, sign and publish: a role, and for some roles only what they own."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import User

from contracts_app.models import Owner, Ownership
from contracts_app.queries.people import owned_contracts, owners_of, roles_of
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.services.roles import title_of
from meshline.core.errors import NotAllowed

# The role of the account that each role of the contact matrix asks for.
_ACCOUNT_ROLE = {
    "contract": "contract_owner",
    "runtime": "runtime_owner",
    "product": "product_owner",
}


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
        if set(named) & owned_contracts(by) or set(owners) & owners_of(by):
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

    An owner's own account role is asked for as well; an administrator stands in for nobody.
    """
    mine = owners_of(by)
    matrix = Ownership.objects.filter(contract__name=spec.name)
    held = roles_of(by)
    result = set()
    for role, ref in spec.owners.items():
        if _ACCOUNT_ROLE[role] not in held:
            continue
        rows = list(matrix.filter(role=role).select_related("owner", "deputy"))
        people = {one.person_id for row in rows for one in (row.owner, row.deputy) if one}
        if by.pk in people or (not rows and ref.group in mine):
            result.add(role)
    for consumer in spec.consumers:
        if consumer.team and consumer.team in mine:
            result.add(f"consumer:{consumer.system}")
    return frozenset(result)


def signers(spec: ContractSpec, role: str) -> list[str]:
    """Return the names of those who may give a sign-off, for people to ask; may be empty."""
    slugs = [c.team for c in spec.consumers if role == f"consumer:{c.system}"]
    rows = Ownership.objects.filter(contract__name=spec.name, role=role)
    owners = [
        one for row in rows.select_related("owner", "deputy") for one in (row.owner, row.deputy)
    ]
    if not slugs and not owners and role in spec.owners:
        slugs = [spec.owners[role].group]
    owners += list(Owner.objects.filter(name__in=slugs))
    people = [one.person for one in owners if one is not None and one.person is not None]
    return [person.get_full_name() or person.username for person in people]
