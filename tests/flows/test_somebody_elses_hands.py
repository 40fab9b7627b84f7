"""Chapter 4, Somebody else's hands: refunds made, half made and undone outside Meshline."""

from __future__ import annotations

import pytest

from tests.flows.stack import Row, Stack

pytestmark = pytest.mark.xdist_group("flows")


def test_a_refund_made_in_billings_own_screen_is_adopted_not_repeated(stack: Stack) -> None:
    made = stack.scenario("done_by_hand")

    run = stack.ended(made["ticket_id"])

    assert run["state"] == "succeeded"
    refund = stack.refund(made)
    assert (refund["applied"], refund["by_hand"]) == (1, True)
    effects = stack.rows(
        "SELECT adopted, state FROM orchestration_effect "
        "WHERE ticket = %s AND scope = 'billing.create_refund'",
        f"desk:{made['ticket_id']}",
    )
    assert effects == [{"adopted": True, "state": "done"}]
    assert stack.ticket(made["ticket_id"])["mails"] == 1


def test_a_partial_refund_that_nobody_can_explain_goes_to_a_person(stack: Stack) -> None:
    made = stack.scenario("ambiguous_partial")

    run = stack.ended(made["ticket_id"])

    assert run["state"] == "failed"
    assert [one["reason"] for one in stack.handoffs(made["ticket_id"])] == ["ambiguous_refund"]
    assert stack.refund(made)["applied"] == 0
    assert stack.ticket(made["ticket_id"])["mails"] == 0


def test_a_success_that_fails_later_reopens_ticket_and_promise(stack: Stack) -> None:
    made = stack.scenario("success_then_failure")
    assert stack.ended(made["ticket_id"])["state"] == "succeeded"

    stack.ended(made["ticket_id"], flow="refund-reversal")

    assert [one["reason"] for one in stack.handoffs(made["ticket_id"])] == ["refund_reversed"]
    told = stack.ticket(made["ticket_id"])
    assert (told["status"], told["mails"]) == ("open", 1)
    promise = stack.rows(
        "SELECT generation, stopped_at FROM orchestration_slatimer "
        "WHERE ticket = %s AND metric = 'refund_confirmed'",
        f"desk:{made['ticket_id']}",
    )
    assert promise == [{"generation": 2, "stopped_at": None}]


def test_an_invoice_after_the_cancellation_is_a_handoff_with_the_money_on_it(
    stack: Stack,
) -> None:
    match = {"subscription": "sub_overtaken1"}
    stack.sandbox.fault("billing", "customer.subscription.updated", "drop_webhook", match=match)
    made = stack.sandbox.act("cancellation_request", subscription_id="sub_overtaken1")
    stack.until(lambda: _cancellation(stack, made)["cancelled"], "billing has cancelled it")

    # It comes before billing's confirmation, which is lost and has to be asked for.
    stack.sandbox.act("invoice", subscription_id=made["subscription_id"], amount_minor=2900)
    stack.ended(made["ticket_id"], flow="invoice-after-cancel")

    handoff = stack.handoffs(made["ticket_id"])[-1]
    assert handoff["reason"] == "invoice_after_cancellation"
    assert (handoff["amount_minor"], handoff["currency"]) == (2900, "EUR")
    assert stack.ended(made["ticket_id"], flow="subscription-cancel")["state"] == "succeeded"
    assert _cancellation(stack, made)["applied"] == 1


def _cancellation(stack: Stack, made: Row) -> Row:
    found: Row = stack.sandbox.books()["by_cancellation"][made["cancellation_id"]]
    return found
