"""Chapter 1, Live: straight through, and what comes twice counts once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.flows.deliveries import agents_comment, deliver, stored
from tests.flows.stack import Stack

pytestmark = pytest.mark.xdist_group("flows")


def test_a_refund_goes_straight_through_to_ticket_and_customer(stack: Stack) -> None:
    made = stack.scenario("plain")

    run = stack.ended(made["ticket_id"])

    assert run["state"] == "succeeded"
    assert run["outcome"] != "person"  # where cores are few, seconds may pass like minutes
    assert stack.refund(made)["applied"] == 1
    told = stack.ticket(made["ticket_id"])
    assert (told["status"], told["mails"], told["public_by_meshline"]) == ("solved", 1, 0)
    assert stack.handoffs(made["ticket_id"]) == []


def test_a_webhook_and_its_twin_of_the_same_moment_make_one_refund(stack: Stack) -> None:
    made = stack.scenario("twice")

    stack.ended(made["ticket_id"])

    keys = stack.rows(
        "SELECT duplicates FROM orchestration_eventkey WHERE external_id = %s", made["delivery_id"]
    )
    assert [key["duplicates"] for key in keys] == [1]
    runs = stack.rows(
        "SELECT id FROM orchestration_run WHERE ticket = %s AND flow = 'refund-completion'",
        f"desk:{made['ticket_id']}",
    )
    assert len(runs) == 1
    assert stack.refund(made)["applied"] == 1
    assert stack.ticket(made["ticket_id"])["mails"] == 1


def test_the_same_webhook_twenty_times_at_once_is_one_event(stack: Stack) -> None:
    raw = agents_comment("9912345")

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: deliver(stack, raw), range(20)))

    assert {answer["status"] for answer in answers} == {202}
    assert sum(not answer["duplicate"] for answer in answers) == 1
    assert len({answer["event_id"] for answer in answers}) == 1
    assert len(stored(stack, "9912345")) == 1


def test_a_changed_body_under_a_known_id_is_refused_and_kept_in_sight(stack: Stack) -> None:
    first = agents_comment("9912346")
    changed = first.replace(b"on its way", b"on its long way")
    assert deliver(stack, first)["status"] == 202

    answer = deliver(stack, changed)

    assert answer["status"] == 409
    conflicts = stack.rows(
        "SELECT c.raw FROM orchestration_deliveryconflict c "
        "JOIN orchestration_event e ON e.id = c.event_id WHERE e.ticket = 'desk:9912346'"
    )
    assert [bytes(one["raw"]) for one in conflicts] == [changed]
    assert len(stored(stack, "9912346")) == 1
