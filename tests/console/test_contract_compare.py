"""Any two versions of a contract side by side: documents, differences, verdict, consumers."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts_app.models import Contract, ContractVersion
from contracts_app.rules.contract_spec import parse_contract
from meshline.core import yaml12
from tests.console.builders import given_reader
from tests.console.held_builders import given_registry

pytestmark = pytest.mark.django_db
REFUND = "billing.refund.completed"


@pytest.fixture(autouse=True)
def _registry(db: None) -> None:
    given_registry()


def browser(role: str = "support_agent") -> Client:
    client = Client()
    client.force_login(given_reader(role, "Sam Porter"))
    return client


def given_version(number: str, *changes: tuple[str, str], state: str = "draft") -> ContractVersion:
    """The published version's text with some words changed, as a version of its own."""
    text = ContractVersion.objects.get(contract__name=REFUND, version="1.2.0").text
    for old, new in (("version: 1.2.0", f"version: {number}"), *changes):
        assert old in text
        text = text.replace(old, new)
    document = yaml12.load(text)
    return ContractVersion.objects.create(
        contract=Contract.objects.get(name=REFUND), version=number, state=state, text=text,
        body=document.value, digest=parse_contract(document).digest,
    )  # fmt: skip


def opened(client: Client, **versions: str) -> Any:
    address = reverse("console:contract-compare", args=[REFUND])
    return client.get(address, {name.rstrip("_"): value for name, value in versions.items()})


def test_breaking_draft_is_shown_with_payload_number_and_marked_lines() -> None:
    given_version("1.3.0", ("failure_code:", "failure_word:"))

    answer = opened(browser(), from_="1.2.0", to="1.3.0")
    page = answer.content.decode()

    assert answer.status_code == 200
    assert "Breaking." in page
    assert '<b class="b mono">2.0.0</b> or higher' in page
    assert "1.3.0 is lower." in page
    assert "Smallest payload that breaks" in page
    assert '<tr class="changed">' in page
    assert '<span class="vh">was: </span>' in page
    assert "failure_word" in page
    assert 'id="affected"' in page
    assert "lines are the same" in page


def test_whole_document_is_compared_not_only_the_schema() -> None:
    given_version("1.2.1", ("PT15M", "PT25M"))

    context = opened(browser(), from_="1.2.0", to="1.2.1").context

    assert context["change"].verdict == "compatible"
    assert context["fits"]
    assert "version" in context["pair"].parts
    assert "properties" not in context["pair"].parts
    assert len(context["pair"].parts) > 1
    assert any("PT25M" in row.new for row in context["pair"].rows if row.kind == "changed")


def test_versions_can_be_turned_round_and_the_address_says_which() -> None:
    given_version("2.0.0", ("failure_code:", "failure_word:"))

    page = opened(browser(), from_="2.0.0", to="1.2.0").content.decode()

    assert "2.0.0 on the left, 1.2.0 on the right." in page
    assert "from=1.2.0&amp;to=2.0.0" in page
    assert '<option value="2.0.0" selected>' in page


def test_without_versions_it_takes_what_serves_and_another() -> None:
    given_version("1.3.0")

    context = opened(browser()).context

    assert (context["old_number"], context["new_number"]) == ("1.3.0", "1.2.0")


def test_same_version_twice_is_said_plainly() -> None:
    given_version("1.3.0")

    page = opened(browser(), from_="1.2.0", to="1.2.0").content.decode()

    assert "Both sides are version 1.2.0." in page
    assert "choose another version" in page


@pytest.mark.parametrize("versions", [("1.2.0", "9.9.9"), ("9.9.9", "1.2.0"), ("9.9.9", "9.9.9")])
def test_version_that_is_not_there_is_not_found(versions: tuple[str, str]) -> None:
    answer = opened(browser(), from_=versions[0], to=versions[1])

    assert answer.status_code == 404
    assert "has no version 9.9.9" in answer.content.decode()


def test_half_written_draft_is_shown_without_a_verdict() -> None:
    contract = Contract.objects.get(name=REFUND)
    ContractVersion.objects.create(
        contract=contract, version="2.0.0", state="draft", text="name: x\n", body={"name": "x"},
        digest="d" * 64,
    )  # fmt: skip

    page = opened(browser(), from_="1.2.0", to="2.0.0").content.decode()

    assert "There is no verdict: 2.0.0 is not a contract yet." in page
    assert "name: x" in page


def test_pair_that_nobody_can_decide_holds_no_page() -> None:
    pattern = "^rf_[a-z0-9]{8,32}$"
    given_version("1.3.0", (pattern, "^rf_([a-y0-9]{1,9}[a-z0-9]?){7,31}[a-z0-9]+$"))
    client = browser()
    opened(client, from_="1.2.0", to="1.2.0")

    begun = perf_counter()
    answer = opened(client, from_="1.2.0", to="1.3.0")
    took = perf_counter() - begun

    assert answer.status_code == 200
    assert took < 1.0  # shared machine; the look itself is bounded to 150 ms
    assert answer.context["change"].verdict in ("unknown", "breaking")


def test_page_links_to_it_and_outsiders_are_refused() -> None:
    given_version("1.3.0")
    page = browser().get(
        reverse("console:contract-version", args=[REFUND, "1.2.0"]), {"tab": "versions"}
    )
    outsider = Client()
    outsider.force_login(given_reader("", "Nobody Here"))

    assert reverse("console:contract-compare", args=[REFUND]) in page.content.decode()
    assert opened(outsider).status_code == 403
    assert opened(Client()).status_code == 302
