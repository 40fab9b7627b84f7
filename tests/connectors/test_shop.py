"""The shop: the cart and the customer behind whatever a ticket carries."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration.connectors.base import Call, Endpoint
from orchestration.connectors.shop import Shop
from orchestration.rules.outcomes import Done, Transient
from tests.connectors.peer import Asked, Peer, says

BASE = "/admin/api/2024-10"
CART: dict[str, Any] = {
    "id": 9,
    "token": "chk",
    "cart_token": "c1",
    "email": "maja@example.com",
    "currency": "EUR",
    "total_price": "148.20",
    "discount_codes": [{"code": "AUTUMN", "amount": "10.00"}],
    "line_items": [{"title": "Lamp", "quantity": 2, "price": "74.10"}],
}
CUSTOMER = {"id": 77, "email": "maja@example.com", "total_spent": "1940.60", "currency": "EUR"}


class ShopPeer:
    """Knows one cart, one order and one customer."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.order: dict[str, Any] = {"id": 5, "name": "#90417", "email": "maja@example.com"}
        peer.answer_for = self.answer  # type: ignore[method-assign]

    def answer(self, asked: Asked) -> Any:
        query = asked.query
        if asked.path == f"{BASE}/checkouts.json":
            hit = query.get("token") == "c1" or query.get("email") == CART["email"]
            return says({"checkouts": [CART] if hit else []})
        if asked.path == f"{BASE}/orders.json":
            return says({"orders": [self.order] if query["name"] == "90417" else []})
        hit = query["query"] == "email:maja@example.com"
        return says({"customers": [CUSTOMER] if hit else []})


@pytest.fixture
def world(peer: Peer) -> ShopPeer:
    return ShopPeer(peer)


def find(peer: Peer, **args: str) -> Any:
    shop = Shop(Endpoint("shop", peer.url, "shpat_x"), timeout_s=5)
    outcome = shop.call(Call("shop.find_cart", args))
    assert isinstance(outcome, Done), outcome
    return outcome.result


WHOLE = {
    "found": True,
    "cart_token": "c1",
    "items": [{"title": "Lamp", "quantity": 2, "sku": None}],
    "total_minor": 14820,
    "currency": "EUR",
    "promo_code": "AUTUMN",
    "customer_id": "77",
    "customer_value_minor": 194060,
}


@pytest.mark.parametrize("email", ["maja@example.com", "MAJA@Example.COM", "maja+cart@example.com"])
def test_cart_is_found_by_address_in_any_spelling(peer: Peer, world: ShopPeer, email: str) -> None:
    assert find(peer, email=email) == WHOLE
    assert peer.asked[0].headers["x-shopify-access-token"] == "shpat_x"


def test_cart_and_customer_are_found_by_token_alone(peer: Peer, world: ShopPeer) -> None:
    assert find(peer, cart_token="c1") == WHOLE


@pytest.mark.parametrize("cart", ["c1", None])
def test_cart_is_found_by_order_number(peer: Peer, world: ShopPeer, cart: str | None) -> None:
    world.order["cart_token"] = cart
    assert find(peer, order_id="90417") == WHOLE


@pytest.mark.parametrize("args", [{"cart_token": "c9"}, {"order_id": "1"}])
def test_token_or_order_that_the_shop_does_not_know_brings_no_other_cart(
    peer: Peer, world: ShopPeer, args: dict[str, str]
) -> None:
    found = find(peer, email="maja@example.com", **args)
    assert (found["found"], found["cart_token"], found["items"]) == (False, None, [])
    assert found["customer_id"] == "77"


def test_nobody_and_nothing_is_an_answer_too(peer: Peer, world: ShopPeer) -> None:
    found = find(peer, email="nobody@example.com")
    assert found["found"] is False
    assert found["customer_id"] is None
    assert found["customer_value_minor"] is None


def test_amount_that_is_none_is_outside_the_shops_contract(peer: Peer) -> None:
    peer.will(says({"checkouts": [{**CART, "total_price": "1e9"}], "customers": []}))
    shop = Shop(Endpoint("shop", peer.url), timeout_s=5)
    outcome = shop.call(Call("shop.find_cart", {"cart_token": "c1"}))
    assert isinstance(outcome, Transient)
    assert "no amount" in outcome.reason
