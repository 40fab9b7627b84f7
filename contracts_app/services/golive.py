"""Evidence for the gates that nothing can compute: given with a name and a date, or taken back."""

from __future__ import annotations

from datetime import date, datetime

from django.contrib.auth.models import User
from django.db import transaction

from contracts_app.models import Contract, ContractVersion, GateEvidence
from contracts_app.queries.golive import gates_of
from contracts_app.queries.registry import spec_of
from contracts_app.rules.golive import Gate
from contracts_app.rules.signoff import title_of
from contracts_app.services.drafts import told
from contracts_app.services.rights import signing_roles
from meshline.core.errors import BadValue, NotAllowed


@transaction.atomic
def give_evidence(
    *, version: ContractVersion, gate: str, statement: str, done_on: date | None, by: User,
    now: datetime,
) -> GateEvidence:  # fmt: skip
    """Store what was done for a gate, in place of what was said before; it counts from now on.

    Raises: NotAllowed if `by` does not hold the gate's role; BadValue for a gate that is computed,
    a missing statement, or a day that is missing or still to come.
    """
    asked = _asked(version, gate, by=by)
    said = statement.strip()
    if not said:
        raise BadValue("Nothing is said.", remedy="Say in a few words what was done, and how.")
    if len(said) > 500:
        raise BadValue("That is too long.", remedy="Use 500 characters at most, or give a link.")
    if done_on is None or done_on > now.date():
        raise BadValue("The day is missing or still to come.", remedy="Give the day it was done.")
    _take_back(version.contract, gate, now)
    told(
        "contract.evidence", version, by=by, now=now, reason=said,
        detail={"gate": asked.id, "done_on": done_on.isoformat()},
    )  # fmt: skip
    return GateEvidence.objects.create(
        contract=version.contract, gate=gate, statement=said, done_on=done_on, given_by=by,
        given_at=now,
    )  # fmt: skip


@transaction.atomic
def withdraw_evidence(*, version: ContractVersion, gate: str, by: User, now: datetime) -> None:
    """Take evidence back; it stays to be read and counts no more.

    Raises: NotAllowed; BadValue if none was given.
    """
    asked = _asked(version, gate, by=by)
    if not _take_back(version.contract, gate, now):
        raise BadValue("No evidence is there to be taken back.", remedy="Load the page again.")
    told("contract.evidence_withdrawn", version, by=by, now=now, detail={"gate": asked.id})


def _asked(version: ContractVersion, gate: str, *, by: User) -> Gate:
    """Return the gate that asks this person for evidence; its contract is locked."""
    Contract.objects.select_for_update().get(pk=version.contract_id)
    spec = spec_of(version)
    asked = next((one for one in gates_of(version, spec) if one.id == gate), None)
    if asked is None or not asked.by_evidence:
        raise BadValue(
            f"{gate[:80]!r} asks for no evidence.",
            remedy="It is computed: mend what it says is missing.",
        )
    if asked.role not in signing_roles(by, spec):
        raise NotAllowed(
            f"You are not the {title_of(asked.role)} of {version.contract.name}.",
            remedy="That owner or the deputy gives this evidence.",
        )
    return asked


def _take_back(contract: Contract, gate: str, now: datetime) -> int:
    rows = GateEvidence.objects.filter(contract=contract, gate=gate, withdrawn_at=None)
    return rows.update(withdrawn_at=now)
