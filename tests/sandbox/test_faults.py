"""Each fault switch does what it says, as often as it says, and leaves no other trace."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.sandbox.running import Catcher, RunningSandbox, until


def _quick(sandbox: RunningSandbox, **more: object) -> dict[str, str]:
    """A refund request whose refund settles at once."""
    made: dict[str, str] = sandbox.act("refund_request", habit={"settle_s": 0.1, **more})
    return made


def test_status_answers_as_often_as_told_and_applies_nothing(sandbox: RunningSandbox) -> None:
    ask = _quick(sandbox)
    sandbox.fault("billing", "status", "create_refund", status=429, retry_after=1, times=2)

    answers = [sandbox.refund(ask) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "1"
    assert answers[0].json()["error"]["type"] == "rate_limit_error"
    assert sandbox.books()["by_refund"][ask["refund_id"]]["applied"] == 1


def test_a_fault_ends_after_its_seconds(sandbox: RunningSandbox) -> None:
    ask = _quick(sandbox)
    sandbox.fault("billing", "status", "create_refund", seconds=0.3)

    assert sandbox.refund(ask).status_code == 503
    time.sleep(0.4)
    assert sandbox.refund(ask).status_code == 200


def test_a_fault_for_one_charge_leaves_the_others_alone(sandbox: RunningSandbox) -> None:
    one, other = _quick(sandbox), _quick(sandbox)
    sandbox.fault("billing", "status", "create_refund", match={"charge": one["charge_id"]})

    assert sandbox.refund(one, key="one").status_code == 503
    assert sandbox.refund(other, key="other").status_code == 200


def test_slow_applies_first_and_answers_late(sandbox: RunningSandbox) -> None:
    ask = _quick(sandbox)
    sandbox.fault("billing", "slow", "create_refund", delay_s=0.6, times=1)
    begun = time.monotonic()

    assert sandbox.refund(ask).status_code == 200
    assert time.monotonic() - begun > 0.6


def test_garbage_is_no_json(sandbox: RunningSandbox) -> None:
    sandbox.fault("billing", "garbage", "create_refund", times=1)
    ask = _quick(sandbox)

    answer = sandbox.refund(ask)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html"
    assert sandbox.books()["by_refund"][ask["refund_id"]]["applied"] == 0


def test_do_and_time_out_does_it_and_cuts_the_line(sandbox: RunningSandbox) -> None:
    ask = _quick(sandbox)
    sandbox.fault("billing", "do_and_time_out", "create_refund", delay_s=0.1, times=1)

    with pytest.raises(httpx.RemoteProtocolError):
        sandbox.refund(ask)

    again = sandbox.refund(ask)
    entry = sandbox.books()["by_refund"][ask["refund_id"]]
    assert entry["billing_ids"] == [again.json()["id"]]


def test_ack_no_apply_says_200_and_keeps_neither_refund_nor_key(
    sandbox: RunningSandbox, meshline: Catcher
) -> None:
    ask = _quick(sandbox)
    sandbox.fault("billing", "ack_no_apply", "create_refund")

    assert sandbox.refund(ask).status_code == 200
    assert sandbox.refund(ask).status_code == 200
    assert sandbox.books()["by_refund"][ask["refund_id"]]["applied"] == 0
    assert sandbox.record("billing")["applied"] == []

    sandbox.clear_faults()
    sandbox.refund(ask)

    assert len(meshline.wait("refund.updated")) == 1
    assert sandbox.books()["by_refund"][ask["refund_id"]]["applied"] == 1


def test_forget_keys_makes_the_same_key_refund_twice(sandbox: RunningSandbox) -> None:
    ask = _quick(sandbox)
    sandbox.fault("billing", "forget_keys")

    sandbox.refund(ask)
    sandbox.refund(ask)

    assert sandbox.books()["refunds_doubled"] == 1


def test_drop_webhook_sends_none(sandbox: RunningSandbox, meshline: Catcher) -> None:
    lost, told = _quick(sandbox), _quick(sandbox)
    sandbox.fault("billing", "drop_webhook", match={"charge": lost["charge_id"]})

    sandbox.refund(lost, key="lost")
    sandbox.refund(told, key="told")

    heard = meshline.wait("refund.updated")
    references = {one.json["data"]["object"]["metadata"]["reference"] for one in heard}
    assert references == {told["refund_id"]}
    assert sandbox.books()["webhooks_dropped"] >= 1


def test_late_webhook_comes_late(sandbox: RunningSandbox, meshline: Catcher) -> None:
    ask = _quick(sandbox, pending=False)
    sandbox.fault("billing", "late_webhook", "refund.updated", delay_s=1.0)
    begun = time.monotonic()

    sandbox.refund(ask)

    assert meshline.wait("refund.updated")[0].at - begun > 1.0


def test_twice_webhook_sends_the_same_bytes_twice_at_the_same_moment(
    sandbox: RunningSandbox, meshline: Catcher
) -> None:
    sandbox.fault("helpdesk", "twice_webhook", "meshline.refund_requested", times=1)

    sandbox.act("refund_request")

    first, second = meshline.wait("meshline.refund_requested", 2)
    assert first.body == second.body
    assert abs(second.at - first.at) < 0.4
    assert until(lambda: sandbox.books()["webhooks_twice"]) == 1


def test_out_of_order_lets_the_later_one_pass(sandbox: RunningSandbox, meshline: Catcher) -> None:
    ask = _quick(sandbox, pending=True)
    sandbox.fault("billing", "out_of_order", "refund.created", delay_s=1.0)

    sandbox.refund(ask)

    meshline.wait("refund.created")
    kinds = [one.kind for one in meshline.deliveries if one.source == "billing"]
    assert kinds == ["refund.updated", "refund.created"]


def test_clock_fast_runs_ahead_in_body_and_signature(
    sandbox: RunningSandbox, meshline: Catcher
) -> None:
    ask = _quick(sandbox)
    sandbox.fault("billing", "clock_fast", delay_s=120)

    sandbox.refund(ask)

    told = meshline.wait("refund.updated")[0]
    signed = int(told.headers["stripe-signature"].split(",")[0].removeprefix("t="))
    assert 110 < signed - time.time() < 130
    assert 110 < told.json["created"] - time.time() < 130


@pytest.mark.parametrize(
    "wanted",
    [
        {"system": "moon", "fault": "slow"},
        {"system": "billing", "fault": "explode"},
        {"system": "billing", "fault": "slow", "op": "fly"},
        {"system": "billing", "fault": "slow", "times": "many"},
        {"system": "billing", "fault": "status", "status": 200},
        {"system": "billing", "fault": "status", "status": 999},
        {"system": "billing", "fault": "slow", "match": {"moon": "full"}},
    ],
)
def test_a_switch_that_cannot_be_is_refused(
    steady: RunningSandbox, wanted: dict[str, object]
) -> None:
    answer = steady.client.post("/_faults", json=wanted)

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert steady.client.get("/_faults").json()["faults"] == []


def test_form_that_is_refused_says_so_on_the_page(steady: RunningSandbox) -> None:
    wanted = {"system": "billing", "fault": "status", "status": "999"}

    answer = steady.client.post("/_faults", data=wanted)

    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert "Not done: Status 999 is no error; give one from 400 to 599." in answer.text
    assert "<h2>Fault switches</h2>" in answer.text


def test_switches_are_cleared_one_by_one_by_system_and_all(sandbox: RunningSandbox) -> None:
    for system in ("billing", "billing", "shop", "pager"):
        sandbox.fault(system, "slow", delay_s=1)
    first = sandbox.client.get("/_faults").json()["faults"][0]["id"]

    assert sandbox.client.delete(f"/_faults/{first}").json() == {"cleared": 1}
    by_system = {"clear": {"system": "billing"}}
    assert sandbox.client.post("/_faults", json=by_system).json() == {"cleared": 1}
    assert sandbox.client.post("/_faults", json={"clear": True}).json() == {"cleared": 2}
