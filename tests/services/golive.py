"""What the small contract of the registry's tests needs around it to go live."""

from __future__ import annotations

from pathlib import Path

from django.contrib.auth.models import User

from contracts_app.models import ContractVersion, GateEvidence, Owner, System
from contracts_app.queries import clock
from contracts_app.services import golive
from tests.builders import given_document

PILOT = Path(__file__).resolve().parents[2] / "meshline/pilot"
ASKED = {"rollback": "runtime", "outcome": "product"}


def given_surroundings(runtime_group: str) -> None:
    """Two systems, a published runbook, and a rota that answers for the runtime owner."""
    for name in ("helpdesk", "billing"):
        System.objects.get_or_create(name=name, defaults={"title": name.capitalize()})
    for file in ("rotas/billing-primary.yaml", "runbooks/held-event.yaml"):
        given_document((PILOT / file).read_text())
    Owner.objects.filter(name=runtime_group).update(rota="billing-primary")


def given_evidence(version: ContractVersion, owners: dict[str, User], *, but: str = "") -> None:
    """Let the owners say what they did for the gates that nothing computes."""
    now = clock.now()
    for gate, role in ASKED.items():
        there = GateEvidence.objects.filter(
            contract=version.contract, gate=gate, withdrawn_at=None
        ).exists()
        if gate != but and not there:
            golive.give_evidence(
                version=version, gate=gate, statement="Tried on the stage.", done_on=now.date(),
                by=owners[role], now=now,
            )  # fmt: skip
