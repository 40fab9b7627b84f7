"""Contract versions: drafted, signed by their owners, published, frozen; and as files."""

from __future__ import annotations

import json
import threading
from functools import partial
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core import management
from django.db import DatabaseError, connection, transaction

from contracts_app.models import (
    AuditEntry,
    Contract,
    ContractState,
    ContractVersion,
    Owner,
    Ownership,
    SignOff,
)
from contracts_app.queries import clock, registry
from contracts_app.queries.changes import roles_to_sign
from contracts_app.services import drafts, publishing, retiring
from meshline.core.errors import (
    BadValue,
    Conflict,
    DocumentRefused,
    IllegalTransition,
    MeshlineError,
    NotAllowed,
)
from tests.services.golive import given_evidence, given_surroundings
from tests.services.people import given_person
from tests.services.test_registry import NAME, contract_text

pytestmark = pytest.mark.django_db

GROUPS = {"contract": "payments-contracts", "runtime": "billing-runtime", "product": "prod"}


def owned_text(version: str = "1.0.0", title: str = "Refund requested") -> str:
    """A small contract whose three owners and one consumer must sign."""
    return f"""\
meshline: contract/v1
name: {NAME}
version: {version}
title: {title}
status: draft
kind: event
risk: {{class: high}}
producer: {{system: helpdesk, channel: {{type: webhook, source: helpdesk}}}}
consumers: [{{system: billing, team: billing-team, status: live}}]
identity: {{event_id: /id}}
schema:
  payload: {{type: object, required: [id], properties: {{id: {{type: string}}}}}}
examples:
  valid: [{{name: plain, payload: {{id: a}}}}]
  invalid: [{{name: number, violates: [/id], payload: {{id: 1}}}}]
owners:
  contract: {{group: {GROUPS["contract"]}}}
  runtime: {{group: {GROUPS["runtime"]}}}
  product: {{group: {GROUPS["product"]}}}
signoff: {{required: [contract, runtime, product, "consumer:*"]}}
sla: {{ack_within: PT15M}}
slo: [{{name: in_time, sli: latency, threshold: PT5S, target: 0.99, window: P30D}}]
exception_route: {{on_invalid: {{action: quarantine, runbook: held-event}}}}
manual_fallback: {{runbook: held-event, executable: true}}
runbooks: [held-event]
"""


@pytest.fixture
def owners() -> dict[str, User]:
    """One account for each role of the contract above."""
    people = {
        role: given_person(f"{role}_owner", username=role, owns=(group,))
        for role, group in GROUPS.items()
    }
    people["consumer:billing"] = given_person(
        "runtime_owner", username="rui", owns=("billing-team",)
    )
    given_surroundings(GROUPS["runtime"])
    return people


def given_proposed(owners: dict[str, User], version: str = "1.0.0") -> ContractVersion:
    now, by = clock.now(), owners["contract"]
    draft = drafts.start_draft(text=owned_text(version), by=by, now=now)
    return publishing.propose(version=draft, by=by, now=now)


def sign_all(version: ContractVersion, owners: dict[str, User], *, but: str = "") -> None:
    """Let the owners sign, and give the evidence that the gates ask for."""
    given_evidence(version, owners)
    asked = roles_to_sign(version)
    for role, by in owners.items():
        if role != but and role in asked:
            publishing.sign_off(version=version, role=role, by=by, now=clock.now())


def given_published(owners: dict[str, User], version: str = "1.0.0") -> ContractVersion:
    row = given_proposed(owners, version)
    sign_all(row, owners)
    return publishing.publish(version=row, by=owners["contract"], now=clock.now())


def test_signed_version_is_published_with_its_matrix_of_owners(owners: dict[str, User]) -> None:
    published = given_published(owners)

    assert registry.published_version(NAME).pk == published.pk
    contract = Contract.objects.get(name=NAME)
    assert (contract.risk, contract.title) == ("high", "Refund requested")
    matrix = Ownership.objects.filter(contract=contract).values_list("role", "owner__name")
    assert dict(matrix) == GROUPS
    told = list(AuditEntry.objects.order_by("id").values_list("action", "actor"))
    assert [action for action, _ in told if action.startswith("contract.")] == [
        "contract.draft",
        "contract.propose",
        *["contract.evidence"] * 2,
        *["contract.sign"] * 4,
        "contract.publish",
    ]
    last = AuditEntry.objects.get(action="contract.publish")
    assert (last.contract, last.contract_version) == (NAME, "1.0.0")
    assert last.after == published.digest


@pytest.mark.parametrize("role", ["contract", "runtime", "product", "consumer:billing"])
def test_version_that_one_owner_has_not_signed_is_not_published(
    owners: dict[str, User], role: str
) -> None:
    version = given_proposed(owners)
    sign_all(version, owners, but=role)

    with pytest.raises(NotAllowed, match="has not signed yet"):
        publishing.publish(version=version, by=owners["contract"], now=clock.now())

    version.refresh_from_db()
    assert version.state == ContractState.IN_REVIEW


def test_owner_who_says_no_stops_the_version(owners: dict[str, User]) -> None:
    version = given_proposed(owners)
    sign_all(version, owners)
    publishing.sign_off(
        version=version,
        role="product",
        verdict=False,
        note="not before the sale",
        by=owners["product"],
        now=clock.now(),
    )

    with pytest.raises(NotAllowed, match="said no"):
        publishing.publish(version=version, by=owners["contract"], now=clock.now())


@pytest.mark.parametrize("who", ["runtime", "admin", "superuser"])
def test_nobody_signs_in_the_place_of_an_owner(owners: dict[str, User], who: str) -> None:
    version = given_proposed(owners)
    by = owners["runtime"]
    if who != "runtime":
        by = given_person("admin", username=who, superuser=who == "superuser")

    with pytest.raises(NotAllowed, match="not the product owner"):
        publishing.sign_off(version=version, role="product", by=by, now=clock.now())
    assert not SignOff.objects.exists()


def test_owner_without_the_role_of_the_account_does_not_sign(owners: dict[str, User]) -> None:
    version = given_proposed(owners)
    owners["product"].groups.clear()

    with pytest.raises(NotAllowed):
        publishing.sign_off(version=version, role="product", by=owners["product"], now=clock.now())


def test_edit_after_signing_asks_everybody_to_sign_again(owners: dict[str, User]) -> None:
    by, now = owners["contract"], clock.now()
    version = given_proposed(owners)
    sign_all(version, owners)

    draft = publishing.withdraw(version=version, by=by, now=now)
    drafts.edit_draft(version=draft, text=owned_text(title="Another title"), by=by, now=now)
    again = publishing.propose(version=draft, by=by, now=now)

    reasons = [str(one) for one in publishing.missing_signoffs(again, now=now)]
    assert len(reasons) == 4
    assert all("earlier text" in reason for reason in reasons)


def test_withdrawn_and_unchanged_version_keeps_its_signatures(owners: dict[str, User]) -> None:
    by, now = owners["contract"], clock.now()
    version = given_proposed(owners)
    sign_all(version, owners)

    draft = publishing.withdraw(version=version, by=by, now=now)
    publishing.propose(version=draft, by=by, now=now)

    assert publishing.missing_signoffs(version, now=now) == []


def test_published_version_is_frozen_for_services_and_for_the_database(
    owners: dict[str, User],
) -> None:
    version = given_published(owners)

    with pytest.raises(IllegalTransition):
        drafts.edit_draft(version=version, text=owned_text(), now=clock.now())
    with pytest.raises(IllegalTransition):
        drafts.discard_draft(version=version, now=clock.now())
    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        ContractVersion.objects.filter(pk=version.pk).update(text="x")


def test_draft_from_published_is_one_minor_higher_and_a_draft_again(
    owners: dict[str, User],
) -> None:
    version = given_published(owners)

    draft = drafts.draft_from_published(
        contract=version.contract, by=owners["contract"], now=clock.now()
    )

    assert (draft.version, draft.state) == ("1.1.0", ContractState.DRAFT)
    assert draft.text == owned_text("1.1.0")
    with pytest.raises(Conflict, match="draft"):
        drafts.draft_from_published(contract=version.contract, now=clock.now())


def test_version_that_is_not_higher_is_not_proposed(owners: dict[str, User]) -> None:
    given_published(owners, "1.2.0")
    draft = drafts.start_draft(text=owned_text("1.1.0"), now=clock.now())

    with pytest.raises(DocumentRefused, match="not higher") as refused:
        publishing.propose(version=draft, now=clock.now())
    assert refused.value.findings[0].line == 3


def test_bad_draft_is_refused_with_every_finding_and_its_line() -> None:
    text = (
        owned_text().replace("kind: event", "kind: wish").replace("payload: {id: a}", "payload: {}")
    )

    with pytest.raises(DocumentRefused) as refused:
        drafts.start_draft(text=text, now=clock.now())

    assert any(f.path == "/kind" and f.line == 6 for f in refused.value.findings)
    assert not Contract.objects.exists()


def test_contract_owner_of_other_contracts_may_not_draft_this_one(owners: dict[str, User]) -> None:
    version = given_published(owners)
    stranger = given_person("contract_owner", username="stranger", owns=("other-team",))
    # Writing their own team into the text does not help: the contact matrix decides.
    text = owned_text("1.1.0").replace(GROUPS["contract"], "other-team")

    with pytest.raises(NotAllowed, match="do not own"):
        drafts.start_draft(text=text, by=stranger, now=clock.now())
    with pytest.raises(NotAllowed):
        retiring.retire(version=version, by=stranger, reason="", now=clock.now())


def test_deputy_of_the_contact_matrix_drafts_and_does_not_sign(owners: dict[str, User]) -> None:
    given_published(owners)
    deputy = given_person("contract_owner", username="deputy", owns=("deputies",))
    Ownership.objects.filter(role="contract").update(deputy=Owner.objects.get(name="deputies"))

    draft = drafts.start_draft(text=owned_text("1.1.0"), by=deputy, now=clock.now())
    version = publishing.propose(version=draft, by=deputy, now=clock.now())

    with pytest.raises(NotAllowed, match="not the contract owner") as refused:
        publishing.sign_off(version=version, role="contract", by=deputy, now=clock.now())
    assert "while the deputation runs" in refused.value.remedy


def test_owner_that_is_not_listed_keeps_a_version_from_service(owners: dict[str, User]) -> None:
    version = given_proposed(owners)
    sign_all(version, owners)
    Owner.objects.filter(name=GROUPS["product"]).update(name="renamed")

    with pytest.raises(DocumentRefused, match="no owner prod"):
        publishing.publish(version=version, by=owners["contract"], now=clock.now())


def test_retired_version_serves_no_more(owners: dict[str, User]) -> None:
    version = given_published(owners)

    retire = partial(retiring.retire, version=version, by=owners["contract"], now=clock.now())
    for reason, last, told in ((" ", True, "reason is missing"), ("replaced", False, "the only")):
        with pytest.raises(BadValue, match=told):
            retire(reason=reason, last=last)
    assert registry.published_version(NAME).pk == version.pk

    retire(reason="replaced", last=True)

    with pytest.raises(MeshlineError):
        registry.published_version(NAME)
    assert AuditEntry.objects.get(action="contract.retire").reason == "replaced"


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_publish_at_once_publish_once(owners: dict[str, User]) -> None:
    version = given_proposed(owners)
    sign_all(version, owners)
    results: list[str] = []
    start = threading.Barrier(2)

    def press() -> None:
        start.wait()
        try:
            publishing.publish(version=version, by=owners["contract"], now=clock.now())
            results.append("published")
        except IllegalTransition:
            results.append("too late")
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == ["published", "too late"]
    assert AuditEntry.objects.filter(action="contract.publish").count() == 1


def test_installed_file_changes_nothing_twice_and_a_changed_one_takes_the_next_number() -> None:
    now = clock.now()
    first, made = publishing.install(text=contract_text(), now=now)
    again, repeated = publishing.install(text=contract_text(), now=now)
    changed_text = contract_text().replace("title: ", "title: New ", 1)
    newer, changed = publishing.install(text=changed_text, now=now)
    same, unchanged = publishing.install(text=changed_text, now=now)

    assert (made, repeated, changed, unchanged) == (True, False, True, False)
    assert (first.version, newer.version) == ("1.0.0", "1.0.1")
    assert again.pk == first.pk
    assert same.pk == newer.pk
    assert "version: 1.0.1" in newer.text


def test_bundle_goes_out_to_the_byte_and_comes_back_as_a_draft(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], owners: dict[str, User]
) -> None:
    given_published(owners)

    management.call_command("contract_bundle", "export", str(tmp_path))
    (file,) = json.loads(capsys.readouterr().out)
    assert Path(file).read_text() == owned_text()

    Path(file).write_text(owned_text("1.1.0"))
    management.call_command("contract_bundle", "import", str(tmp_path))
    (imported,) = json.loads(capsys.readouterr().out)
    assert (imported["version"], imported["state"]) == ("1.1.0", "draft")

    management.call_command("contract_bundle", "import", "--publish", str(tmp_path))
    (published,) = json.loads(capsys.readouterr().out)
    assert published["state"] == "active" or not published["changed"]
