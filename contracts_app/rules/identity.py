"""Canonical customer, order and ticket ids from a payload, by the contract's pointers."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from meshline.core.errors import BadValue
from meshline.core.keys import TicketKey
from meshline.core.pointers import get
from meshline.core.safejson import Json

_EMAIL = re.compile(r"[^@\s<>,;:]+@[^@\s<>,;:]+")
_DISPLAYED = re.compile(r".*<([^<>]+)>\s*")
_SHOP_ID = re.compile(r"gid://[a-z]+/[A-Za-z]+/([0-9]+)")
_TICKET_NUMBER = re.compile(r"(?:#|[A-Z]{2,5}-)?([0-9]{1,20})")
_ORDER_PREFIX = re.compile(r"(?i)^(?:order[\s:_-]*)?[#№]?\s*")
_LONGEST = 200


@dataclass(frozen=True)
class IdentityPointers:
    """Where a contract's payload carries its identifiers (JSON pointers)."""

    event_id: str
    correlation: str | None = None
    occurred_at: str | None = None
    subject: str | None = None
    ticket: str | None = None
    customer: str | None = None
    order: str | None = None
    email: str | None = None
    customer_name: str | None = None
    cart: str | None = None


@dataclass(frozen=True)
class Identity:
    """What a payload is about, in canonical form; None where it does not say."""

    event_id: str | None = None
    correlation: str | None = None
    occurred_at: datetime | None = None
    subject: str | None = None
    ticket: TicketKey | None = None
    customer: str | None = None
    order: str | None = None
    email: str | None = None
    customer_name: str | None = None
    cart: str | None = None


def resolve(pointers: IdentityPointers, payload: Json, *, desk: str = "desk") -> Identity:
    """Return the canonical identifiers of a payload; what cannot be read is None.

    `desk` is the system of a ticket that is given by its bare number. The customer is the id at
    its pointer, else the canonical e-mail address.
    """
    raw = {
        field.name: _text(get(payload, pointer))
        for field in fields(pointers)
        if (pointer := getattr(pointers, field.name)) is not None
    }
    email = canonical_email(raw.get("email"))
    return Identity(
        event_id=raw.get("event_id"),
        correlation=raw.get("correlation"),
        occurred_at=instant(raw.get("occurred_at")),
        subject=raw.get("subject"),
        ticket=canonical_ticket(raw.get("ticket"), desk=desk),
        customer=canonical_customer(raw.get("customer")) or email,
        order=canonical_order(raw.get("order")),
        email=email,
        customer_name=raw.get("customer_name"),
        cart=raw.get("cart"),
    )


def canonical_email(text: str | None) -> str | None:
    """Return the address lower-cased, without display name and plus-tag; None if it is none."""
    if not text:
        return None
    displayed = _DISPLAYED.fullmatch(text)
    address = (displayed.group(1) if displayed else text).strip().removeprefix("mailto:").lower()
    if not _EMAIL.fullmatch(address):
        return None
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain.rstrip('.')}"


def canonical_order(text: str | None) -> str | None:
    """Return an order's number: "#1001", "Order 1001" and "gid://shop/Order/1001" are "1001"."""
    if not text:
        return None
    shop = _SHOP_ID.fullmatch(text)
    return shop.group(1) if shop else _ORDER_PREFIX.sub("", text.strip()) or None


def canonical_customer(text: str | None) -> str | None:
    """Return a customer's id: addresses as canonical e-mail, vendor addresses of ids cut off."""
    if not text:
        return None
    shop = _SHOP_ID.fullmatch(text)
    if shop:
        return shop.group(1)
    return canonical_email(text) or text.strip()


def canonical_ticket(text: str | None, *, desk: str = "desk") -> TicketKey | None:
    """Return the ticket's key: "4812", "#4812" and "HD-4812" are desk:4812."""
    if not text:
        return None
    number = _TICKET_NUMBER.fullmatch(text.strip())
    try:
        return TicketKey(desk, number.group(1)) if number else TicketKey.parse(text.strip())
    except BadValue:
        return None


def instant(text: str | None) -> datetime | None:
    """Return an RFC 3339 time, or seconds since 1970, as UTC; None if it is neither.

    A time without a zone is no instant.
    """
    if not text:
        return None
    try:
        if re.fullmatch(r"[0-9]{9,11}", text):
            return datetime.fromtimestamp(int(text), UTC)
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.utcoffset() is not None else None
    except (ValueError, OverflowError):
        return None


def _text(value: Json) -> str | None:
    """Return an identifier as text: whole numbers in digits, nothing for containers."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip()[:_LONGEST] or None
