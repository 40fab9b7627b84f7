"""Drift on the contract's page: read with its evidence, added to the draft, set aside."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contracts_app.models import (
    AuditEntry,
    Contract,
    ContractVersion,
    DriftFinding,
    Owner,
    Ownership,
)
from contracts_app.queries import clock
from orchestration.services import drift_watch
from tests.console.builders import given_reader
from tests.services.drift_world import NAME, given_parcels, sent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def drifted(db: None) -> None:
    given_parcels()
    for word in ("Dear Maja", "for maja@example.com"):
        sent(gift_note=word)
    sent(status="returned")
    drift_watch.look(clock.now() + timedelta(minutes=10))


def browser(role: str, *, owns: bool = False) -> Client:
    user = given_reader(role, "Lena Ott")
    if owns:
        owner = Owner.objects.create(name="parcels", title="Parcels", person=user)
        Ownership.objects.create(
            contract=Contract.objects.get(name=NAME), role="contract", owner=owner
        )
    client = Client()
    client.force_login(user)
    return client


def page(client: Client) -> str:
    answer = client.get(reverse("console:contract", args=[NAME]))
    assert answer.status_code == 200
    return answer.content.decode()


def finding(path: str = "/data/gift_note") -> DriftFinding:
    return DriftFinding.objects.get(path=path)


def test_reader_sees_what_came_and_what_would_name_it() -> None:
    shown = page(browser("support_agent"))

    for words in (
        "New field", "/data/gift_note", "string, 9 characters", "parcels 2", "New value returned",
        "1 held", "Name gift_note as an optional string at /properties/data/properties.",
        "Compatible", "in draft 1.1.0",
    ):  # fmt: skip
        assert words in shown
    assert "Maja" not in shown
    assert "maja@" not in shown
    assert "Set aside" not in shown


def test_owner_sets_a_finding_aside_with_a_reason() -> None:
    client = browser("contract_owner", owns=True)
    assert "Set aside" in page(client)
    url = reverse("console:drift-aside", args=[NAME, finding().pk])

    answer = client.post(url, {"reason": "A test of theirs"}, follow=True)

    assert "is set aside until it comes in another shape" in answer.content.decode()
    assert "1 set aside" in answer.content.decode()
    assert AuditEntry.objects.get(action="drift.aside").reason == "A test of theirs"
    again = client.post(url, {"reason": "Again"}, follow=True)
    assert "It is set aside already." in again.content.decode()


def test_what_no_change_names_is_left_to_a_person() -> None:
    sent(**{"maja@example.com": 1})
    drift_watch.look(clock.now() + timedelta(minutes=20))

    shown = page(browser("support_agent"))

    assert "Names that look like data" in shown
    assert "A person has to think of one." in shown
    assert "maja@" not in shown


def test_missing_reason_changes_nothing() -> None:
    client = browser("contract_owner", owns=True)

    answer = client.post(reverse("console:drift-aside", args=[NAME, finding().pk]), follow=True)

    assert "A reason is missing." in answer.content.decode()
    assert finding().state == "open"


def test_owner_adds_a_finding_to_the_draft() -> None:
    client = browser("contract_owner", owns=True)
    ContractVersion.objects.get(state="draft").delete()
    assert "Add to the draft" in page(client)

    answer = client.post(reverse("console:drift-add", args=[NAME, finding().pk]), follow=True)

    assert "/data/gift_note stands in the draft 1.1.0." in answer.content.decode()
    assert "gift_note" in ContractVersion.objects.get(state="draft").text


@pytest.mark.parametrize(
    ("role", "why"),
    [("support_agent", "Your role may not decide about drift"),
     ("contract_owner", "Only an owner of the contract")],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["aside", "add"])
def test_who_does_not_own_it_is_refused_and_that_is_kept(verb: str, role: str, why: str) -> None:
    client = browser(role)

    answer = client.post(
        reverse(f"console:drift-{verb}", args=[NAME, finding().pk]), {"reason": "no"}
    )

    assert answer.status_code == 403
    assert why in answer.content.decode()
    assert AuditEntry.objects.filter(action=f"drift.{verb}.refused").count() == 1
    assert finding().state == "open"


def test_finding_of_another_contract_is_not_found() -> None:
    client = browser("contract_owner", owns=True)

    answer = client.post(reverse("console:drift-aside", args=["shop.other", finding().pk]))

    assert answer.status_code == 404


def test_today_and_the_catalogue_lead_to_it() -> None:
    client = browser("manager")
    today = client.get(reverse("console:today")).content.decode()
    assert "2 new fields or values, and events are held for it" in today
    assert f"/contracts/{NAME}/#drift" in today

    rows = client.get(reverse("console:contracts"), {"drift": "open"}).context["rows"]
    assert [row.listed.name for row in rows] == [NAME]
    DriftFinding.objects.update(state="aside")
    assert client.get(reverse("console:contracts"), {"drift": "open"}).context["rows"] == []


def test_page_asks_as_much_for_many_findings_as_for_few() -> None:
    client = browser("support_agent")
    page(client)
    with CaptureQueriesContext(connection) as few:
        page(client)
    first = finding()
    for number in range(40):
        first.pk, first.path = None, f"/data/other{number}"
        first.save()
    with CaptureQueriesContext(connection) as many:
        page(client)

    assert len(many) == len(few)


def test_draft_in_the_administration_shows_the_evidence() -> None:
    user = User.objects.create_superuser("root", "root@example.com")
    user.groups.add(Group.objects.get_or_create(name="admin")[0])
    client = Client()
    client.force_login(user)
    draft = ContractVersion.objects.get(state="draft")

    shown = client.get(
        reverse("admin:contracts_app_contractversion_change", args=[draft.pk])
    ).content.decode()

    for words in (
        "string, 9 characters",
        "It stands in this draft.",
        "The drift watch opened this draft",
        "/data/gift_note",
    ):
        assert words in shown


def test_reader_sees_which_field_no_longer_comes_and_what_to_do() -> None:
    contract = Contract.objects.get(name=NAME)
    now = clock.now()
    for kind, value, told in (
        ("gone", "", "in 40 events on 5 days, in none of the 50 since"),
        ("type", "number", "integer, 1 digit; string in 40 events before"),
    ):
        DriftFinding.objects.create(
            contract=contract, kind=kind, path="/data/email", value=value, events=1,
            samples=[["0198", told]], first_seen=now - timedelta(days=2), last_seen=now,
        )  # fmt: skip

    shown = page(browser("support_agent"))

    for words in ("No longer comes", "Comes as number", "in none of the 50 since", "Ask who sends"):
        assert words in shown
    row = shown.split("No longer comes")[1].split("</tr>")[0]
    assert 'class="n"><div class="sub">last ' in row
