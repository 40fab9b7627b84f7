"""Billing: money is looked up before it moves, and adopted where a person moved it already."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration.connectors.base import Call, Endpoint
from orchestration.connectors.billing import Billing
from orchestration.rules.outcomes import Done, Refused, Transient, Unknown
from tests.connectors.peer import Peer, cuts, says

KEY = "0199c0de-0000-7000-8000-000000000001:refund-completion:refund"
ARGS = {"charge": "ch_1", "amount_minor": 21800, "reference": "rf_1"}
SEARCH, LIST = "GET /v1/refunds/search", "GET /v1/refunds"


def refund(number: str = "re_1", *, amount: int = 21800, **more: Any) -> dict[str, Any]:
    usual = {"id": number, "amount": amount, "currency": "eur", "status": "succeeded"}
    return {**usual, "charge": "ch_1", "metadata": {}, **more}


def listed(*refunds: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(refunds), "has_more": more}


@pytest.fixture
def billing(peer: Peer) -> Billing:
    peer.routes = {SEARCH: says(listed()), LIST: says(listed())}
    return Billing(Endpoint("billing", peer.url, "sk_secret"), timeout_s=5)


def create(billing: Billing, *, look_up_first: bool = True) -> Any:
    return billing.call(
        Call("billing.create_refund", ARGS, key=KEY, run="r-1", look_up_first=look_up_first)
    )


def posts(peer: Peer) -> list[tuple[str, dict[str, str]]]:
    return [(asked.path, asked.form) for asked in peer.asked if asked.method == "POST"]


OURS = {"metadata[reference]": "rf_1", "metadata[meshline_run]": "r-1"}


def test_refund_is_made_once_with_our_key_reference_and_mark(peer: Peer, billing: Billing) -> None:
    peer.routes["POST /v1/refunds"] = says(refund(status="pending"))
    made = create(billing)
    assert made == Done(
        {
            "id": "re_1",
            "status": "pending",
            "amount_minor": 21800,
            "currency": "EUR",
            "adopted": False,
        }
    )
    assert posts(peer) == [("/v1/refunds", {"charge": "ch_1", "amount": "21800", **OURS})]
    assert peer.asked[-1].headers["idempotency-key"] == KEY
    assert peer.asked[-1].headers["authorization"] == "Bearer sk_secret"


def test_refund_found_by_our_reference_is_not_made_again(peer: Peer, billing: Billing) -> None:
    peer.routes[SEARCH] = says(listed(refund(metadata={"reference": "rf_1"})))
    made = create(billing)
    assert isinstance(made, Done)
    assert (made.result["id"], made.result["adopted"]) == ("re_1", False)
    assert posts(peer) == []


def test_refund_that_the_search_does_not_know_yet_is_found_on_its_charge(
    peer: Peer, billing: Billing
) -> None:
    peer.routes[LIST] = says(listed(refund(metadata={"reference": "rf_1"})))
    assert isinstance(create(billing), Done)
    assert posts(peer) == []


def test_refund_made_by_hand_is_adopted_by_writing_our_reference_on_it(
    peer: Peer, billing: Billing
) -> None:
    peer.routes[LIST] = says(listed(refund("re_hand")))
    peer.routes["POST /v1/refunds/re_hand"] = says(refund("re_hand", metadata=OURS))
    made = create(billing)
    assert isinstance(made, Done)
    assert (made.result["id"], made.result["adopted"]) == ("re_hand", True)
    assert posts(peer) == [("/v1/refunds/re_hand", OURS)]


@pytest.mark.parametrize(
    "by_hand",
    [
        [refund("re_part", amount=5000)],
        [refund("re_more", amount=30000)],
        [refund("re_a"), refund("re_b")],
        [refund("re_a", amount=10900), refund("re_b", amount=10900)],
    ],
)
def test_refunds_by_hand_that_are_not_ours_beyond_doubt_go_to_a_person(
    peer: Peer, billing: Billing, by_hand: list[dict[str, Any]]
) -> None:
    peer.routes[LIST] = says(listed(*by_hand))
    made = create(billing)
    assert isinstance(made, Refused)
    assert made.reason == "ambiguous_refund"
    assert by_hand[0]["id"] in made.detail
    assert posts(peer) == []


def test_our_reference_on_another_amount_goes_to_a_person(peer: Peer, billing: Billing) -> None:
    peer.routes[SEARCH] = says(listed(refund(amount=1, metadata={"reference": "rf_1"})))
    assert isinstance(create(billing), Refused)
    assert posts(peer) == []


def test_refunds_that_failed_or_belong_to_another_request_do_not_count(
    peer: Peer, billing: Billing
) -> None:
    peer.routes[LIST] = says(
        listed(
            refund("re_failed", status="failed"),
            refund("re_cancelled", status="canceled"),
            refund("re_other", amount=500, metadata={"reference": "rf_other"}),
        )
    )
    peer.routes["POST /v1/refunds"] = says(refund("re_new"))
    made = create(billing)
    assert isinstance(made, Done)
    assert made.result["id"] == "re_new"


def test_hand_made_refund_on_a_later_page_of_the_list_is_found(
    peer: Peer, billing: Billing
) -> None:
    first = listed(refund("re_x", metadata={"reference": "rf_other"}), more=True)
    del peer.routes[LIST]
    peer.will(says(first), says(listed(refund("re_hand"))))
    peer.routes["POST /v1/refunds/re_hand"] = says(refund("re_hand"))
    assert isinstance(create(billing), Done)
    assert [
        asked.query.get("starting_after") for asked in peer.asked if asked.path == "/v1/refunds"
    ] == [
        None,
        "re_x",
    ]


def test_billing_without_a_search_is_looked_through_by_its_list(
    peer: Peer, billing: Billing
) -> None:
    peer.routes[SEARCH] = says({"error": {"code": "resource_missing"}}, 404)
    peer.routes[LIST] = says(listed(refund(metadata={"reference": "rf_1"})))
    found = billing.call(Call("billing.get_refund", {"reference": "rf_1"}))
    assert isinstance(found, Done)
    assert found.result["id"] == "re_1"


def test_lost_answer_is_unknown_and_the_look_up_then_finds_it(peer: Peer, billing: Billing) -> None:
    peer.routes["POST /v1/refunds"] = cuts
    assert create(billing) == Unknown("connection_lost")
    assert billing.look_up(Call("billing.create_refund", ARGS, key=KEY)) is None
    peer.routes[SEARCH] = says(listed(refund(metadata={"reference": "rf_1"})))
    found = billing.look_up(Call("billing.create_refund", ARGS, key=KEY))
    assert isinstance(found, Done)


def test_failing_look_up_makes_no_refund(peer: Peer, billing: Billing) -> None:
    peer.routes[SEARCH] = says({}, 500)
    assert create(billing) == Transient("http_500")
    assert posts(peer) == []


def test_refusal_is_told_in_billings_own_words(peer: Peer, billing: Billing) -> None:
    error = {"type": "invalid_request_error", "code": "charge_already_refunded", "message": "Gone."}
    peer.routes["POST /v1/refunds"] = says({"error": error}, 400)
    assert create(billing) == Refused("charge_already_refunded", "Gone.")


def test_same_key_at_work_elsewhere_is_transient(peer: Peer, billing: Billing) -> None:
    peer.routes["POST /v1/refunds"] = says({"error": {"code": "idempotency_key_in_use"}}, 409)
    assert create(billing) == Transient("idempotency_key_in_use")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("requires_action", "pending"), ("canceled", "failed"), ("succeeded", "succeeded")],
)
def test_status_of_a_refund_is_said_in_our_words(
    peer: Peer, billing: Billing, theirs: str, ours: str
) -> None:
    peer.routes["GET /v1/refunds/re_1"] = says(
        refund(status=theirs, metadata={"reference": "rf_1"})
    )
    found = billing.call(Call("billing.get_refund", {"billing_id": "re_1"}))
    assert found == Done(
        {
            "id": "re_1",
            "status": ours,
            "reference": "rf_1",
            "amount_minor": 21800,
            "currency": "EUR",
        }
    )


@pytest.mark.parametrize(
    ("operation", "args"),
    [
        ("billing.get_refund", {"reference": "rf_9"}),
        ("billing.get_refund", {"billing_id": "re_9"}),
        ("billing.get_subscription", {"subscription": "sub_9"}),
    ],
)
def test_what_billing_does_not_have_is_missing_and_no_failure(
    billing: Billing, operation: str, args: dict[str, str]
) -> None:
    found = billing.call(Call(operation, args))
    assert isinstance(found, Done)
    assert (found.result["id"], found.result["status"]) == (None, "missing")


def test_reference_cannot_break_out_of_the_search_query(peer: Peer, billing: Billing) -> None:
    billing.call(Call("billing.get_refund", {"reference": "x' OR 'a':'b"}))
    assert peer.asked[0].query["query"] == "metadata['reference']:'x\\' OR \\'a\\':\\'b'"


def test_subscription_is_cancelled_at_the_periods_end_under_our_reference(
    peer: Peer, billing: Billing
) -> None:
    before = {"id": "sub_1", "status": "active", "cancel_at_period_end": False, "metadata": {}}
    after = {**before, "cancel_at_period_end": True, "metadata": {"reference": "cn_1"}}
    peer.routes["GET /v1/subscriptions/sub_1"] = says(before)
    peer.routes["POST /v1/subscriptions/sub_1"] = says(after)
    call = Call(
        "billing.cancel_subscription",
        {"subscription": "sub_1", "reference": "cn_1"},
        key=KEY,
        run="r-1",
        look_up_first=True,
    )
    assert billing.look_up(call) is None
    done = Done(
        {"id": "sub_1", "status": "active", "cancel_at_period_end": True, "reference": "cn_1"}
    )
    assert billing.call(call) == done
    assert posts(peer) == [
        (
            "/v1/subscriptions/sub_1",
            {
                "cancel_at_period_end": "true",
                "metadata[reference]": "cn_1",
                "metadata[meshline_run]": "r-1",
            },
        )
    ]
    peer.routes["GET /v1/subscriptions/sub_1"] = says(after)
    assert billing.call(call) == done
    assert len(posts(peer)) == 1


def test_flag_for_review_writes_the_note_on_the_refund_once(peer: Peer, billing: Billing) -> None:
    call = Call(
        "billing.flag_for_review",
        {"reference": "rf_1", "note": "look here"},
        key=KEY,
        look_up_first=True,
    )
    assert isinstance(billing.call(call), Refused)
    ours = {"reference": "rf_1"}
    peer.routes[SEARCH] = says(listed(refund(metadata=ours)))
    peer.routes["POST /v1/refunds/re_1"] = says(refund())
    assert billing.call(call) == Done()
    assert posts(peer) == [("/v1/refunds/re_1", {"metadata[review]": "look here"})]
    peer.routes[SEARCH] = says(listed(refund(metadata={**ours, "review": "look here"})))
    assert billing.call(call) == Done()
    assert len(posts(peer)) == 1
