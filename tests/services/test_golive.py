"""Nothing goes live with a gap: each gate, who mends it, and evidence with a name and a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from contracts_app.models import (
    AuditEntry,
    ContractVersion,
    GateEvidence,
    Owner,
    Rota,
    Source,
    System,
)
from contracts_app.queries import clock
from contracts_app.queries.golive import gates_of
from contracts_app.queries.registry import spec_of
from contracts_app.services import drafts, golive, publishing
from meshline.core.errors import BadValue, NotAllowed
from runbooks.models import RunbookVersion
from tests.services.golive import given_evidence
from tests.services.people import given_person
from tests.services.test_publishing import (
    GROUPS,
    given_proposed,
    given_published,
    owned_text,
    owners,
    sign_all,
)

pytestmark = pytest.mark.django_db
__all__ = ["owners"]


def open_gates(version: ContractVersion) -> dict[str, str]:
    found = gates_of(version, spec_of(version))
    return {gate.id: str(gate) for gate in found if not gate.passed}


def publish(version: ContractVersion, owners: dict[str, User]) -> ContractVersion:
    return publishing.publish(version=version, by=owners["contract"], now=clock.now())


BREAKS: dict[str, Callable[[], object]] = {
    "owners": lambda: Owner.objects.filter(name=GROUPS["product"]).update(person=None),
    "systems": lambda: System.objects.filter(name="billing").delete(),
    "fallback": lambda: RunbookVersion.objects.update(state="retired"),
    "fallback_owner": lambda: Rota.objects.update(state="retired"),
}


@pytest.mark.parametrize("gate", BREAKS)
def test_gap_around_the_contract_keeps_it_from_going_live(
    owners: dict[str, User], gate: str
) -> None:
    version = given_proposed(owners)
    sign_all(version, owners)
    assert open_gates(version) == {}
    BREAKS[gate]()

    with pytest.raises(NotAllowed, match="cannot go live") as refusal:
        publish(version, owners)

    assert open_gates(version)[gate] in refusal.value.message
    version.refresh_from_db()
    assert version.state == "in_review"


def test_gap_in_the_text_names_who_mends_it(owners: dict[str, User]) -> None:
    now, by = clock.now(), owners["contract"]
    text = owned_text().replace("slo: [", "x-slo: [")
    draft = drafts.start_draft(text=text, by=by, now=now)

    said = open_gates(draft)["reporting"]

    assert "No objective is written down" in said
    assert "The product owner, Product Body, can do it." in said


def test_gate_that_nothing_computes_asks_its_owner_for_a_name_and_a_day(
    owners: dict[str, User],
) -> None:
    version, now = given_proposed(owners), clock.now()
    sign_all(version, owners)
    golive.withdraw_evidence(version=version, gate="outcome", by=owners["product"], now=now)
    with pytest.raises(NotAllowed, match="Outcome ready to be shown"):
        publish(version, owners)

    given_evidence(version, owners)

    assert publish(version, owners).state == "active"
    said = {gate.id: gate.sentence for gate in gates_of(version, spec_of(version))}
    assert said["outcome"] == f"Tried on the stage. (Product Body, {now.date().isoformat()})"
    assert GateEvidence.objects.filter(gate="outcome").count() == 2
    told = AuditEntry.objects.filter(action__startswith="contract.evidence")
    assert sorted(one.action for one in told if one.detail["gate"] == "outcome") == [
        *["contract.evidence"] * 2,
        "contract.evidence_withdrawn",
    ]


@pytest.mark.parametrize("who", ["contract", "stranger", "superuser"])
def test_evidence_of_another_owner_is_refused(owners: dict[str, User], who: str) -> None:
    version, now = given_proposed(owners), clock.now()
    by = owners.get(who) or given_person(
        "product_owner", username=who, superuser=who == "superuser"
    )

    with pytest.raises(NotAllowed, match="not the product owner"):
        golive.give_evidence(
            version=version, gate="outcome", statement="Shown.", done_on=now.date(), by=by, now=now
        )

    assert not GateEvidence.objects.exists()


def test_evidence_for_what_is_computed_or_still_to_come_is_refused(
    owners: dict[str, User],
) -> None:
    version, now = given_proposed(owners), clock.now()
    today, by = now.date(), owners["product"]
    for gate, statement, day, said in (
        ("examples", "They pass.", today, "asks for no evidence"),
        ("nonsense", "Done.", today, "asks for no evidence"),
        ("outcome", "  ", today, "Nothing is said"),
        ("outcome", "x" * 501, today, "too long"),
        ("outcome", "Shown.", today + timedelta(days=1), "still to come"),
        ("outcome", "Shown.", None, "still to come"),
    ):
        with pytest.raises(BadValue, match=said):
            golive.give_evidence(
                version=version, gate=gate, statement=statement, done_on=day, by=by, now=now
            )
    assert not GateEvidence.objects.exists()


def test_long_name_on_the_list_of_the_document_takes_evidence_too(owners: dict[str, User]) -> None:
    now, by = clock.now(), owners["contract"]
    text = owned_text() + f"golive: [{{id: {'long' * 40}, by: contract}}]\n"
    draft = drafts.start_draft(text=text, by=by, now=now)
    (gate,) = [one for one in gates_of(draft, spec_of(draft)) if one.id.startswith("own:")]

    golive.give_evidence(
        version=draft, gate=gate.id, statement="Done.", done_on=now.date(), by=by, now=now
    )

    assert gate.id not in open_gates(draft)


def test_next_version_may_lack_what_the_one_in_service_lacks_and_nothing_more(
    owners: dict[str, User],
) -> None:
    given_published(owners)
    System.objects.filter(name="billing").delete()
    by, now = owners["contract"], clock.now()
    draft = drafts.start_draft(text=owned_text("1.0.1", "Refund asked"), by=by, now=now)
    publishing.propose(version=draft, by=by, now=now)
    sign_all(draft, owners)

    assert publish(draft, owners).state == "active"

    text = owned_text("1.0.2").replace("slo: [", "x-slo: [")
    worse = drafts.start_draft(text=text, by=by, now=now)
    publishing.propose(version=worse, by=by, now=now)
    sign_all(worse, owners)
    with pytest.raises(NotAllowed, match="Reporting field"):
        publish(worse, owners)


def test_source_that_is_switched_off_keeps_it_from_going_live(owners: dict[str, User]) -> None:
    version = given_proposed(owners)
    sign_all(version, owners)
    body = {"events": [{"contract": version.contract.name}]}
    source = Source.objects.create(
        name="billing-hook",
        scheme="apikey",
        on_violation="hold",
        text="x",
        body=body,
        enabled=False,
    )

    said = open_gates(version)["trigger"]
    assert "The source billing-hook maps to it and is switched off." in said
    assert "Switch the source on" in said

    Source.objects.filter(pk=source.pk).update(enabled=True)
    assert open_gates(version) == {}
