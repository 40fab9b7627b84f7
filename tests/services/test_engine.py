"""The engine against real HTTP systems: effects once, acknowledgement before the ticket."""

from __future__ import annotations

import pytest

from orchestration.models import Effect, Handoff
from orchestration.services import driver
from tests.builders import accepted, refund_webhook, run_of
from tests.sandbox_process import Sandbox
from tests.services.drive import drained_to_step, given_request, silence_passes

pytestmark = pytest.mark.django_db


def test_refund_goes_through_only_after_billing_has_acknowledged_it(sandbox: Sandbox) -> None:
    request = given_request(sandbox)
    receipt = accepted("helpdesk", request)
    driver.drain()

    before = run_of(receipt)
    ticket = f"desk:{request['ticket_id']}"
    assert (before.state, before.step) == ("waiting", "billing_ack")
    assert sandbox.books()["by_ticket"][ticket]["status"] != "solved"

    accepted("billing", refund_webhook(request))
    driver.drain()

    books = sandbox.books()
    run = run_of(receipt)
    assert (run.state, run.outcome) == ("succeeded", "straight")
    assert books["by_refund"][request["refund_id"]]["applied"] == 1
    assert books["by_ticket"][ticket]["status"] == "solved"
    assert books["by_ticket"][ticket]["mails"] == 1


def test_acknowledgement_that_comes_before_the_wait_is_matched(sandbox: Sandbox) -> None:
    request = given_request(sandbox)
    receipt = accepted("helpdesk", request)
    accepted("billing", refund_webhook(request))

    driver.drain()

    assert run_of(receipt).state == "succeeded"


def test_refund_that_was_done_but_not_answered_is_made_once(sandbox: Sandbox) -> None:
    request = given_request(sandbox)
    charge = request["charge_id"]
    sandbox.fault("billing", "create_refund", "do_and_time_out", times=1, match={"charge": charge})
    receipt = accepted("helpdesk", request)

    run = drained_to_step(receipt, "billing_ack")

    assert run.step == "billing_ack"
    assert sandbox.books()["by_refund"][request["refund_id"]]["applied"] == 1
    effect = Effect.objects.get(event_id=receipt.event_id, path="refund")
    assert (effect.state, effect.attempts) == ("done", 2)


def test_refund_that_billing_refuses_is_in_front_of_a_person(sandbox: Sandbox) -> None:
    request = given_request(sandbox)
    request["charge_id"] = "ch_nowhere"
    receipt = accepted("helpdesk", request)

    driver.drain()

    handoff = Handoff.objects.get(event_id=receipt.event_id)
    assert run_of(receipt).state == "failed"
    assert handoff.ticket == f"desk:{request['ticket_id']}"
    assert (handoff.amount_minor, handoff.currency) == (2500, "EUR")


def test_refund_that_billing_dropped_is_in_doubt_until_it_is_acknowledged(sandbox: Sandbox) -> None:
    request = given_request(sandbox)
    charge = {"charge": request["charge_id"]}
    sandbox.fault("billing", "create_refund", "ack_no_apply", match=charge)
    receipt = accepted("helpdesk", request)
    driver.drain()
    assert run_of(receipt).step == "billing_ack"
    silence_passes(receipt, times=3)

    effect = Effect.objects.get(event_id=receipt.event_id, path="refund")
    assert (run_of(receipt).state, effect.state) == ("failed", "unknown")
    assert sandbox.books()["by_refund"][request["refund_id"]]["applied"] == 0

    accepted("billing", refund_webhook(request))
    driver.drain()

    effect.refresh_from_db()
    assert (run_of(receipt).state, effect.state) == ("succeeded", "done")
