"""Identifiers are canonical whatever their spelling; sign-offs bind to what was read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contracts_app.rules import facts, signoff
from contracts_app.rules.contract_spec import ContractSpec, parse_contract
from contracts_app.rules.identity import (
    Identity,
    IdentityPointers,
    canonical_customer,
    canonical_order,
    canonical_ticket,
    instant,
    resolve,
)
from contracts_app.rules.normalising import canonical_email
from contracts_app.rules.signoff import Signature
from meshline.core.errors import Misconfigured
from meshline.core.keys import TicketKey
from meshline.core.yaml12 import load
from tests.rules.test_contract_spec import CONTRACT

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Maja.L+Shop@Example.COM", "maja.l@example.com"),
        ("Maja Lindqvist <maja@example.com>", "maja@example.com"),
        (" mailto:maja@example.com ", "maja@example.com"),
        ("+maja@example.com", "+maja@example.com"),
        ("not an address", None),
        ("", None),
        (None, None),
    ],
)
def test_addresses_become_one_spelling(text: str | None, address: str | None) -> None:
    assert canonical_email(text) == address


@pytest.mark.parametrize(
    ("text", "number"),
    [("#1001", "1001"), ("Order #1001", "1001"), ("order-1001", "1001"), ("1001", "1001"),
     ("gid://shopify/Order/450789469", "450789469"), ("#", None), (None, None)],
)  # fmt: skip
def test_order_numbers_become_one_spelling(text: str | None, number: str | None) -> None:
    assert canonical_order(text) == number


@pytest.mark.parametrize("text", ["4812", "#4812", "HD-4812", "desk:4812", " 4812 "])
def test_ticket_numbers_become_one_key(text: str) -> None:
    assert canonical_ticket(text) == TicketKey("desk", "4812")


def test_what_is_no_ticket_is_none() -> None:
    assert canonical_ticket("hello world") is None
    assert canonical_customer("gid://shopify/Customer/207119551") == "207119551"
    assert canonical_customer("cus_9s6XKzkNRiz8i3") == "cus_9s6XKzkNRiz8i3"


def test_identity_is_read_by_the_contracts_pointers() -> None:
    pointers = IdentityPointers(
        event_id="/id",
        correlation="/data/refund_id",
        occurred_at="/time",
        ticket="/data/ticket_id",
        customer="/data/customer_id",
        order="/data/order",
        email="/data/email",
    )
    payload = {
        "id": "evt_1",
        "time": "2026-01-05T11:00:00+01:00",
        "data": {"refund_id": "rf_1", "ticket_id": 4812, "order": "#90417", "email": "A+b@X.de"},
    }
    assert resolve(pointers, payload) == Identity(
        event_id="evt_1",
        correlation="rf_1",
        occurred_at=datetime(2026, 1, 5, 10, tzinfo=UTC),
        ticket=TicketKey("desk", "4812"),
        customer="a@x.de",  # no customer id: the address stands in
        order="90417",
        email="a@x.de",
    )


def test_time_without_zone_is_no_instant() -> None:
    assert instant("2026-01-05T11:00:00") is None
    assert instant("1767610800") == datetime(2026, 1, 5, 11, tzinfo=UTC)
    assert instant("9" * 11) is not None
    assert instant("yesterday") is None


def contract(*required: str) -> ContractSpec:
    return replace(parse_contract(load(CONTRACT)), signoff_required=required)


def signed(spec: ContractSpec, *roles: str) -> list[Signature]:
    return [Signature(role, "dana@example.com", spec.digest) for role in roles]


def test_every_live_consumer_must_sign_when_all_are_asked() -> None:
    spec = contract("contract", "product", "consumer:*", "contract")
    assert signoff.required(spec) == ("contract", "product", "consumer:helpdesk")


def test_breaking_version_is_signed_by_contract_and_product_owner_whatever_its_text_asks() -> None:
    spec = contract("runtime")
    assert signoff.required(spec) == ("runtime",)
    assert signoff.required(spec, breaks=True) == ("runtime", "contract", "product")


def test_version_is_publishable_when_every_role_has_signed_this_text() -> None:
    spec = contract("contract", "product")
    assert (
        signoff.missing(
            signoff.required(spec), signed(spec, "contract", "product"), digest=spec.digest, now=NOW
        )
        == []
    )
    (missing,) = signoff.missing(
        signoff.required(spec), signed(spec, "contract"), digest=spec.digest, now=NOW
    )
    assert str(missing) == "The product owner has not signed yet."


def test_edit_expiry_and_a_later_no_void_a_signature() -> None:
    spec = contract("contract", "product", "runtime")
    signatures = [
        *signed(spec, "product"),
        Signature("contract", "dana@example.com", "0" * 64),
        Signature("product", "sam@example.com", spec.digest, verdict=False),
        Signature("runtime", "li@example.com", spec.digest, expires_at=NOW - timedelta(days=1)),
    ]
    reasons = {
        m.role: m.reason
        for m in signoff.missing(signoff.required(spec), signatures, digest=spec.digest, now=NOW)
    }
    assert reasons == {
        "contract": "signed an earlier text, which was edited since",
        "product": "said no",
        "runtime": "signed, but the signature ran out on 22 November 2026, 12:00 UTC",
    }


def test_lower_app_asks_what_a_higher_one_provided() -> None:
    facts.provide("test.runbooks", lambda prefix: [f"{prefix}-manual"])
    try:
        assert facts.ask("test.runbooks", "refund") == ["refund-manual"]
    finally:
        facts.withdraw("test.runbooks")
    assert facts.ask("test.runbooks", "refund", default=["none"]) == ["none"]
    with pytest.raises(Misconfigured):
        facts.ask("test.runbooks", "refund")
