"""Chapter 2, Silence: billing drops, fails, times out and stumbles; nobody is needed."""

from __future__ import annotations

import pytest

from tests.flows.stack import Row, Stack

pytestmark = pytest.mark.xdist_group("flows")


def test_a_dropped_webhook_is_found_by_a_probe(stack: Stack) -> None:
    made = stack.scenario("lost_ack")

    run = stack.ended(made["ticket_id"])

    assert (run["state"], run["outcome"]) == ("succeeded", "recovered")
    kinds = stack.kinds(run)
    assert kinds.count("billing_ack deadline noted") == 1
    assert "billing_ack probe done" in kinds
    _refunded_once_and_told_once(stack, made)


def test_an_outage_is_waited_out(stack: Stack) -> None:
    made = stack.scenario("outage")

    run = stack.ended(made["ticket_id"])

    assert (run["state"], run["outcome"]) == ("succeeded", "recovered")
    asked = [kind for kind in stack.kinds(run) if kind.startswith("refund call")]
    assert asked == [*["refund call unknown"] * 3, "refund call done"]
    _refunded_once_and_told_once(stack, made)


def test_a_refund_that_was_done_before_the_connection_died_is_not_made_again(
    stack: Stack,
) -> None:
    made = stack.scenario("done_and_timed_out")

    run = stack.ended(made["ticket_id"])

    assert run["state"] == "succeeded"
    assert "refund call unknown" in stack.kinds(run)
    _refunded_once_and_told_once(stack, made)


def test_an_acknowledgement_that_comes_late_changes_nothing(stack: Stack) -> None:
    made = stack.scenario("late_ack")

    run = stack.ended(made["ticket_id"])

    assert run["state"] == "succeeded"
    _refunded_once_and_told_once(stack, made)


def test_news_that_overtake_each_other_never_move_a_refund_backwards(stack: Stack) -> None:
    made = stack.scenario("out_of_order")

    run = stack.ended(made["ticket_id"])
    stack.until(lambda: len(_news_of(stack, made)) == 2, "the overtaken webhook came as well")

    assert run["state"] == "succeeded"
    states = stack.rows(
        "SELECT state FROM orchestration_subjectstate WHERE subject = %s", made["refund_id"]
    )
    assert [one["state"] for one in states] == ["completed"]
    _refunded_once_and_told_once(stack, made)


def test_a_clock_that_runs_fast_at_billing_changes_nothing(stack: Stack) -> None:
    made = stack.scenario("clock_drift")

    assert stack.ended(made["ticket_id"])["state"] == "succeeded"
    _refunded_once_and_told_once(stack, made)


def _refunded_once_and_told_once(stack: Stack, made: Row) -> None:
    refund = stack.refund(made)
    assert (refund["applied"], refund["status"]) == (1, "succeeded")
    told = stack.ticket(made["ticket_id"])
    assert (told["status"], told["mails"]) == ("solved", 1)
    assert stack.handoffs(made["ticket_id"]) == []


def _news_of(stack: Stack, made: Row) -> list[Row]:
    return stack.rows(
        "SELECT state_after FROM orchestration_event WHERE correlation = %s AND source = 'billing' "
        "ORDER BY id", made["refund_id"],
    )  # fmt: skip
