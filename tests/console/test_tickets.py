"""Ticket: one timeline of all that happened, what comes next, money; and the receipt."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts_app.queries import clock
from orchestration.models import Event, SlaTimer
from orchestration.queries import tickets
from runbooks.services import buttons
from tests.builders import accepted, given_pilot, refund_requested, run_of
from tests.console.builders import (
    given_finished,
    given_opened,
    given_reader,
    given_status,
    given_stuck_refund,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def pilot(db: None) -> None:
    given_pilot()


@pytest.fixture
def nadia() -> Client:
    client = Client()
    client.force_login(given_reader())
    return client


def page_of(client: Client, ticket: str = "desk:48213", **query: str) -> str:
    return client.get(reverse("console:ticket", args=[ticket]), query).content.decode()


def titles(client: Client, **query: str) -> list[str]:
    context = client.get(reverse("console:ticket", args=["desk:48213"]), query).context
    return [entry.title for entry in context["past"]]


def test_timeline_holds_everything_newest_first(nadia: Client) -> None:
    given_opened()
    handoff = given_stuck_refund()
    target = buttons.target_of(handoff=handoff)
    wish = buttons.Wish("desk:48213", "Billing is well", {}, buttons.press_key_of(target))
    press = buttons.press_button(
        target=target,
        slug="flow.replay",
        wish=wish,
        by=given_reader("ops_lead", "Tomás Oliveira"),
        now=clock.now(),
    )
    given_finished(press.result_run_id)

    seen = [title for title in titles(nadia) if "Refund" not in title or "completion" not in title]

    order = [
        "Resolved: Acknowledgement missing",
        "Tomás Oliveira pressed Replay",
        "Handed to a person: Acknowledgement missing",
        "Billing ack: silent until its deadline",
        "Send the refund: done",
        "Refund requested",
        "Ticket opened: “Parcel arrived crushed”",
    ]
    places = [seen.index(title) for title in order]
    assert places == sorted(places), list(zip(order, places, strict=True))


def test_what_comes_next_stands_above_now(nadia: Client) -> None:
    given_opened()
    SlaTimer.objects.filter(ticket="desk:48213", metric="resolution").update(state="running")

    context = nadia.get(reverse("console:ticket", args=["desk:48213"])).context

    assert any(entry.title.startswith("Promise breaks") for entry in context["soon"])
    assert all(entry.at > context["now"] for entry in context["soon"])


@pytest.mark.parametrize(
    ("kind", "has", "lacks"),
    [
        ("events", "Refund requested", "Send the refund: done"),
        ("effects", "Send the refund: done", "Refund requested"),
        ("handoffs", "Handed to a person: Acknowledgement missing", "Refund requested"),
    ],
)
def test_filter_by_kind_keeps_only_that_kind(
    nadia: Client, kind: str, has: str, lacks: str
) -> None:
    given_stuck_refund()

    seen = titles(nadia, kind=kind)

    assert has in seen
    assert lacks not in seen


def test_duplicate_webhook_is_told_as_stopped(nadia: Client) -> None:
    body = refund_requested(ticket="48213")
    accepted("helpdesk", body)
    accepted("helpdesk", body)

    assert "Same webhook again, stopped" in titles(nadia)


def test_money_is_told_per_currency_and_nothing_is_summed_across(nadia: Client) -> None:
    given_stuck_refund(amount_minor=21800)
    given_stuck_refund(amount_minor=5000, currency="JPY")

    found = {sum_.currency: sum_ for sum_ in tickets.money_of(tickets.rows_of("desk:48213"))}
    page = page_of(nadia)

    assert (found["EUR"].held, found["EUR"].sent, found["EUR"].twice) == (21800, 21800, 0)
    assert (found["JPY"].held, found["JPY"].sent) == (5000, 5000)
    assert "€ 218.00" in page
    assert "¥ 5,000" in page


def test_sent_money_counts_as_acknowledged_only_after_the_run_succeeded() -> None:
    handoff = given_stuck_refund()
    before = tickets.money_of(tickets.rows_of("desk:48213"))[0]
    given_finished(handoff.run_id)

    after = tickets.money_of(tickets.rows_of("desk:48213"))[0]

    assert (before.acknowledged, after.acknowledged) == (0, 21800)
    assert (before.held, after.held) == (21800, 0)


def test_status_and_subject_come_from_what_the_desk_said(nadia: Client) -> None:
    given_opened()
    given_status("hold")

    page = page_of(nadia)

    assert "desk:48213 Parcel arrived crushed" in page
    assert "Hold" in page


def test_unknown_or_misspelt_ticket_is_not_found(nadia: Client) -> None:
    for name in ("desk:404", "nonsense"):
        assert nadia.get(reverse("console:ticket", args=[name])).status_code == 404


def test_receipt_tells_a_tickets_story_oldest_first_with_exact_times(nadia: Client) -> None:
    given_stuck_refund()

    answer = nadia.get(reverse("console:receipt", args=["desk:48213"]))

    page = answer.content.decode()
    entries: list[Any] = answer.context["stories"][0]["entries"]
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    assert "Send the refund: done" in page
    assert "sent twice € 0.00" in page


def test_receipt_of_a_customer_holds_all_their_tickets(nadia: Client) -> None:
    for ticket in ("1", "2"):
        accepted("helpdesk", refund_requested(ticket=ticket, customer_id="cus_maja"))
    accepted("helpdesk", refund_requested(ticket="3", customer_id="cus_other"))

    page = nadia.get(reverse("console:receipt", args=["cus_maja"])).content.decode()

    assert "desk:1" in page
    assert "desk:2" in page
    assert "desk:3" not in page


def test_auditors_receipt_has_the_audit_log_and_masked_names() -> None:
    handoff = given_stuck_refund()
    auditor = Client()
    auditor.force_login(given_reader("auditor", "Ines Falk"))

    page = auditor.get(reverse("console:receipt", args=[handoff.ticket])).content.decode()

    assert "handoff.open" in page
    assert "Maja Lindqvist" not in page


def test_rows_are_only_the_tickets_own() -> None:
    given_stuck_refund(ticket="1")
    other = run_of(accepted("helpdesk", refund_requested(ticket="2")))

    rows = tickets.rows_of("desk:1")

    assert other.pk not in {run.pk for run in rows.runs}
    assert {event.ticket for event in rows.events} == {"desk:1"}
    assert Event.objects.filter(ticket="desk:2").exists()
