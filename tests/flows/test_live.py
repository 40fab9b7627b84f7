"""Chapter 1, Live: straight through, and what comes twice counts once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.api.signing import signed
from tests.builders import next_id, refund_requested
from tests.flows.stack import SECRETS, Stack

pytestmark = pytest.mark.xdist_group("flows")


def test_a_refund_goes_straight_through_to_ticket_and_customer(stack: Stack) -> None:
    made = stack.scenario("plain")

    run = stack.ended(made["ticket_id"])

    assert (run["state"], run["outcome"]) == ("succeeded", "straight")
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
    body = refund_requested(ticket="9912345", refund_id=next_id("rf"))
    raw = json.dumps(body).encode()

    def send(_: int) -> httpx.Response:
        headers = signed("zendesk", raw, secret=SECRETS["helpdesk"])
        headers["Content-Type"] = "application/json"
        url = f"{stack.address}/api/v1/ingest/helpdesk"
        return httpx.post(url, content=raw, headers=headers, timeout=20)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))

    assert {answer.status_code for answer in answers} == {202}
    assert sum(not answer.json()["duplicate"] for answer in answers) == 1
    assert len({answer.json()["event_id"] for answer in answers}) == 1
    assert len(_events_of(stack, str(body["id"]))) == 1


def test_a_changed_body_under_a_known_id_is_refused_and_kept_in_sight(stack: Stack) -> None:
    made = stack.scenario("plain")
    stack.ended(made["ticket_id"])
    raw = json.dumps({**refund_requested(), "id": made["delivery_id"]}).encode()

    answer = httpx.post(
        f"{stack.address}/api/v1/ingest/helpdesk",
        content=raw,
        headers={
            **signed("zendesk", raw, secret=SECRETS["helpdesk"]),
            "Content-Type": "application/json",
        },
        timeout=20,
    )

    assert answer.status_code == 409
    conflicts = stack.rows(
        "SELECT raw FROM orchestration_deliveryconflict WHERE external_id = %s", made["delivery_id"]
    )
    assert [bytes(one["raw"]) for one in conflicts] == [raw]
    assert stack.refund(made)["applied"] == 1


def _events_of(stack: Stack, external_id: str) -> list[dict[str, object]]:
    return stack.rows("SELECT id FROM orchestration_event WHERE external_id = %s", external_id)
