"""Connectors against the simulated vendors: what their own books say after each kind of trouble."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from contracts_app.rules.validate import violations
from orchestration.connectors import build
from orchestration.connectors.base import Call, Connector
from orchestration.rules.catalog import CATALOG
from orchestration.rules.outcomes import Done, Outcome, Refused, Transient, Unknown
from tests.sandbox_process import Sandbox, running_sandbox


@dataclass
class Vendors:
    """The running sandbox and the connectors that reach it."""

    sandbox: Sandbox
    connectors: Mapping[str, Connector]

    def call(self, operation: str, args: Mapping[str, Any], **more: Any) -> Outcome:
        """Call an operation; a result is held against the catalog's schema on the way."""
        connector = self.connectors[operation.partition(".")[0]]
        outcome = connector.call(Call(operation, args, run="r-1", **more))
        if isinstance(outcome, Done):
            assert list(violations(CATALOG[operation].result, dict(outcome.result))) == []
        return outcome


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendors]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield Vendors(sandbox, build(sandbox.systems(), timeout_s=5))


@pytest.fixture
def vendors(started: Vendors) -> Iterator[Vendors]:
    yield started
    started.sandbox.clear_faults()


def new_key(step: str) -> str:
    return f"{uuid4()}:test-flow:{step}"


@dataclass
class Wish:
    """One refund that somebody asked for."""

    vendors: Vendors
    asked: Any
    key: str

    def ask(self, *, look_up_first: bool = True, timeout_s: float = 5) -> Outcome:
        return self.vendors.call(
            "billing.create_refund",
            {
                "charge": self.asked["charge_id"],
                "amount_minor": 2500,
                "reference": self.asked["refund_id"],
            },
            key=self.key,
            look_up_first=look_up_first,
            timeout_s=timeout_s,
        )

    def applied(self) -> int:
        return int(self.vendors.sandbox.books()["by_refund"][self.asked["refund_id"]]["applied"])


@pytest.fixture
def wish(vendors: Vendors) -> Wish:
    return Wish(
        vendors, vendors.sandbox.act("refund_request", amount_minor=2500), new_key("refund")
    )


def test_refund_asked_for_twice_is_made_once(wish: Wish) -> None:
    for look_up_first in (True, True, False):
        made = wish.ask(look_up_first=look_up_first)
        assert isinstance(made, Done)
        assert (made.result["amount_minor"], made.result["adopted"]) == (2500, False)
    assert wish.applied() == 1


def test_refund_done_and_timed_out_is_unknown_and_then_found(vendors: Vendors, wish: Wish) -> None:
    vendors.sandbox.fault("billing", "create_refund", "do_and_time_out", times=1)
    assert isinstance(wish.ask(timeout_s=1), Unknown)
    assert isinstance(wish.ask(), Done)
    assert wish.applied() == 1


def test_refund_after_billing_forgot_its_keys_is_still_made_once(
    vendors: Vendors, wish: Wish
) -> None:
    wish.ask()
    vendors.sandbox.fault("billing", "*", "forget_keys", times=1)
    assert isinstance(wish.ask(), Done)
    assert wish.applied() == 1


def test_refund_that_billing_dropped_after_saying_yes_is_made_when_asked_again(
    vendors: Vendors, wish: Wish
) -> None:
    vendors.sandbox.fault("billing", "create_refund", "ack_no_apply", times=1)
    wish.ask()
    assert wish.applied() == 0
    assert isinstance(wish.ask(), Done)
    assert wish.applied() == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (
            {"fault": "status", "status": 503, "retry_after": 2},
            Transient("unavailable", timedelta(seconds=2)),
        ),
        (
            {"fault": "status", "status": 429, "retry_after": 1},
            Transient("rate_limited", timedelta(seconds=1)),
        ),
        ({"fault": "status", "status": 500}, Unknown("http_500")),
    ],
)
def test_billing_in_trouble_is_asked_again_later_and_refunds_once(
    vendors: Vendors, wish: Wish, fault: dict[str, Any], expected: Outcome
) -> None:
    vendors.sandbox.fault("billing", "create_refund", times=1, **fault)
    assert wish.ask() == expected
    assert isinstance(wish.ask(), Done)
    assert wish.applied() == 1


def test_garbage_from_billing_is_unknown_and_then_found(vendors: Vendors, wish: Wish) -> None:
    vendors.sandbox.fault("billing", "create_refund", "garbage", times=1)
    outcome = wish.ask()
    assert isinstance(outcome, Unknown)
    assert outcome.reason.startswith("vendor_contract")
    assert isinstance(wish.ask(), Done)
    assert wish.applied() == 1


def test_refund_made_in_billings_own_screen_is_adopted(vendors: Vendors, wish: Wish) -> None:
    by_hand = vendors.sandbox.act("refund_by_hand", charge_id=wish.asked["charge_id"])
    for _ in range(2):
        made = wish.ask()
        assert isinstance(made, Done)
        assert made.result["id"] == by_hand["billing_id"]
    assert wish.applied() == 1


def test_ambiguous_partial_refund_goes_to_a_person(vendors: Vendors) -> None:
    asked = vendors.sandbox.act("scenario", name="ambiguous_partial")
    args = {"charge": asked["charge_id"], "amount_minor": 2500, "reference": asked["refund_id"]}
    outcome = vendors.call("billing.create_refund", args, key=new_key("refund"), look_up_first=True)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "ambiguous_refund"


def test_refund_is_read_back_by_reference_and_a_missing_one_is_missing(
    vendors: Vendors, wish: Wish
) -> None:
    reference = {"reference": wish.asked["refund_id"]}
    missing = vendors.call("billing.get_refund", reference)
    assert isinstance(missing, Done)
    assert missing.result["status"] == "missing"
    wish.ask()
    found = vendors.call("billing.get_refund", reference)
    assert isinstance(found, Done)
    assert found.result["amount_minor"] == 2500


def test_subscription_is_cancelled_once(vendors: Vendors) -> None:
    asked = vendors.sandbox.act("cancellation_request")
    args = {"subscription": asked["subscription_id"], "reference": asked["cancellation_id"]}
    key = new_key("cancel")
    for look_up_first in (False, True):
        done = vendors.call(
            "billing.cancel_subscription", args, key=key, look_up_first=look_up_first
        )
        assert isinstance(done, Done)
        assert done.result["cancel_at_period_end"] is True
    assert vendors.sandbox.books()["by_cancellation"][asked["cancellation_id"]]["applied"] == 1


def test_ticket_moves_once_with_one_internal_comment(vendors: Vendors) -> None:
    number = vendors.sandbox.act("ticket", name="Maja Lindqvist")["ticket_id"]
    ticket = f"desk:{number}"
    args = {"ticket": ticket, "to": "solved", "comment": "Confirmed."}
    key = new_key("resolve")
    vendors.sandbox.fault("helpdesk", "update_ticket", "do_and_time_out", times=1)
    lost = vendors.call("helpdesk.transition_ticket", args, key=key, timeout_s=1)
    assert isinstance(lost, Unknown)
    found = vendors.call("helpdesk.transition_ticket", args, key=key, look_up_first=True)
    assert found == Done({"status": "solved"})
    book = vendors.sandbox.books()["by_ticket"][ticket]
    assert (book["status"], book["comments_by_meshline"], book["public_by_meshline"]) == (
        "solved",
        1,
        0,
    )


def test_ticket_is_read_and_its_fields_written_by_name(vendors: Vendors) -> None:
    made = vendors.sandbox.act("ticket", name="Maja Lindqvist", external_id="order-90417")
    ticket = {"ticket": f"desk:{made['ticket_id']}"}
    before = vendors.call("helpdesk.get_ticket", ticket)
    assert isinstance(before, Done)
    assert before.result["order_id"] == "90417"
    assert before.result["requester"]["name"] == "Maja Lindqvist"
    fields = {"cart_token": "c-1", "cart_total_minor": 14820, "promo_code": "AUTUMN"}
    written = vendors.call(
        "helpdesk.set_fields", {**ticket, "fields": fields}, key=new_key("write")
    )
    assert written == Done()
    after = vendors.call("helpdesk.get_ticket", ticket)
    assert isinstance(after, Done)
    assert fields.items() <= after.result["fields"].items()


def test_cart_is_found_once_the_shop_knows_it(vendors: Vendors) -> None:
    cart = vendors.sandbox.act("cart", email="ida@example.com", total_minor=14820, known=False)
    token = {"cart_token": cart["cart_token"]}
    unknown = vendors.call("shop.find_cart", token)
    assert isinstance(unknown, Done)
    assert unknown.result["found"] is False
    vendors.sandbox.act("cart_known", **token)
    for args in (token, {"email": "IDA+cart@Example.com"}):
        found = vendors.call("shop.find_cart", args)
        assert isinstance(found, Done)
        assert found.result["cart_token"] == cart["cart_token"]
        assert found.result["total_minor"] == 14820


def test_letter_is_accepted_once(vendors: Vendors) -> None:
    to = f"{uuid4().hex}@example.com"
    data = {"name": "Ida", "amount_minor": 2500, "currency": "EUR"}
    args = {"to": to, "template": "refund-confirmed", "data": data}
    key = new_key("tell_customer")
    for _ in range(2):
        assert isinstance(vendors.call("mail.send", args, key=key, look_up_first=True), Done)
    sent = [mail for mail in vendors.sandbox.books()["by_mail"] if mail["to"] == to]
    assert [(mail["template"], mail["count"]) for mail in sent] == [("refund-confirmed", 1)]


def test_letter_taken_while_the_answer_was_lost_is_found_in_the_log(vendors: Vendors) -> None:
    to = f"{uuid4().hex}@example.com"
    args = {"to": to, "template": "refund-confirmed", "data": {}}
    key = new_key("tell_customer")
    vendors.sandbox.fault("mail", "send", "do_and_time_out", times=1)
    assert isinstance(vendors.call("mail.send", args, key=key, timeout_s=1), Unknown)
    assert isinstance(vendors.call("mail.send", args, key=key, look_up_first=True), Done)
    sent = [mail for mail in vendors.sandbox.books()["by_mail"] if mail["to"] == to]
    assert [mail["count"] for mail in sent] == [1]


def test_page_joins_the_alert_that_is_open_under_its_key(vendors: Vendors) -> None:
    args = {"rota": "support-primary", "summary": "Late", "severity": "critical", "to": "Lena"}
    key = new_key("page")
    before = vendors.sandbox.books()["pages"]
    for look_up_first in (False, False, True):
        assert vendors.call("pager.page", args, key=key, look_up_first=look_up_first) == Done(
            {"page_key": key, "to": "Lena"}
        )
    assert vendors.sandbox.books()["pages"] == before + 1
