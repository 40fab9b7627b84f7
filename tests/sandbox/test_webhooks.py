"""Webhooks are signed as the vendors sign, and are tried until they are taken."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from meshline.sandbox.courier import choose
from tests.sandbox.running import SECRETS, Catcher, RunningSandbox, until


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, signed, hashlib.sha256).digest()


def test_billing_signs_like_stripe(sandbox: RunningSandbox, meshline: Catcher) -> None:
    sandbox.act("refund_by_hand")

    told = meshline.wait("refund.created")[0]

    stamp, mark = told.headers["stripe-signature"].split(",")
    signed = stamp.removeprefix("t=").encode() + b"." + told.body
    assert mark == "v1=" + _mac(SECRETS["billing"].encode(), signed).hex()


def test_the_desk_signs_like_zendesk(sandbox: RunningSandbox, meshline: Catcher) -> None:
    sandbox.act("ticket")

    told = meshline.wait("zen:event-type:ticket.created")[0]

    stamp = told.headers["x-zendesk-webhook-signature-timestamp"].encode()
    expected = base64.b64encode(_mac(SECRETS["helpdesk"].encode(), stamp + told.body)).decode()
    assert told.headers["x-zendesk-webhook-signature"] == expected


def test_the_shop_signs_like_shopify(sandbox: RunningSandbox, meshline: Catcher) -> None:
    sandbox.act("cart", email="maja@mail.example", total_minor=14820)

    told = meshline.wait("checkouts/update")[0]

    expected = base64.b64encode(_mac(SECRETS["shop"].encode(), told.body)).decode()
    assert told.headers["x-shopify-hmac-sha256"] == expected
    assert told.headers["x-shopify-webhook-id"]
    assert told.json["total_price"] == "148.20"


def test_the_pager_signs_by_standard_webhooks(sandbox: RunningSandbox, meshline: Catcher) -> None:
    _page(sandbox, "key-1")

    told = meshline.wait("page.acknowledged")[0]

    body = Webhook(SECRETS["pager"]).verify(told.body, told.headers)
    assert body["data"]["page_key"] == "key-1"
    assert body["data"]["by"] == "Lena Moritz"


def _page(sandbox: RunningSandbox, key: str) -> None:
    event = {
        "routing_key": SECRETS["api_token"], "event_action": "trigger", "dedup_key": key,
        "payload": {"summary": "Overdue", "custom_details": {"to": "lena@harbour.example"}},
    }  # fmt: skip
    assert sandbox.client.post("/pager/v2/enqueue", json=event).status_code == 202


@pytest.mark.parametrize("status", [500, 503, 429, 401])
def test_a_refused_webhook_comes_again_with_the_same_id_and_bytes(
    sandbox: RunningSandbox, meshline: Catcher, status: int
) -> None:
    meshline.status = status
    sandbox.act("ticket")
    meshline.wait("zen:event-type:ticket.created")
    meshline.status = 202

    first, *_, last = meshline.wait("zen:event-type:ticket.created", 2)

    assert first.body == last.body
    delivery = until(lambda: _delivered(sandbox))
    assert delivery["answers"][0] == status
    assert delivery["answers"][-1] == 202
    assert not delivery["twice"]


def _delivered(sandbox: RunningSandbox) -> Any:
    return next((d for d in sandbox.books()["deliveries"] if d["first_2xx_at"]), None)


def test_nothing_is_lost_while_meshline_is_away(tmp_path: Path) -> None:
    away = Catcher()
    away.close()
    sandbox = RunningSandbox(tmp_path, f"http://127.0.0.1:{away.port}")
    try:
        tickets = [sandbox.act("ticket")["ticket_id"] for _ in range(5)]
        until(lambda: [d for d in sandbox.record()["deliveries"] if d["error"]])
        back = Catcher(port=away.port)
        created = back.wait("zen:event-type:ticket.created", 5, within_s=12)
        back.close()
    finally:
        sandbox.stop()

    assert sorted(one.json["detail"]["id"] for one in created) == sorted(tickets)


def _row(id: int, subject: str = "a", **more: Any) -> dict[str, Any]:
    row = {"id": id, "subject": subject, "external_id": f"e{id}", "due_at": 1.0, "attempts": 0,
           "twin": 0, "loose": 0}  # fmt: skip
    return row | more


@pytest.mark.parametrize(
    ("rows", "busy", "room", "expected"),
    [
        ([_row(1), _row(2, "b")], {}, 9, [1, 2]),
        ([_row(1), _row(2)], {}, 9, [1]),  # one subject, one at a time
        ([_row(2)], {1: "a"}, 9, []),
        ([_row(1, due_at=9.0, attempts=2), _row(2)], {}, 9, []),  # a retry holds its subject
        ([_row(1, due_at=9.0), _row(2)], {}, 9, [2]),  # one that is not yet due does not
        ([_row(1, due_at=9.0, loose=1, attempts=1), _row(2)], {}, 9, [2]),
        ([_row(1), _row(2, "b"), _row(3, "c")], {}, 2, [1, 2]),
        ([_row(1), _row(2, external_id="e1", twin=1, loose=1)], {}, 9, [1, 2]),
        ([_row(1), _row(2, external_id="e1", twin=1, loose=1)], {}, 1, [1]),
    ],
)
def test_the_courier_keeps_the_order_of_a_subject(
    rows: list[dict[str, Any]], busy: dict[int, str], room: int, expected: list[int]
) -> None:
    chosen = choose(rows, now=5.0, busy=busy, room=room)

    assert [row["id"] for row, _ in chosen] == expected


def test_twins_of_one_moment_leave_through_one_barrier() -> None:
    rows = [_row(1), _row(2, external_id="e1", twin=1, loose=1), _row(3, "b")]

    first, second, other = (pair for _, pair in choose(rows, now=5.0, busy={}, room=9))

    assert first is not None
    assert first is second
    assert other is None
