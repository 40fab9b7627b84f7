"""Chapter 5, Context: tickets without a cart are counted, and one backfill completes them."""

from __future__ import annotations

import pytest

from tests.flows.stack import Stack

pytestmark = pytest.mark.xdist_group("flows")

MANY = 4


def test_a_cart_that_the_shop_knows_is_written_into_the_ticket(stack: Stack) -> None:
    cart = stack.sandbox.act("cart", email="rosa.blom@post.example", total_minor=14820)
    ticket = stack.sandbox.act(
        "ticket", name="Rosa Blom", email="Rosa.Blom@Post.Example", tags=["abandoned-cart"]
    )

    run = stack.ended(ticket["ticket_id"], flow="cart-context")

    assert run["state"] == "succeeded"
    assert stack.ticket(ticket["ticket_id"])["cart"] is True
    assert cart["cart_token"]


def test_one_backfill_completes_the_tickets_whose_cart_came_later(stack: Stack) -> None:
    made = [stack.scenario("unknown_cart") for _ in range(MANY)]
    for one in made:
        assert stack.ended(one["ticket_id"], flow="cart-context")["state"] == "failed"
        reasons = [handoff["reason"] for handoff in stack.handoffs(one["ticket_id"])]
        assert reasons == ["partial_enrichment"]
        stack.sandbox.act("cart_known", cart_token=one["cart_token"])

    answer = stack.press(
        "tomas", stack.handoffs(made[0]["ticket_id"])[0], "flow.backfill", reason="They are known"
    )

    assert answer.status == 200
    for one in made:
        stack.until(
            lambda ticket=one["ticket_id"]: stack.ticket(ticket)["cart"],  # type: ignore[misc]
            "the cart is in the ticket",
        )
    backfill = stack.until(_done(stack), "the backfill is done")
    assert backfill[0]["total"] == MANY
    assert {stack.handoffs(one["ticket_id"])[0]["state"] for one in made} == {"resolved"}


def _done(stack: Stack):  # type: ignore[no-untyped-def]
    return lambda: stack.rows("SELECT total FROM runbooks_backfill WHERE state = 'done'")
