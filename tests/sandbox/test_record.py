"""The record outlives the process, and the server outlives its clients."""

from __future__ import annotations

import re
import socket

import pytest

from meshline.sandbox.scenarios import SCENARIOS
from tests.sandbox.running import Catcher, RunningSandbox


def test_a_refund_outlives_kill_9_with_its_key_and_its_webhook(
    sandbox: RunningSandbox, meshline: Catcher
) -> None:
    ask = sandbox.act("refund_request", habit={"pending": True, "settle_s": 1.5})
    made = sandbox.refund(ask).json()["id"]

    sandbox.kill()
    sandbox.start()

    assert sandbox.refund(ask).json()["id"] == made
    told = meshline.wait("refund.updated")
    assert [one.json["data"]["object"]["id"] for one in told] == [made]
    requests = sandbox.record("billing")["requests"]
    assert [one["op"] for one in requests] == ["create_refund", "create_refund"]
    assert sandbox.books()["refunds_doubled"] == 0


def test_undelivered_webhooks_outlive_kill_9(sandbox: RunningSandbox, meshline: Catcher) -> None:
    meshline.status = 503
    ticket = sandbox.act("ticket")["ticket_id"]
    meshline.wait("zen:event-type:ticket.created")

    sandbox.kill()
    meshline.status, meshline.deliveries = 202, []
    sandbox.start()

    created = meshline.wait("zen:event-type:ticket.created")
    assert created[0].json["detail"]["id"] == ticket


def test_the_story_goes_on_after_kill_9_and_doubles_nothing(
    sandbox: RunningSandbox, meshline: Catcher
) -> None:
    sandbox.client.post("/_story/start")
    meshline.wait("meshline.refund_requested", 5)

    sandbox.kill()
    sandbox.start()

    meshline.wait("meshline.refund_requested", 20, within_s=12)
    assert sandbox.client.get("/_story").json()["state"] == "running"
    asked = {
        one.json["id"]: one.json["refund_id"] for one in meshline.of("meshline.refund_requested")
    }
    assert len(set(asked.values())) == len(asked)
    created = meshline.of("zen:event-type:ticket.created")
    tickets = {one.json["id"]: one.json["detail"]["id"] for one in created}
    assert len(set(tickets.values())) == len(tickets)


def test_the_story_can_be_held_and_started_over(sandbox: RunningSandbox, meshline: Catcher) -> None:
    sandbox.client.post("/_story/start")
    first = meshline.wait("meshline.refund_requested")[0].json

    assert sandbox.client.post("/_story/pause").json()["state"] == "paused"
    assert sandbox.client.post("/_story/pause").json()["state"] == "running"
    again = sandbox.client.post("/_story/again").json()

    assert (again["state"], again["generation"], again["elapsed_s"]) == ("running", 2, 0)
    maja = [one.json for one in meshline.wait("meshline.refund_requested", 3)
            if one.json["requester_name"] == first["requester_name"]]  # fmt: skip
    assert len({one["refund_id"] for one in maja}) == len(maja)


def test_it_ends_on_sigterm(sandbox: RunningSandbox) -> None:
    assert sandbox.stop() == 0
    sandbox.start()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /billing/v1/refunds HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST /billing/v1/refunds HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /_act HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST /_act HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\n\xff\xfe{", 400),
        (b"GET /_books HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
        (b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"PUT /_faults HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 405),
        (b"GET /%ff%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"nonsense\r\n\r\n", 400),
    ],
)
def test_a_bad_request_gets_an_answer_and_does_no_harm(
    steady: RunningSandbox, sent: bytes, status: int
) -> None:
    port = int(steady.base.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        answer = b""
        while part := line.recv(65536):
            answer += part

    found = re.search(rb"HTTP/1\.1 (\d+)|Error code: (\d+)", answer)
    assert found is not None, answer
    assert int(found[1] or found[2]) == status
    assert steady.client.get("/_health").json() == {"ok": True}


def test_another_sites_form_is_refused(sandbox: RunningSandbox) -> None:
    answer = sandbox.client.post("/_story/start", headers={"Origin": "https://evil.example"})

    assert answer.status_code == 403
    assert sandbox.client.get("/_story").json()["state"] == "not_started"


def test_the_page_works_without_a_script(sandbox: RunningSandbox) -> None:
    form = {
        "system": "billing",
        "fault": "slow",
        "op": "create_refund",
        "times": "1",
        "delay_s": "",
    }

    answer = sandbox.client.post("/_faults", data=form)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    page = sandbox.client.get("/").text
    assert "<script" not in page
    assert "create_refund" in page
    assert "Turn off" in page


@pytest.mark.parametrize(
    "wanted", [{"do": "fly"}, {"do": "comment"}, {"do": "ticket_status", "ticket_id": "1"}]
)
def test_an_act_that_cannot_be_done_is_refused(
    steady: RunningSandbox, wanted: dict[str, str]
) -> None:
    answer = steady.client.post("/_act", json=wanted)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_every_scenario_asks_for_one_refund(sandbox: RunningSandbox, meshline: Catcher) -> None:
    made = {name: sandbox.act("scenario", name=name) for name in sorted(SCENARIOS)}
    cart = made.pop("unknown_cart")

    told = meshline.wait("meshline.refund_requested", len(made) + 1)  # one of them comes twice

    asked = {one.json["refund_id"]: one.json["charge_id"] for one in told}
    assert asked == {one["refund_id"]: one["charge_id"] for one in made.values()}
    assert cart["cart_token"]
