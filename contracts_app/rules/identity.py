"""Canonical customer, order and ticket ids from a payload, by the contract's pointers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime

from contracts_app.rules.identifiers import FOUND, KINDS, Way, text_of
from contracts_app.rules.normalising import LONGEST, Unreadable, canonical_email, normalised
from meshline.core.errors import BadValue
from meshline.core.keys import TicketKey
from meshline.core.pointers import get
from meshline.core.safejson import Json

_SHOP_ID = re.compile(r"gid://[a-z]+/[A-Za-z]+/([0-9]+)")
_TICKET_NUMBER = re.compile(r"(?:#|[A-Z]{2,5}-)?([0-9]{1,20})")
_ORDER_PREFIX = re.compile(r"(?i)^(?:order[\s:_-]*)?[#№]?\s*")
_LONGEST_OF = {"order": 80, "ticket": 80}


@dataclass(frozen=True)
class IdentityPointers:
    """Where a contract's payload carries its identifiers (JSON pointers).

    `ways` are those that are written with steps or in several places, and how each is read;
    `same` says which of them is another's canonical id ({"correlation": "cart"}).
    """

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
    ways: Mapping[str, tuple[Way, ...]] = field(default_factory=dict)
    same: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """What one name of `identity` came to: the text at `pointer`, and its canonical form.

    `refused` are the places that hold something which is no identifier, each with the reason.
    """

    name: str
    pointer: str
    raw: str = ""
    canonical: str = ""
    refused: tuple[tuple[str, str], ...] = ()


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
        name: _text(get(payload, pointer))
        for name in _NAMES
        if (pointer := getattr(pointers, name)) is not None and name not in pointers.ways
    }
    said = {name: _read(pointers, name, payload, desk).canonical for name in pointers.ways}
    email = canonical_email(raw.get("email"))
    ticket = said["ticket"] if "ticket" in said else raw.get("ticket")
    customer = said.get("customer") or canonical_customer(raw.get("customer"))
    order = said["order"] if "order" in said else canonical_order(raw.get("order"))
    return Identity(
        event_id=raw.get("event_id"),
        correlation=said.get("correlation") or raw.get("correlation"),
        occurred_at=instant(raw.get("occurred_at")),
        subject=said.get("subject") or raw.get("subject"),
        ticket=canonical_ticket(ticket, desk=desk),
        customer=customer or email,
        order=order or None,
        email=email,
        customer_name=raw.get("customer_name"),
        cart=said.get("cart") or raw.get("cart"),
    )


def readings(pointers: IdentityPointers, payload: Json, *, desk: str = "desk") -> Iterator[Reading]:
    """Yield what each identifier of a payload is and how it was normalised."""
    for name in FOUND:
        if name in pointers.ways:
            yield _read(pointers, name, payload, desk)
        elif pointer := getattr(pointers, name):
            raw = _text(get(payload, pointer)) or ""
            yield Reading(name, pointer, raw, _usual(name, raw, desk) or "")


def unreadable(pointers: IdentityPointers, payload: Json) -> Iterator[Reading]:
    """Yield the identifiers that stand in a payload and cannot be read in any of their ways."""
    for name in pointers.ways:
        reading = _read(pointers, name, payload, "desk")
        if reading.refused and not reading.canonical and name not in pointers.same:
            yield reading


def spellings(pointers: IdentityPointers, name: str, text: str) -> tuple[str, ...]:
    """Return the canonical form of a text that a flow gives for `name`, then the text as given.

    The first way that can read it counts, as for a payload.
    """
    for way in pointers.ways.get(name, ()):
        try:
            canonical = _canonical(_kind(pointers, name), text, way, "desk")
        except Unreadable:
            continue
        return tuple(dict.fromkeys((canonical, text)))
    return (text,)


def kind_of(pointers: IdentityPointers, name: str) -> str:
    """Return which kind of id `correlation` or `subject` is: by reference, or at the same place."""
    own = getattr(pointers, name)
    alike = (kind for kind in KINDS if own and getattr(pointers, kind) == own)
    return pointers.same.get(name) or next(alike, "")


def canonical_of(pointers: IdentityPointers, kind: str, text: str) -> str | None:
    """Return an id that a person writes as the contract spells it; None if it names no such id.

    Raises: BadValue for a text that cannot be one.
    """
    if getattr(pointers, kind) is None and not (kind == "customer" and pointers.email):
        return None
    why = "is empty"
    for way in pointers.ways.get(kind) or (Way(""),):
        try:
            return _canonical(kind, text, way, "desk")
        except Unreadable as error:
            why = str(error)
    raise BadValue(f"What is written {why}, so it is no {kind}.", remedy="Write the whole id.")


def _read(pointers: IdentityPointers, name: str, payload: Json, desk: str) -> Reading:
    refused = []
    for way in pointers.ways[name]:
        try:
            raw = text_of(get(payload, way.pointer))
            if raw:
                canonical = _canonical(_kind(pointers, name), raw, way, desk)
                return Reading(name, way.pointer, raw, canonical)
        except Unreadable as why:
            refused.append((way.pointer, str(why)))
    return Reading(name, pointers.ways[name][0].pointer, refused=tuple(refused))


def _kind(pointers: IdentityPointers, name: str) -> str:
    return pointers.same.get(name, name)


def _canonical(name: str, raw: str, way: Way, desk: str) -> str:
    text = (
        normalised(raw, way.steps or ()) if way.steps is not None else normalised(raw.strip(), ())
    )
    if way.steps is None or name == "ticket":
        text = _usual(name, text, desk) or ""
    if not text:
        raise Unreadable(f"is no key of a {name}")
    longest = _LONGEST_OF.get(name, LONGEST)
    if len(text) > longest:
        raise Unreadable(f"is longer than {longest} characters after normalisation")
    return text


def _usual(name: str, text: str, desk: str) -> str | None:
    if name == "ticket":
        key = canonical_ticket(text, desk=desk)
        return str(key) if key else None
    spell: Callable[[str | None], str | None] | None = _USUAL.get(name)
    return spell(text) if spell else text


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
    try:
        text = text_of(value)
    except Unreadable:
        return None
    return text.strip()[:LONGEST].strip() or None


_NAMES = tuple(one.name for one in fields(IdentityPointers) if one.name not in ("ways", "same"))
_USUAL = {"customer": canonical_customer, "order": canonical_order}
