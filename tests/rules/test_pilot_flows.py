"""The pilot's other flows, walked to their ends: cancellations, promises and carts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from meshline.core.safejson import Json
from orchestration.rules.interpreter import starts
from orchestration.rules.outcomes import Done, Outcome, Transient
from orchestration.rules.run_state import Finish, Perform
from tests.rules import pilot_world as pilot
from tests.rules.flow_walk import START, Script, Walk, handed, scope_of, walk_event

SENT = {"message_id": "1@meshline"}


def run(flow: str, event: Mapping[str, Any], script: Script, *arrivals: Any, **more: Json) -> Walk:
    """Walk a flow of the pilot."""
    return walk_event(pilot.flows()[flow], event, script, *arrivals, **more)


def cancellation(*arrivals: Any, subscription: Mapping[str, Json] | None = None) -> Walk:
    """Walk subscription-cancel; `subscription` is what billing says when it is asked."""
    script: Script = {
        "billing.cancel_subscription": {"id": "sub_1QxTeam", "status": "active"},
        "billing.get_subscription": subscription or STILL_RUNNING,
        "helpdesk.transition_ticket": {"status": "solved"},
        "mail.send": SENT,
    }
    return run(
        "subscription-cancel", pilot.example("support.cancellation.requested"), script, *arrivals
    )


STILL_RUNNING: dict[str, Json] = {
    "id": "sub_1QxTeam",
    "status": "active",
    "cancel_at_period_end": False,
    "reference": None,
}


def test_a_cancellation_is_told_once_and_only_after_billing_has_confirmed_it() -> None:
    walked = cancellation(pilot.example("billing.subscription.changed"))

    assert walked.end == Finish("succeeded")
    assert walked.operations == [
        "billing.cancel_subscription",
        "helpdesk.transition_ticket",
        "mail.send",
    ]
    assert walked.waits[0].key == "cn_abcdef123456"
    assert walked.args_of("mail.send")["template"] == "cancellation-confirmed"
    assert walked.args_of("mail.send")["data"]["ended"] is False


def test_a_change_that_cancels_nothing_is_no_confirmation() -> None:
    other = pilot.example("billing.subscription.changed", "changed_by_the_customer")

    walked = cancellation(other, pilot.example("billing.subscription.changed"))

    assert walked.end == Finish("succeeded")


def test_a_lost_confirmation_of_a_cancellation_is_found_by_asking_billing() -> None:
    walked = cancellation(None, subscription={**STILL_RUNNING, "cancel_at_period_end": True})

    assert walked.end == Finish("succeeded")
    assert walked.operations.count("billing.cancel_subscription") == 1


def test_a_cancellation_that_billing_never_confirms_goes_to_a_person() -> None:
    walked = cancellation()

    assert handed(walked) == ("cancellation_unconfirmed", "cancellation-failed")
    assert walked.operations.count("billing.cancel_subscription") == 3
    assert "mail.send" not in walked.operations


@pytest.mark.parametrize(
    ("state", "amount", "starts_it"),
    [
        ("cancelling", 4900, True),
        ("cancelled", 4900, True),
        ("active", 4900, False),
        ("cancelling", 0, False),
    ],
)
def test_only_an_invoice_with_money_after_a_cancellation_is_trouble(
    state: str, amount: int, starts_it: bool
) -> None:
    event = pilot.example("billing.invoice.created", "next_month")
    event = {**event, "data": {**event["data"], "amount_minor": amount}}

    scope = scope_of(event, subject={"before": state, "after": state})

    assert starts(pilot.flows()["invoice-after-cancel"], scope) is starts_it


def test_an_invoice_of_a_customer_whom_the_registry_does_not_know_starts_nothing() -> None:
    event = pilot.example("billing.invoice.created", "single_purchase")

    assert not starts(pilot.flows()["invoice-after-cancel"], scope_of(event))


def invoice(subscription: Mapping[str, Json]) -> Walk:
    """Walk invoice-after-cancel with what billing says of the subscription."""
    script = {"billing.get_subscription": subscription, "helpdesk.add_note": {}}
    event = pilot.example("billing.invoice.created", "next_month")
    return run("invoice-after-cancel", event, script, ticket="desk:4820")


@pytest.mark.parametrize(
    "subscription",
    [
        {**STILL_RUNNING, "cancel_at_period_end": True},
        {**STILL_RUNNING, "status": "canceled", "cancel_at_period_end": True},
        {"id": None, "status": "missing", "cancel_at_period_end": False, "reference": None},
    ],
)
def test_an_invoice_after_a_cancellation_is_handed_over(subscription: dict[str, Json]) -> None:
    walked = invoice(subscription)

    assert handed(walked) == ("invoice_after_cancellation", "cancellation-failed")


def test_an_invoice_of_a_customer_who_came_back_is_only_noted() -> None:
    walked = invoice(STILL_RUNNING)

    assert walked.end == Finish("succeeded")
    assert "in_1TzNext" in walked.args_of("helpdesk.add_note")["comment"]


def test_a_warned_promise_is_written_on_the_ticket_and_pages_nobody() -> None:
    walked = run("sla-warning", pilot.example("sla.promise.warned"), {"helpdesk.add_note": {}})

    assert walked.end == Finish("succeeded")
    assert walked.args_of("helpdesk.add_note") == {
        "ticket": "desk:4812",
        "comment": '75 % of the promise "First reply" is used. It breaks at 2026-11-23T12:11:02Z.',
    }


def paged(*arrivals: Any) -> Walk:
    """Walk sla-escalation; each page gets a key of its own, as the pager does."""
    return run(
        "sla-escalation",
        pilot.example("sla.promise.broken"),
        {"pager.page": _page, "helpdesk.add_note": {}},
        *arrivals,
    )


def _page(call: Perform) -> Outcome:
    return Done({"page_key": f"page#{call.redo}", "to": "lena@harbour.example"})


def test_a_broken_promise_pages_who_is_on_call_and_says_who_took_it() -> None:
    walked = paged(pilot.example("oncall.page.acknowledged"))

    assert walked.end == Finish("succeeded")
    page = walked.args_of("pager.page")
    assert (page["rota"], page["severity"]) == ("support-primary", "critical")
    assert page["summary"].startswith("First reply is overdue on desk:4812")
    assert "Lena Moritz has taken the page." in walked.args_of("helpdesk.add_note")["comment"]


def test_a_page_is_repeated_under_a_new_key_until_somebody_answers() -> None:
    walked = paged(None, None, pilot.example("oncall.page.acknowledged"))

    assert walked.end == Finish("succeeded")
    assert [call.redo for call in walked.calls[:3]] == [0, 1, 2]
    assert [wait.key for wait in walked.waits] == ["page#0", "page#1", "page#2"]
    assert walked.operations.count("helpdesk.add_note") == 1


def test_a_page_that_nobody_answers_five_times_goes_to_a_person() -> None:
    walked = paged()

    assert handed(walked) == ("page_unacknowledged", "page-unanswered")
    assert walked.operations == ["pager.page"] * 5
    assert (walked.now - START).total_seconds() == 5 * 600


def test_somebody_who_escalates_gets_an_answer_and_the_ticket_says_whose() -> None:
    walked = run(
        "handoff-escalation",
        pilot.example("handoff.escalated"),
        {"pager.page": _page, "helpdesk.add_note": {}},
        None,
        pilot.example("oncall.page.acknowledged"),
    )

    assert walked.end == Finish("succeeded")
    assert [call.args["rota"] for call in walked.calls[:2]] == ["billing-primary"] * 2
    note = walked.args_of("helpdesk.add_note")["comment"]
    assert "Nadia Arslan" in note
    assert "Lena Moritz has taken it" in note


def test_an_escalation_that_nobody_hears_goes_to_a_person() -> None:
    walked = run("handoff-escalation", pilot.example("handoff.escalated"), {"pager.page": _page})

    assert handed(walked) == ("page_unacknowledged", "page-unanswered")
    assert len(walked.calls) == 5


def test_a_handoff_is_noted_on_its_ticket_with_the_link_to_its_buttons() -> None:
    walked = run("handoff-note", pilot.example("handoff.opened"), {"helpdesk.add_note": {}})

    assert walked.end == Finish("succeeded")
    assert walked.args_of("helpdesk.add_note") == {
        "ticket": "desk:4812",
        "comment": "Meshline needs a person (H-12): Acknowledgement missing. "
        "http://127.0.0.1:8000/handoffs/12",
    }


CART: dict[str, Json] = {
    "found": True,
    "cart_token": "eeafa272cebfd4b22385bc4b645e762c",
    "items": [{"title": "Oak shelf"}, {"title": "Hook, brass"}],
    "total_minor": 14820,
    "currency": "EUR",
    "promo_code": None,
    "customer_id": "cus_20099",
    "customer_value_minor": None,
}
TICKET: dict[str, Json] = {
    "id": "4830",
    "subject": "Re: you left something behind",
    "status": "new",
    "priority": None,
    "requester": {"id": "81044", "name": "Sofia Reis", "email": "Sofia+Shop@Customer.example"},
    "order_id": None,
    "cart_token": None,
    "tags": ["abandoned-cart"],
    "fields": {},
}


def ticket_created(**data: Any) -> dict[str, Any]:
    """A ticket that carries what is given beside its tag."""
    event = pilot.example("support.ticket.created", "answers_an_abandoned_cart_mail")
    kept = {k: v for k, v in event["data"].items() if k not in ("cart_token", "email")}
    return {**event, "data": {**kept, **data}}


def cart_context(cart: Any, **ticket: Json) -> Walk:
    """Walk cart-context with what the shop knows and the ticket carries."""
    script: Script = {
        "helpdesk.get_ticket": {**TICKET, **ticket},
        "shop.find_cart": cart,
        "helpdesk.set_fields": {},
    }
    return run("cart-context", ticket_created(), script)


@pytest.mark.parametrize(
    ("data", "starts_it"),
    [
        ({}, True),
        ({"tags": [], "cart_token": "eeafa272"}, True),
        ({"tags": [], "order_id": "90417"}, False),
        ({"tags": ["refund"]}, False),
    ],
)
def test_a_ticket_gets_its_cart_when_it_carries_a_trace_of_one(
    data: dict[str, Any], starts_it: bool
) -> None:
    scope = scope_of(ticket_created(**data))

    assert starts(pilot.flows()["cart-context"], scope) is starts_it


def test_the_cart_is_looked_for_by_what_the_ticket_carries_and_written_into_it() -> None:
    walked = cart_context(CART, order_id="90417")

    assert walked.end == Finish("succeeded")
    assert walked.args_of("shop.find_cart") == {
        "email": "Sofia+Shop@Customer.example",
        "order_id": "90417",
    }
    assert walked.args_of("helpdesk.set_fields") == {
        "ticket": "desk:4830",
        "fields": {
            "cart_token": "eeafa272cebfd4b22385bc4b645e762c",
            "cart_items": 2,
            "cart_total_minor": 14820,
            "cart_currency": "EUR",
            "customer_id": "cus_20099",
        },
    }


def test_a_cart_that_the_shop_does_not_know_yet_is_a_partial_enrichment() -> None:
    walked = cart_context({"found": False})

    assert handed(walked) == ("partial_enrichment", "backfill-enrichment")
    assert "helpdesk.set_fields" not in walked.operations


def test_a_shop_that_is_down_is_tried_again_and_then_handed_over() -> None:
    walked = cart_context(Transient("503"))

    assert handed(walked) == ("retries_exhausted", "backfill-enrichment")
    assert walked.operations.count("shop.find_cart") == 5
