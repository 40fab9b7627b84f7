"""Contracts in the administration: from a draft over its owners' signatures into service."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from contracts_app.models import Contract, ContractVersion, Owner, Ownership
from contracts_app.queries import clock, registry
from contracts_app.services import publishing
from tests.admin.conftest import SignIn
from tests.services.golive import given_evidence, given_surroundings
from tests.services.people import given_person
from tests.services.test_publishing import GROUPS, given_proposed, given_published, owned_text
from tests.services.test_registry import NAME

pytestmark = pytest.mark.django_db

ADD = "admin:contracts_app_contractversion_add"


@pytest.fixture
def owners() -> dict[str, User]:
    """One account for each role that the contract asks to sign."""
    people = {
        role: given_person(f"{role}_owner", username=role, owns=(group,))
        for role, group in GROUPS.items()
    }
    people["consumer:billing"] = given_person(
        "runtime_owner", username="rui", owns=("billing-team",)
    )
    given_surroundings(GROUPS["runtime"])
    return people


def page(version: ContractVersion) -> str:
    return reverse("admin:contracts_app_contractversion_change", args=[version.pk])


def press(client: Client, version: ContractVersion, do: str, **more: str) -> str:
    url = reverse("admin:contracts_app_contractversion_do", args=[version.pk])
    return client.post(url, {"do": do, **more}, follow=True).content.decode()


def test_contract_goes_from_draft_to_service_by_its_owners_hands(
    sign_in: SignIn, owners: dict[str, User]
) -> None:
    author = sign_in(user=owners["contract"])
    author.post(reverse(ADD), {"text": owned_text()})
    version = ContractVersion.objects.get()
    answer = author.post(page(version), {"text": owned_text(), "_propose": "1"}, follow=True)
    assert "is proposed" in answer.content.decode()
    assert "Not signed by all yet" in answer.content.decode()
    assert "has not signed yet" in press(author, version, "publish")

    for role, user in owners.items():
        assert "Your sign-off is recorded" in press(sign_in(user=user), version, f"sign {role}")
    assert "cannot go live: 2 gates open" in press(author, version, "publish")
    told = {"statement": "Tried on the stage.", "done_on": "2026-11-02"}
    assert "not the runtime owner" in press(author, version, "evidence rollback", **told)
    runtime, product = sign_in(user=owners["runtime"]), sign_in(user=owners["product"])
    assert "is no day" in press(runtime, version, "evidence rollback", done_on="soon")
    assert "It is recorded" in press(runtime, version, "evidence rollback", **told)
    shown = press(product, version, "evidence outcome", **told)
    assert "Tried on the stage. (Runtime Body, 2026-11-02)" in shown
    assert "It counts no more" in press(product, version, "take-back outcome")
    assert "cannot go live: 1 gate open" in press(author, version, "publish")
    given_evidence(version, owners)
    assert "is published" in press(author, version, "publish")

    assert registry.published_version(NAME).pk == version.pk
    shown = author.get(page(version)).content.decode()
    assert "<textarea" not in shown
    assert "Start a new draft" in shown


def test_refused_contract_shows_its_findings_with_lines(
    sign_in: SignIn, owners: dict[str, User]
) -> None:
    text = owned_text().replace("kind: event", "kind: wish")

    answer = sign_in(user=owners["contract"]).post(reverse(ADD), {"text": text})

    assert answer.status_code == 200
    assert "line 6, /kind" in answer.content.decode()
    assert not ContractVersion.objects.exists()


def test_page_of_a_draft_judges_its_examples_and_shows_what_changes(
    sign_in: SignIn, owners: dict[str, User]
) -> None:
    version = given_published(owners)
    client = sign_in(user=owners["contract"])

    shown = press(client, version, "draft")

    assert "Examples, judged by this text" in shown
    assert "is not of type string" in shown
    assert "+ version: 1.1.0" in shown
    assert ContractVersion.objects.get(state="draft").version == "1.1.0"


@pytest.mark.parametrize("do", ["sign product", "publish", "withdraw", "retire", "draft", "sing x"])
def test_buttons_of_others_do_nothing(sign_in: SignIn, owners: dict[str, User], do: str) -> None:
    version = given_published(owners)
    stranger = sign_in(user=given_person("contract_owner", username="stranger"))
    before = ContractVersion.objects.values_list("state", flat=True)

    press(stranger, version, do, note="because")

    assert list(before) == ["active"]
    shown = stranger.get(page(version)).content.decode()
    assert 'value="retire"' not in shown


def test_only_the_owner_of_a_role_sees_its_sign_button(
    sign_in: SignIn, owners: dict[str, User]
) -> None:
    version = given_published(owners)
    sign_in(user=owners["contract"])
    draft = publishing.propose(
        version=given_draft(version, owners), by=owners["contract"], now=clock.now()
    )

    mine = sign_in(user=owners["product"]).get(page(draft)).content.decode()
    other = sign_in("auditor").get(page(draft)).content.decode()

    assert 'value="sign product"' in mine
    assert 'value="sign runtime"' not in mine
    assert 'value="sign' not in other


def given_draft(version: ContractVersion, owners: dict[str, User]) -> ContractVersion:
    from contracts_app.services import drafts

    return drafts.draft_from_published(
        contract=version.contract, by=owners["contract"], now=clock.now()
    )


def test_catalogue_answers_who_owns_what_and_which_version_serves(
    sign_in: SignIn, owners: dict[str, User]
) -> None:
    given_published(owners)

    shown = sign_in("auditor").get(reverse("admin:contracts_app_contract_changelist"))

    text = shown.content.decode()
    for word in (NAME, "High", "1.0.0", GROUPS["contract"], GROUPS["runtime"], "none yet"):
        assert word in text


def test_owner_names_a_deputy_and_nobody_names_themselves(
    sign_in: SignIn, owners: dict[str, User]
) -> None:
    given_published(owners)
    contract = Contract.objects.get()
    given_person("contract_owner", username="deputy", owns=("deputies",))
    rows = list(contract.ownerships.order_by("id"))

    def name(owner: str) -> str:
        form = {
            "ownerships-TOTAL_FORMS": "3",
            "ownerships-INITIAL_FORMS": "3",
            **{f"ownerships-{i}-id": str(row.pk) for i, row in enumerate(rows)},
            **{f"ownerships-{i}-contract": str(contract.pk) for i in range(3)},
            "ownerships-0-deputy": str(Owner.objects.get(name=owner).pk),
        }
        url = reverse("admin:contracts_app_contract_change", args=[contract.pk])
        client = sign_in(user=owners["contract"])
        return client.post(url, form, follow=True).content.decode()

    assert "names themselves" in name(GROUPS["contract"])
    name("deputies")

    assert Ownership.objects.get(pk=rows[0].pk).deputy == Owner.objects.get(name="deputies")


def test_version_that_exists_is_refused_and_the_typed_text_stays(
    sign_in: SignIn, owners: dict[str, User]
) -> None:
    given_published(owners)
    author = sign_in(user=owners["contract"])

    answer = author.post(reverse(ADD), {"text": owned_text()})

    assert answer.status_code == 200
    assert f"of {NAME} exists already" in answer.text
    assert answer.context["adminform"].form["text"].value() == owned_text()
    assert ContractVersion.objects.count() == 1


def test_message_names_a_contract_as_it_is_written(
    sign_in: SignIn, owners: dict[str, User]
) -> None:
    author = sign_in(user=owners["contract"])
    author.post(reverse(ADD), {"text": owned_text()})
    version = ContractVersion.objects.get()

    answer = author.post(page(version), {"text": owned_text(), "_propose": "1"}, follow=True)

    assert f"The contract {NAME} " in answer.text
    assert NAME.capitalize() not in answer.text


def test_owner_deprecates_a_version_with_its_last_day_and_goes_back_to_an_older_text(
    sign_in: SignIn, owners: dict[str, User]
) -> None:
    version = given_published(owners)
    author = sign_in(user=owners["contract"])

    assert "is no day" in press(author, version, "deprecate", sunset_on="soon", note="old")
    assert "reason is missing" in press(author, version, "deprecate")
    shown = press(author, version, "deprecate", sunset_on="2999-01-31", note="2.0 comes")
    assert "is deprecated; whoever sends it is told so" in shown
    assert "it ends on" in shown

    press(author, version, "back")
    assert ContractVersion.objects.get(state="draft").version == "2.0.0"


def test_last_version_in_service_is_not_retired_by_one_press(
    sign_in: SignIn, owners: dict[str, User]
) -> None:
    version = given_published(owners)
    author = sign_in(user=owners["contract"])

    assert "reason is missing" in press(author, version, "retire")
    refused = press(author, version, "retire", note="Nobody sends it")
    assert "is the only version in service" in refused
    assert 'value="Nobody sends it"' in refused  # what was typed stands there again
    assert "Nobody sends it" not in author.get(page(version)).text  # and only once
    assert registry.published_version(NAME).pk == version.pk

    shown = press(author, version, "retire", note="Nobody sends it", last="yes")
    assert "is retired." in shown


def test_evidence_that_is_refused_stands_there_again(
    sign_in: SignIn, owners: dict[str, User]
) -> None:
    version = given_proposed(owners)
    runtime = sign_in(user=owners["runtime"])
    told = {"statement": "Tried on the stage.", "done_on": "2999-11-02"}

    shown = press(runtime, version, "evidence rollback", **told)

    assert "missing or still to come" in shown
    assert 'value="Tried on the stage."' in shown
    assert 'max="2' in shown  # a browser does not even send a day to come


def test_draft_says_what_it_lacks_before_its_text_is_frozen(
    sign_in: SignIn, owners: dict[str, User]
) -> None:
    author = sign_in(user=owners["contract"])
    text = owned_text()
    author.post(reverse(ADD), {"text": "\n".join(
        line for line in text.splitlines() if not line.startswith("slo:")
    )})  # fmt: skip
    version = ContractVersion.objects.get()

    assert "Not there yet: reporting field." in author.get(page(version)).text
    author.post(page(version), {"text": version.text, "_propose": "1"})
    shown = author.get(page(version)).text
    assert "Not there yet: reporting field." in shown
    assert "before more people sign" in shown
    press(author, version, "withdraw")
    author.post(page(version), {"text": text})
    assert "Not there yet" not in author.get(page(version)).text
