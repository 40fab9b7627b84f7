"""The pilot's sources turn the vendors' bodies into payloads that keep the contracts."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration.rules.source_map import map_delivery
from orchestration.rules.source_spec import Mapped
from tests.rules import pilot_world as pilot

SHOP_HEADERS = {
    "x-shopify-topic": "checkouts/update",
    "x-shopify-webhook-id": "d990467c-e43e-4262-ae9a-eb77e9cbead1",
    "x-shopify-triggered-at": "2026-11-23T10:00:01.634640521Z",
}
HEADERS: dict[str, dict[str, str]] = {"shop": SHOP_HEADERS}


def mapped(name: str) -> Mapped:
    """Map one of tests/payloads with the source that its folder names."""
    source = name.partition("/")[0]
    return map_delivery(
        pilot.sources()[source], headers=HEADERS.get(source, {}), body=pilot.payload(name)
    )


EVENTS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "helpdesk/ticket.created",
        "support.ticket.created",
        {
            "ticket_id": "desk:4711",
            "subject": "Refund not received",
            "requester_id": "8447388099998",
            "priority": "high",
            "channel": "web_service",
            "order_id": "1001",
            "tags": ["refund", "vip"],
        },
    ),
    (
        "helpdesk/ticket.created.abandoned_cart",
        "support.ticket.created",
        {"ticket_id": "desk:4830", "priority": "normal", "tags": ["abandoned-cart"]},
    ),
    (
        "helpdesk/ticket.created.cart_token",
        "support.ticket.created",
        {"cart_token": "eeafa272cebfd4b22385bc4b645e762c", "tags": []},
    ),
    (
        "helpdesk/ticket.comment_added",
        "support.ticket.replied",
        {"ticket_id": "desk:4711", "author": "customer", "public": True},
    ),
    (
        "helpdesk/ticket.comment_added.agent",
        "support.ticket.replied",
        {"author": "agent", "public": True},
    ),
    (
        "helpdesk/ticket.comment_added.automatic",
        "support.ticket.replied",
        {"author": "system", "public": True},
    ),
    (
        "helpdesk/ticket.status_changed",
        "support.ticket.updated",
        {"ticket_id": "desk:4711", "status": "solved", "previous": "open", "priority": "high"},
    ),
    (
        "helpdesk/ticket.priority_changed",
        "support.ticket.updated",
        {"status": "open", "priority": "urgent"},
    ),
    (
        "helpdesk/refund_requested",
        "support.refund.requested",
        {
            "refund_id": "rf_abcdef123456",
            "ticket_id": "desk:4812",
            "customer_id": "cus_10442",
            "order_id": "90417",
            "charge_id": "ch_3Pk1Qz",
            "amount_minor": 21800,
            "currency": "EUR",
        },
    ),
    (
        "helpdesk/refund_requested.unknown_customer",
        "support.refund.requested",
        {"customer_id": "oren.halabi@customer.example", "order_id": "90422", "currency": "JPY"},
    ),
    (
        "helpdesk/cancellation_requested",
        "support.cancellation.requested",
        {"cancellation_id": "cn_abcdef123456", "ticket_id": "desk:4820"},
    ),
    (
        "billing/refund.created.pending",
        "billing.refund.completed",
        {"reference": "rf_abcdef123456", "status": "pending"},
    ),
    (
        "billing/refund.updated.succeeded",
        "billing.refund.completed",
        {"status": "succeeded", "amount": {"value": 21800, "currency": "EUR"}},
    ),
    (
        "billing/refund.failed",
        "billing.refund.completed",
        {"status": "failed", "failure_code": "expired_or_canceled_card"},
    ),
    (
        "billing/refund.created.by_hand",
        "billing.refund.noticed",
        {"billing_id": "re_1ByHandAbCdEfGhIj", "charge": "ch_3Pk1Qz", "status": "succeeded"},
    ),
    ("billing/refund.created.other_reference", "billing.refund.noticed", {"status": "succeeded"}),
    (
        "billing/customer.subscription.updated",
        "billing.subscription.changed",
        {"reference": "cn_abcdef123456", "status": "active", "cancel_at_period_end": True},
    ),
    (
        "billing/customer.subscription.deleted",
        "billing.subscription.changed",
        {"status": "canceled"},
    ),
    (
        "billing/customer.subscription.updated.not_ours",
        "billing.subscription.changed",
        {"status": "past_due", "cancel_at_period_end": False},
    ),
    (
        "billing/invoice.created",
        "billing.invoice.created",
        {"subscription_id": "sub_1QxTeam", "amount_minor": 4900, "currency": "EUR"},
    ),
    ("billing/invoice.created.single", "billing.invoice.created", {"amount_minor": 1990}),
    (
        "shop/checkouts.update",
        "shop.cart.updated",
        {
            "cart_token": "eeafa272cebfd4b22385bc4b645e762c",
            "email": "sofia@customer.example",
            "total_minor": 14820,
        },
    ),
    (
        "shop/checkouts.update.nobody_yet",
        "shop.cart.updated",
        {"cart_token": "9f1b7c0de5a94c2f8f0a6b1c2d3e4f50", "total_minor": 8000, "currency": "JPY"},
    ),
    (
        "pager/page.acknowledged",
        "oncall.page.acknowledged",
        {
            "by": "Lena Moritz",
            "page_key": "0199c8f2-1111-7000-8000-000000000001:sla-escalation:page",
        },
    ),
    ("meshline/sla.promise.warned", "sla.promise.warned", {"level": "75", "metric": "first_reply"}),
    ("meshline/handoff.opened", "handoff.opened", {"handoff_id": "H-12"}),
    ("meshline/handoff.escalated", "handoff.escalated", {"rota": "billing-primary"}),
    ("meshline/sla.promise.broken", "sla.promise.broken", {"level": "100", "target_s": 8.0}),
]


@pytest.mark.parametrize(("name", "contract", "data"), EVENTS, ids=[row[0] for row in EVENTS])
def test_a_vendors_body_becomes_a_payload_that_keeps_its_contract(
    name: str, contract: str, data: dict[str, Any]
) -> None:
    found = mapped(name)

    payload: Any = found.payload
    assert (found.disposition, list(found.problems)) == ("event", [])
    assert found.contract == contract
    assert [str(one) for one in pilot.contracts()[contract].violations(payload)] == []
    assert {key: payload["data"][key] for key in data} == data
    assert found.external_id == payload["id"]
    assert found.occurred_at is not None


def test_every_rule_of_every_source_is_met_by_a_body() -> None:
    met = {(name.partition("/")[0], contract) for name, contract, _ in EVENTS}
    rules = {
        (source.name, rule.contract)
        for source in pilot.sources().values()
        for rule in source.events
    }

    assert rules == met


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("helpdesk/ticket.comment_added.our_own", True),
        ("helpdesk/ticket.status_changed.our_own", True),
        ("helpdesk/ticket.comment_added.agent", False),
        ("helpdesk/ticket.status_changed", False),
        ("helpdesk/refund_requested", False),
        # Acknowledgements of our own requests carry our mark, and are what the runs wait for.
        ("billing/refund.updated.succeeded", False),
        ("billing/customer.subscription.updated", False),
        ("billing/refund.created.by_hand", False),
        ("billing/invoice.created", False),
        ("shop/checkouts.update", False),
        ("meshline/sla.promise.broken", False),
    ],
)
def test_what_we_wrote_ourselves_is_told_apart(name: str, own: bool) -> None:
    assert mapped(name).own_write is own


@pytest.mark.parametrize("name", ["billing/charge.succeeded", "helpdesk/ticket.tags_changed"])
def test_a_kind_that_nobody_needs_is_kept_and_starts_nothing(name: str) -> None:
    assert mapped(name).disposition == "ignored"


def test_a_kind_that_nobody_knows_is_seen_as_such() -> None:
    body = {**pilot.payload("billing/charge.succeeded"), "type": "tax.settings.updated"}

    found = map_delivery(pilot.sources()["billing"], headers={}, body=body)

    assert found.disposition == "unmatched"


def test_a_refund_of_nothing_breaks_its_contract_and_says_where() -> None:
    found = mapped("helpdesk/refund_requested.no_amount")

    violations = pilot.contracts()[found.contract].violations(found.payload)

    assert [violation.path for violation in violations] == ["/data/amount_minor"]


def test_a_status_that_billing_never_had_before_is_a_problem_and_no_guess() -> None:
    found = mapped("billing/refund.updated.unknown_status")

    assert found.contract == "billing.refund.completed"
    assert found.problems


def test_optional_values_that_a_body_does_not_have_are_left_out() -> None:
    ticket: Any = mapped("helpdesk/ticket.created.abandoned_cart").payload
    subscription: Any = mapped("billing/customer.subscription.updated.not_ours").payload
    cart: Any = mapped("shop/checkouts.update.nobody_yet").payload
    invoice: Any = mapped("billing/invoice.created.single").payload

    assert not {"order_id", "cart_token", "email"} & ticket["data"].keys()
    assert "reference" not in subscription["data"]
    assert "email" not in cart["data"]
    assert "subscription_id" not in invoice["data"]


def test_a_cart_without_a_time_of_its_own_takes_the_shops() -> None:
    cart: Any = mapped("shop/checkouts.update.nobody_yet").payload

    assert cart["time"].startswith("2026-11-23T10:00:01")
