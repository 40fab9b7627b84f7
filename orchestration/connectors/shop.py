"""The shop, spoken as Shopify does: find the cart and the customer behind a ticket."""

from __future__ import annotations

import re

from meshline.core.errors import BadValue
from meshline.core.money import parse_minor
from meshline.core.safejson import Json
from orchestration.connectors.answers import Part
from orchestration.connectors.base import Call, Endpoint, VendorContract
from orchestration.connectors.http import Exchange, HttpClient, Query
from orchestration.connectors.rest import HttpConnector
from orchestration.rules.outcomes import Done, Outcome

_ADMIN = "/admin/api/2024-10"
_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")


class Shop(HttpConnector):
    """Operations `shop.*`: it is only read."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        client = HttpClient(endpoint, headers={"X-Shopify-Access-Token": endpoint.token})
        super().__init__(client, timeout_s)
        self.handlers = {"shop.find_cart": _find_cart}
        self.look_ups = {}


def _find_cart(call: Call, http: Exchange) -> Outcome:
    """By cart token, by the order's cart, or the newest cart of the address.

    A token or an order that the shop does not know is not answered with some other cart of the
    same customer: a missing cart can be filled in later, a wrong one misleads.
    """
    email, number, token = (call.args.get(name) for name in ("email", "order_id", "cart_token"))
    order = _order(number, http)
    cart = _by_token(token, http) or _by_token(order.raw("cart_token") if order else None, http)
    buyer = order.raw("email") if order else None
    if not token and (order if number else True):
        cart = cart or _by_address([buyer or email], http)
    customer = _customer(_addresses([email, buyer, cart.raw("email") if cart else None]), http)
    return Done({"found": cart is not None, **_cart_of(cart), **_value_of(customer)})


def _by_token(token: Json, http: Exchange) -> Part | None:
    return _checkout({"token": str(token)}, http) if token else None


def _by_address(known: list[Json], http: Exchange) -> Part | None:
    found = (_checkout({"email": address}, http) for address in _addresses(known))
    return next((cart for cart in found if cart is not None), None)


def _addresses(found: list[Json]) -> list[str]:
    """The spellings under which the shop may know somebody: lower case, then without a plus-tag."""
    spellings: dict[str, None] = {}
    for address in (str(item).strip().lower() for item in found if item):
        local, _, domain = address.rpartition("@")
        spellings |= {address: None, f"{local.partition('+')[0]}@{domain}": None}
    return list(spellings)


def _order(number: Json, http: Exchange) -> Part | None:
    if not number:
        return None
    query: Query = {"name": str(number), "status": "any", "limit": 1}
    return _first(http.get(f"{_ADMIN}/orders.json", query), "orders")


def _checkout(query: dict[str, str], http: Exchange) -> Part | None:
    return _first(http.get(f"{_ADMIN}/checkouts.json", {**query, "limit": 1}), "checkouts")


def _first(answer: Part, name: str) -> Part | None:
    found = answer.parts(name)
    return found[0] if found else None


def _cart_of(cart: Part | None) -> dict[str, Json]:
    if cart is None:
        names = ("cart_token", "total_minor", "currency", "promo_code")
        return {"items": [], **dict.fromkeys(names)}
    codes = [code.maybe_text("code") for code in _some(cart, "discount_codes")]
    currency = cart.maybe_text("currency")
    return {
        "cart_token": cart.maybe_text("cart_token") or cart.maybe_text("token"),
        "items": [_item_of(item) for item in _some(cart, "line_items")],
        "total_minor": _minor(cart.maybe_text("total_price"), currency),
        "currency": currency,
        "promo_code": codes[0] if codes else None,
    }


def _item_of(item: Part) -> dict[str, Json]:
    return {
        "title": item.maybe_text("title"),
        "quantity": item.raw("quantity"),
        "sku": item.maybe_text("sku"),
    }


def _customer(addresses: list[str], http: Exchange) -> Part | None:
    for address in addresses:
        query = {"query": f"email:{address}"}
        found = _first(http.get(f"{_ADMIN}/customers/search.json", query), "customers")
        if found is not None:
            return found
    return None


def _value_of(customer: Part | None) -> dict[str, Json]:
    if customer is None:
        return {"customer_id": None, "customer_value_minor": None}
    spent, currency = customer.maybe_text("total_spent"), customer.maybe_text("currency")
    return {
        "customer_id": customer.text("id"),
        "customer_value_minor": _minor(spent, currency),
    }


def _some(part: Part, name: str) -> list[Part]:
    return part.parts(name) if part.has(name) else []


def _minor(amount: str | None, currency: str | None) -> int | None:
    """Minor units of an amount written as text; None where it or its currency is missing."""
    if amount is None or currency is None:
        return None
    try:
        if _AMOUNT.fullmatch(amount):
            return parse_minor(amount, currency)
    except BadValue:
        pass
    raise VendorContract(f"{amount[:20]!r} {currency[:3]!r} is no amount of money")
