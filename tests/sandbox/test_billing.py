"""Simulated billing keeps its promises: one refund for one key, and words like Stripe's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.running import Catcher, RunningSandbox, until


def test_the_same_key_gives_the_same_refund(sandbox: RunningSandbox) -> None:
    ask = sandbox.act("refund_request")

    first, second = sandbox.refund(ask), sandbox.refund(ask)

    assert first.status_code == 200
    assert second.json()["id"] == first.json()["id"]
    assert second.headers["idempotent-replayed"] == "true"
    assert sandbox.books()["by_refund"][ask["refund_id"]]["applied"] == 1


def test_eight_requests_at_once_under_one_key_make_one_refund(sandbox: RunningSandbox) -> None:
    ask = sandbox.act("refund_request")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: sandbox.refund(ask), range(8)))

    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sandbox.books()["refunds_doubled"] == 0


def test_the_same_key_with_other_parameters_is_refused(sandbox: RunningSandbox) -> None:
    ask = sandbox.act("refund_request")
    sandbox.refund(ask)

    answer = sandbox.refund(ask, amount="2400")

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "idempotency_error"


def test_two_keys_make_two_refunds_and_the_books_say_so(sandbox: RunningSandbox) -> None:
    ask = sandbox.act("refund_request")
    sandbox.refund(ask, key="one")
    sandbox.refund(ask, key="two")

    assert sandbox.books()["refunds_doubled"] == 1


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"charge": "ch_nowhere"}, 404, "resource_missing"),
        ({"amount": "0"}, 400, "parameter_invalid_integer"),
        ({"amount": "12.50"}, 400, "parameter_invalid_integer"),
        ({"amount": "99999999"}, 400, "amount_too_large"),
        ({"colour": "red"}, 400, "parameter_unknown"),
    ],
)
def test_a_wrong_refund_is_refused_in_stripes_words_and_its_key_stays_free(
    sandbox: RunningSandbox, form: dict[str, str], status: int, code: str
) -> None:
    ask = sandbox.act("refund_request")

    refused = sandbox.refund(ask, **form)

    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert sandbox.refund(ask).status_code == 200


def test_a_missing_token_is_401(sandbox: RunningSandbox) -> None:
    answer = sandbox.client.get("/billing/v1/refunds", headers={"Authorization": "Bearer wrong"})

    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_refund_is_found_by_reference_and_by_charge(sandbox: RunningSandbox) -> None:
    ask = sandbox.act("refund_request")
    made = sandbox.refund(ask).json()["id"]
    query = {"query": f"metadata['reference']:'{ask['refund_id']}'"}

    found = sandbox.client.get("/billing/v1/refunds/search", params=query).json()
    listed = sandbox.client.get("/billing/v1/refunds", params={"charge": ask["charge_id"]}).json()

    assert [one["id"] for one in found["data"]] == [made]
    assert [one["id"] for one in listed["data"]] == [made]


@pytest.mark.parametrize("pending", [True, False])
def test_a_refund_is_acknowledged_by_webhook(
    sandbox: RunningSandbox, meshline: Catcher, pending: bool
) -> None:
    ask = sandbox.act("refund_request", habit={"pending": pending, "settle_s": 0.2})

    answer = sandbox.refund(ask).json()

    assert answer["status"] == ("pending" if pending else "succeeded")
    acknowledged = meshline.wait("refund.updated")[0].json["data"]["object"]
    assert acknowledged["status"] == "succeeded"
    assert acknowledged["metadata"]["reference"] == ask["refund_id"]
    assert len(meshline.of("refund.created")) == pending


def test_a_refund_made_by_hand_has_no_reference_until_it_is_adopted(
    sandbox: RunningSandbox, meshline: Catcher
) -> None:
    by_hand = sandbox.act("refund_by_hand", amount_minor=2500)
    ask = sandbox.act("refund_request", charge_id=by_hand["charge_id"])
    noticed = meshline.wait("refund.created")[0].json["data"]["object"]

    form = {"metadata[reference]": ask["refund_id"]}
    sandbox.client.post(f"/billing/v1/refunds/{by_hand['billing_id']}", data=form)

    assert noticed["metadata"] == {}
    adopted = meshline.wait("refund.updated")[0].json["data"]["object"]
    assert adopted["metadata"]["reference"] == ask["refund_id"]
    entry = sandbox.books()["by_refund"][ask["refund_id"]]
    assert (entry["applied"], entry["by_hand"]) == (1, True)


def test_a_success_can_fail_later(sandbox: RunningSandbox, meshline: Catcher) -> None:
    ask = sandbox.act("refund_request", habit={"settle_s": 0.1, "fail_after_s": 0.2})
    sandbox.refund(ask)

    failed = meshline.wait("refund.failed")[0].json["data"]["object"]

    assert failed["failure_reason"]
    assert sandbox.books()["by_refund"][ask["refund_id"]]["status"] == "failed"


def test_a_cancellation_is_applied_once_and_told(
    sandbox: RunningSandbox, meshline: Catcher
) -> None:
    ask = sandbox.act("cancellation_request")
    path = f"/billing/v1/subscriptions/{ask['subscription_id']}"
    form = {"cancel_at_period_end": "true", "metadata[reference]": ask["cancellation_id"]}

    for _ in range(2):
        answer = sandbox.client.post(path, data=form, headers={"Idempotency-Key": "c-1"})
        assert answer.json()["cancel_at_period_end"] is True

    told = meshline.wait("customer.subscription.updated")[0].json["data"]["object"]
    assert told["metadata"]["reference"] == ask["cancellation_id"]
    assert sandbox.books()["by_cancellation"][ask["cancellation_id"]]["applied"] == 1


def test_a_dropped_webhook_stands_in_the_list_of_events(
    sandbox: RunningSandbox, meshline: Catcher
) -> None:
    ask = sandbox.act("refund_request", habit={"pending": False, "settle_s": 0.1})
    sandbox.fault("billing", "drop_webhook", "refund.updated", match={"charge": ask["charge_id"]})
    sandbox.refund(ask)
    meshline.wait("meshline.refund_requested")

    def listed() -> list[str]:
        asked = {"types[]": "refund.updated", "created[gte]": "1"}
        events = sandbox.client.get("/billing/v1/events", params=asked).json()["data"]
        return [event["data"]["object"]["metadata"]["reference"] for event in events]

    assert until(listed) == [ask["refund_id"]]
    assert meshline.of("refund.updated") == []
