"""The worst moments to die, one after the other: each refund is made once, each event is one."""

from __future__ import annotations

import pytest

from tests.flows.crash_points import TRAPS
from tests.flows.deliveries import agents_comment, deliver, refund_request, stored
from tests.flows.stack import Stack

pytestmark = pytest.mark.xdist_group("flows")


def test_a_worker_may_die_at_any_point_of_a_refund(stack: Stack) -> None:
    stack.kill("worker")
    made = {}
    for point in TRAPS:
        stack.start("worker", crash=point)
        made[point] = stack.sandbox.act("refund_request")
        stack.await_death("worker")
    stack.start("worker")

    runs = {point: stack.ended(str(one["ticket_id"])) for point, one in made.items()}

    assert {run["state"] for run in runs.values()} == {"succeeded"}
    books = stack.sandbox.books()
    refunds = {point: books["by_refund"][one["refund_id"]] for point, one in made.items()}
    assert {point: refund["applied"] for point, refund in refunds.items()} == dict.fromkeys(
        TRAPS, 1
    )
    tickets = [books["by_ticket"][refund["ticket"]] for refund in refunds.values()]
    assert {(ticket["status"], ticket["mails"]) for ticket in tickets} == {("solved", 1)}
    # Who dies with the lease or the call in hand is seen as a recovery, not as a matter of course.
    for point in ("after_lease", "after_intent", "after_call", "inside_checkpoint"):
        assert runs[point]["outcome"] == "recovered", point


def test_a_web_server_that_dies_after_the_commit_keeps_the_event(stack: Stack) -> None:
    # Workers are told only of what starts something.
    sent = {
        "before_nudge": ("9912501", refund_request("9912501")),
        "after_commit": ("9912502", agents_comment("9912502")),
    }
    stack.kill("web")
    stack.start("web", crash="web")
    stack.await_web()

    for point, (ticket, raw) in sent.items():
        stack.arm("web")
        answers = [deliver(stack, raw, **{"X-Crash-Here": point})]
        stack.await_web()
        answers.append(deliver(stack, raw))

        assert [answer["status"] for answer in answers] == [0, 202], point
        assert answers[1]["duplicate"] is True, point
        assert len(stored(stack, ticket)) == 1, point

    stack.kill("web")
    stack.start("web")
    stack.await_web()
