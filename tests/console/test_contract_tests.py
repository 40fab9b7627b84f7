"""The tests on a contract's page: read by everybody, run again by who owns the contract."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contracts_app.models import (
    AuditEntry,
    Contract,
    ContractTestResult,
    ContractTestRun,
    ContractVersion,
    Occasion,
    Owner,
    Ownership,
)
from contracts_app.queries import clock
from contracts_app.services import contract_tests, drafts
from contracts_app.services import smoke as registry_of_smoke
from orchestration.services import smoke
from tests.builders import given_document
from tests.console.builders import given_reader
from tests.rules.standard_contracts import BARE
from tests.services.people import given_person

pytestmark = pytest.mark.django_db

NAME = "stock.level.changed"
TEXT = BARE.replace("version: 1.10", "version: 1.0.0")
PAGE = f"/contracts/{NAME}/"


@pytest.fixture
def version(db: None) -> ContractVersion:
    row: ContractVersion = given_document(TEXT)
    return row


def browser(role: str, *, owns: bool = False) -> Client:
    user = given_reader(role, "Lena Ott")
    if owns:
        owner = Owner.objects.create(name="shop", title="Shop", person=user)
        Ownership.objects.create(
            contract=Contract.objects.get(name=NAME), role="contract", owner=owner
        )
    client = Client()
    client.force_login(user)
    return client


def page(client: Client) -> str:
    answer = client.get(PAGE)
    assert answer.status_code == 200
    return answer.content.decode()


def press(client: Client, number: str = "1.0.0") -> str:
    url = reverse("console:contract-tests", args=[NAME, number])
    return client.post(url, follow=True).content.decode()


def test_contract_that_was_never_tested_says_so(version: ContractVersion) -> None:
    shown = page(browser("support_agent"))

    assert "Not tested yet" in shown
    assert "Run the tests now" not in shown
    assert "Your role may not run a contract&#x27;s tests" in shown


def test_owner_runs_the_tests_and_reads_each_with_its_sentence(version: ContractVersion) -> None:
    client = browser("contract_owner", owns=True)
    assert "Run the tests now" in page(client)

    shown = press(client)

    for words in (
        "All 3 tests passed.", "3 passed · by hand", "Example that is accepted",
        "The schema refuses it at /number.", "Sent twice under the id 1, it is one event.",
    ):  # fmt: skip
        assert words in shown
    assert AuditEntry.objects.get(action="contract.test").actor == "lena"


def test_what_fails_stands_first_with_its_reason() -> None:
    number = TEXT.replace("{type: integer}", "{type: number}")
    given_document(number.replace("payload: {number: 1}", "payload: {number: 1.5}"))

    shown = press(browser("contract_owner", owns=True))

    assert "1 of 3 tests failed." in shown
    assert "neither text nor a whole number" in shown
    assert shown.index("Failed</span>") < shown.index("2 passed</summary>")
    assert "The test of the unique id one fails." in shown  # among the gates


def test_results_of_an_earlier_text_are_marked(version: ContractVersion) -> None:
    contract_tests.run_tests(version=version, occasion=Occasion.HAND, now=clock.now())
    ContractTestRun.objects.update(digest="0" * 64)

    assert "The text has changed since." in page(browser("support_agent"))


@pytest.mark.parametrize(
    ("role", "why"),
    [("support_agent", "Your role may not run a contract"),
     ("contract_owner", "Only an owner of the contract")],
)  # fmt: skip
def test_who_does_not_own_it_is_refused_and_that_is_kept(
    version: ContractVersion, role: str, why: str
) -> None:
    client = browser(role)

    answer = client.post(reverse("console:contract-tests", args=[NAME, "1.0.0"]))

    assert answer.status_code == 403
    assert why in answer.content.decode()
    assert AuditEntry.objects.filter(action="tests.run.refused").count() == 1
    assert not ContractTestRun.objects.exists()


def test_version_that_is_not_there_is_not_found(version: ContractVersion) -> None:
    client = browser("contract_owner", owns=True)

    answer = client.post(reverse("console:contract-tests", args=[NAME, "7.0.0"]))

    assert answer.status_code == 404


def test_page_asks_as_much_for_many_tests_as_for_few(version: ContractVersion) -> None:
    client = browser("support_agent")
    run = contract_tests.run_tests(version=version, occasion=Occasion.HAND, now=clock.now())
    page(client)
    with CaptureQueriesContext(connection) as few:
        page(client)
    ContractTestResult.objects.bulk_create(
        ContractTestResult(run=run, position=100 + number, kind="valid", name=f"n{number}",
                           outcome="passed", sentence="The schema accepts it.")
        for number in range(60)
    )  # fmt: skip
    with CaptureQueriesContext(connection) as many:
        page(client)

    assert len(many) == len(few)


def test_smoke_tests_stand_beside_them_and_alert_their_owner() -> None:
    declared = '{schedule: "0 * * * *", payload: one}'
    broken = '{name: asks, schedule: "0 * * * *", mode: read_only, operation: billing.nothing}'
    given_document(f"{TEXT}tests: {{smoke: [{declared}, {broken}]}}\n")
    client = browser("contract_owner", owns=True)
    registry_of_smoke.follow(now=clock.now())
    assert "It has not run yet." in page(client)
    assert "Smoke tests fail" not in client.get("/").content.decode()

    for _ in range(2):
        press(client)
        smoke.run_due({})

    shown = page(client)
    assert "The example one is taken in and would start no flow." in shown
    assert "There is no operation billing.nothing" in shown
    assert "alert since" in shown
    today = client.get("/").content.decode()
    assert "asks failed 2 times in a row" in today
    assert ">yours<" in today


def test_administration_shows_them_and_runs_them(version: ContractVersion) -> None:
    client = Client()
    client.force_login(given_person("admin", "contract_owner", username="root", superuser=True))
    shown = reverse("admin:contracts_app_contractversion_change", args=[version.pk])
    assert "Not run yet." in client.get(shown).content.decode()

    do = reverse("admin:contracts_app_contractversion_do", args=[version.pk])
    answer = client.post(do, {"do": "test"}, follow=True).content.decode()

    assert "3 passed, 0 failed, 0 not tested" in answer
    assert "Sent twice under the id 1, it is one event." in answer


def test_owner_whom_a_first_draft_names_is_shown_and_runs_its_tests() -> None:
    client, stranger = browser("contract_owner"), Client()
    stranger.force_login(given_person("contract_owner", username="nobody", owns=("others",)))
    lena = User.objects.get(username="lena")
    Owner.objects.create(name="shop", title="Shop", person=lena)
    text = TEXT.replace("contract: {oncall: shop}", "contract: {group: shop}")
    drafts.start_draft(text=text, by=lena, now=clock.now())

    shown = page(client)

    assert "as the text of 1.0.0 names them" in shown
    assert "Lena Ott" in shown.partition("Owners</h2>")[2].partition("Sign-off</h2>")[0]
    assert "Run the tests now" in shown
    assert "All 3 tests passed." in press(client)
    assert "Only an owner of the contract" in page(stranger)
