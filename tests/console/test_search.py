"""Search: what people have in hand leads to the page of it, or to an honest list or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from orchestration.models import Event, Handoff, Run
from tests.builders import accepted, given_pilot, refund_requested, run_of
from tests.console.builders import given_opened, given_reader, given_stuck_refund

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def pilot(db: None) -> None:
    given_pilot()


def signed_in(role: str = "support_agent") -> Client:
    client = Client()
    client.force_login(given_reader(role))
    return client


def found(client: Client, words: str) -> Any:
    return client.get(reverse("console:search"), {"q": words})


@pytest.mark.parametrize(
    "words", ["desk:48213", "48213", "HD-48213", "hd-48213", "#48213", "  48213 ", "DESK:48213"]
)
def test_ticket_is_found_however_people_write_it(words: str) -> None:
    given_opened(ticket="48213")

    assert found(signed_in(), words)["Location"] == reverse("console:ticket", args=["desk:48213"])


def test_handoff_is_found_by_the_name_that_people_say() -> None:
    handoff = given_stuck_refund()
    client = signed_in()

    for words in (handoff.reference, handoff.reference.lower(), f"h{handoff.pk}"):
        assert found(client, words)["Location"] == reverse("console:handoff", args=[handoff.pk])


def test_run_is_found_whole_or_by_its_end() -> None:
    run = run_of(accepted("helpdesk", refund_requested()))
    client = signed_in()

    for words in (str(run.pk), str(run.pk).upper(), str(run.pk)[-12:], str(run.pk)[-8:]):
        assert found(client, words)["Location"] == reverse("console:run", args=[run.pk])


def test_event_leads_to_what_it_started_by_our_id_and_by_the_senders() -> None:
    body: Any = refund_requested()
    receipt = accepted("helpdesk", body)
    page = reverse("console:run", args=[run_of(receipt).pk])
    client = signed_in()

    assert found(client, str(receipt.event_id))["Location"] == page
    assert found(client, body["id"])["Location"] == page


def test_order_customer_address_and_reference_lead_to_the_ticket() -> None:
    body: Any = refund_requested(ticket="48213", requester_email="Maja@Example.com")
    accepted("helpdesk", body)
    client, page = signed_in(), reverse("console:ticket", args=["desk:48213"])
    event = Event.objects.get(contract="support.refund.requested")

    for words in (body["order_id"], f"#{body['order_id']}", event.customer, event.email,
                  event.email.upper(), body["refund_id"]):  # fmt: skip
        assert found(client, words)["Location"] == page, words


def test_name_is_found_by_its_beginning_and_several_tickets_are_listed() -> None:
    accepted("helpdesk", refund_requested(ticket="1"))
    accepted("helpdesk", refund_requested(ticket="2"))
    accepted("helpdesk", refund_requested(ticket="3", requester_name="Oren Halabi"))
    answer = found(signed_in(), "maja l")

    assert answer.status_code == 200
    assert "2 found" in answer.text
    assert "desk:1" in answer.text
    assert "desk:2" in answer.text
    assert "desk:3" not in answer.text


def test_masked_reader_cannot_guess_names() -> None:
    accepted("helpdesk", refund_requested(ticket="1"))
    client = signed_in("manager")

    by_name, by_ticket = found(client, "Maja"), found(client, "1")

    assert "Names are masked for your role" in by_name.text
    assert by_ticket.status_code == 302


def test_masked_reader_sees_masked_names_in_a_list() -> None:
    for ticket in ("1", "2"):
        accepted("helpdesk", refund_requested(ticket=ticket, customer_id="cus_1"))
    listed = found(signed_in("auditor"), "cus_1").text

    assert "M… L…" in listed
    assert "Lindqvist" not in listed


def test_contract_is_found_by_its_name() -> None:
    name = "support.refund.requested"

    assert found(signed_in(), name)["Location"] == reverse("console:contract", args=[name])


@pytest.mark.parametrize(
    "words", ["zzz", "desk:9", "H-99999999999999999999", "%", "\0", "'; --", "a" * 500]
)
def test_nothing_found_says_what_was_looked_for(words: str) -> None:
    given_stuck_refund()
    answer = found(signed_in(), words)

    assert answer.status_code == 200
    assert "Nothing is known by that" in answer.text or "What do you have in hand?" in answer.text


def test_what_was_typed_is_escaped() -> None:
    assert "<script>x" not in found(signed_in(), "<script>x").text


def test_search_without_words_asks_for_some() -> None:
    assert "What do you have in hand?" in found(signed_in(), "").text


def test_account_without_a_role_finds_nothing() -> None:
    given_stuck_refund()
    client = Client()
    client.force_login(User.objects.create_user("nobody"))

    assert found(client, str(Handoff.objects.get().pk)).status_code == 403
    assert found(client, str(Run.objects.get().pk)).status_code == 403
