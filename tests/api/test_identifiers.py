"""Identifiers at the door: known in one spelling, and a hostile one is refused and never fatal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from orchestration.models import Event, EventBody
from tests.api.test_intake import Keys, bearer, cart, post
from tests.builders import PILOT, given_document

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]

CART = (PILOT / "contracts/shop/shop.cart.updated/1.0.0.yaml").read_text()
LOOSE = (
    CART.replace("version: 1.0.0", "version: 1.1.0")
    .replace('{type: string, pattern: "^[A-Za-z0-9_-]{1,128}$"}', "{}")
    .replace("as: [trim]", 'as: [trim, lower, {strip_prefix: "gid://shopify/cart/"}]')
)


def sent(client: Client, key: Keys, token: Any) -> Any:
    raw = json.dumps(cart(data={"cart_token": token, "total_minor": 1, "currency": "EUR"})).encode()
    return post(client, "warehouse", raw, bearer(key("ingest:warehouse")))


def test_sender_may_write_it_as_it_likes(client: Client, key: Keys) -> None:
    given_document(LOOSE)
    for token in ("gid://shopify/Cart/A1", " a1 ", "A1"):
        event = json.loads(sent(client, key, token).content)["event_id"]
        body: Any = EventBody.objects.get(pk=event).payload
        assert Event.objects.get(pk=event).correlation == "a1"
        assert body["data"]["cart_token"] == token


@pytest.mark.parametrize(
    "token",
    [
        "x" * 5_000,
        "a\u202eb",
        "a\u0007b",
        "\u200b",
        "gid://shopify/Cart/",
        {"id": 1},
        [],
        True,
        1.5,
    ],
    ids=["long", "turned", "control", "invisible", "nothing", "object", "list", "truth", "float"],
)
def test_what_can_be_no_identifier_is_refused_with_its_place(
    client: Client, key: Keys, token: Any
) -> None:
    given_document(LOOSE)
    answer = sent(client, key, token)
    told = json.loads(answer.content)
    assert answer.status_code == 422
    assert [one["path"] for one in told["violations"]] == ["/data/cart_token"]
    assert not Event.objects.exists()


def test_ten_megabytes_are_refused_at_the_door(client: Client, key: Keys) -> None:
    given_document(LOOSE)
    assert sent(client, key, "x" * 10_000_000).status_code == 413
