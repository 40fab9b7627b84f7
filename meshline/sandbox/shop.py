"""Simulated shop, in Shopify's words: carts (checkouts), orders, customers; read only."""

from __future__ import annotations

import json
import time
from typing import Any

from meshline.sandbox.state import Db, Json
from meshline.sandbox.webhooks import send
from meshline.sandbox.wire import Answer, Call, Request, Vendor, route
from meshline.sandbox.world import clock, new_id, rfc3339

_DOMAIN = "harbour-and-pine.example"
_NO_MINOR = {"JPY", "KRW", "VND", "CLP", "ISK"}


def error(status: int, message: str) -> Json:
    """Shopify's error object."""
    return {"errors": message}


def _allows(request: Request, token: str) -> bool:
    return request.headers.get("x-shopify-access-token") == token


def find_checkouts(call: Call) -> Answer:
    """Carts by token (or cart token) or address; those that the shop knows by now."""
    asked = call.request.query
    found = _by(call.db, "checkout", "$.cart_token", asked.get("token"))
    found += _by(call.db, "checkout", "$.email", _lower(asked.get("email")))
    token = asked.get("token")
    if token and not found:
        found = [one for one in call.db.every("checkout") if one["token"] == token]
    return _answer("checkouts", [one["shown"] for one in found if one["known"]])


def find_orders(call: Call) -> Answer:
    """Orders by name (`90417` or `#90417`) or address."""
    asked = call.request.query
    order = call.db.get("order", asked.get("name", "").lstrip("#"))
    found = [order] if order else _by(call.db, "order", "$.email", _lower(asked.get("email")))
    return _answer("orders", [one["shown"] for one in found if one["known"]])


def find_customers(call: Call) -> Answer:
    """Customers by `query=email:…`."""
    email = call.request.query.get("query", "").partition("email:")[2].strip().strip("'\"")
    found = _by(call.db, "shopper", "$.email", _lower(email))
    return _answer("customers", [one["shown"] for one in found if one["known"]])


def _by(db: Db, kind: str, path: str, value: str | None) -> list[Json]:
    return db.find(kind, path, value) if value else []


def _lower(text: str | None) -> str | None:
    return text.strip().lower() if text else None


def _answer(name: str, found: list[Any]) -> Answer:
    return Answer(200, {name: found[::-1]}, {"X-Shopify-Shop-Api-Call-Limit": "1/40"})


# --- Changing the shop ----------------------------------------------------------------------


def money(minor: int, currency: str) -> str:
    """Shopify's decimal text: 14820 EUR is `148.20`, 1200 JPY is `1200`."""
    return str(minor) if currency in _NO_MINOR else f"{minor // 100}.{minor % 100:02d}"


def put_cart(
    db: Db,
    *,
    cart_token: str,
    email: str,
    total_minor: int,
    currency: str,
    promo_code: str,
    order_id: str,
    name: str,
    known: bool,
    value_minor: int,
    new_fields: Json | None = None,
) -> Json:
    """Store a cart with its customer and, where it has one, its order; returns the cart.

    `new_fields`: what the shop has begun to send of a cart, and told nobody.
    """
    email = email.lower()
    shopper = _shopper(db, email, name, value_minor, currency, known)
    items = _items(total_minor, currency)
    discounts = (
        [{"code": promo_code, "amount": "10.00", "type": "percentage"}] if promo_code else []
    )
    shown: Json = {
        "id": db.next_number("shop_id", 981820079255243500),
        "token": cart_token[:16],
        "cart_token": cart_token,
        "email": email,
        "currency": currency,
        "total_price": money(total_minor, currency),
        "discount_codes": discounts,
        "line_items": items,
        "customer": {"id": shopper["id"], "email": email},
        "created_at": rfc3339(time.time()),
        "updated_at": rfc3339(clock(db, "shop")),
        **(new_fields or {}),
    }
    body = {name: shown[name] for name in ("cart_token", "token", "email")}
    body |= {"known": known, "shown": shown}
    db.put("checkout", cart_token, body)
    if order_id:
        _put_order(db, order_id, body)
    return body


def _put_order(db: Db, order_id: str, cart: Json) -> None:
    shown = cart["shown"]
    same = ("email", "total_price", "currency", "cart_token", "line_items", "customer")
    order = {name: shown[name] for name in same} | {"id": shown["id"] + 1, "name": f"#{order_id}"}
    kept = {name: cart[name] for name in ("email", "cart_token", "known")}
    db.put("order", order_id, kept | {"shown": order})


def _shopper(db: Db, email: str, name: str, value_minor: int, currency: str, known: bool) -> Json:
    before = db.get("shopper", email)
    if before is not None:
        db.put("shopper", email, before | {"known": before["known"] or known})
        shown: Json = before["shown"]
        return shown
    first, _, last = name.partition(" ")
    shown = {
        "id": db.next_number("shop_id", 981820079255243500),
        "email": email,
        "first_name": first,
        "last_name": last,
        "orders_count": 1 + value_minor % 12,
        "total_spent": money(value_minor, currency),
        "currency": currency,
    }
    db.put("shopper", email, {"email": email, "known": known, "shown": shown})
    return shown


def _items(total_minor: int, currency: str) -> list[Json]:
    first = total_minor * 3 // 5
    goods = (("Harbour lamp, brass", first), ("Pine stool", total_minor - first))
    return [
        {"title": title, "quantity": 1, "price": money(price, currency), "sku": f"HP-{number}"}
        for number, (title, price) in enumerate(goods, 101)
        if price > 0
    ]


def make_known(db: Db, cart_token: str) -> Json:
    """The shop learns of a cart, its order and customer. Raises KeyError for a foreign token."""
    cart = db.get("checkout", cart_token)
    if cart is None:
        raise KeyError(cart_token)
    cart["shown"]["updated_at"] = rfc3339(clock(db, "shop"))
    db.put("checkout", cart_token, cart | {"known": True})
    for order in db.find("order", "$.cart_token", cart_token):
        db.put("order", order["shown"]["name"].lstrip("#"), order | {"known": True})
    for shopper in db.find("shopper", "$.email", cart["email"]):
        db.put("shopper", cart["email"], shopper | {"known": True})
    return cart | {"known": True}


def send_cart(db: Db, cart: Json, *, twice_after_s: float | None = None) -> str:
    """Send `checkouts/update`; returns the delivery's id, which stands in a header."""
    delivery = new_id("", 8) + "-" + new_id("", 12)
    now = clock(db, "shop")
    headers = {
        "X-Shopify-Topic": "checkouts/update",
        "X-Shopify-Shop-Domain": _DOMAIN,
        "X-Shopify-API-Version": "2024-10",
        "X-Shopify-Webhook-Id": delivery,
        "X-Shopify-Event-Id": new_id("", 20),
        "X-Shopify-Triggered-At": rfc3339(now, digits=9),
    }
    body = json.loads(json.dumps(cart["shown"]))
    send(
        db,
        "shop",
        "checkouts/update",
        delivery,
        body,
        subject=f"cart:{cart['cart_token']}",
        facts={"cart_token": cart["cart_token"]},
        headers=headers,
        twice_after_s=twice_after_s,
    )
    return delivery


VENDOR = Vendor(
    name="shop",
    routes=(
        route("GET", "/admin/api/2024-10/checkouts.json", "find_checkouts", find_checkouts),
        route("GET", "/admin/api/2024-10/orders.json", "find_orders", find_orders),
        route("GET", "/admin/api/2024-10/customers/search.json", "find_customers", find_customers),
    ),
    allows=_allows,
    error=error,
)
