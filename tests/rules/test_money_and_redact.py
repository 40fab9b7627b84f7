"""Money is shown per currency; personal data is masked but keeps its shape."""

from __future__ import annotations

import time

import pytest

from meshline.core.errors import BadValue
from meshline.core.money import Totals, format_money, parse_minor
from meshline.core.redact import marks_for, marks_of, mask, mask_text


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (21800, "EUR", "€ 218.00"),
        (128400, "EUR", "€ 1,284.00"),
        (5, "USD", "$ 0.05"),
        (500, "JPY", "¥ 500"),
        (1230, "CHF", "CHF 12.30"),
        (1234, "BHD", "BHD 1.234"),
        (-500, "EUR", "-€ 5.00"),
    ],
)
def test_money_is_shown_in_its_own_coins(amount: int, currency: str, shown: str) -> None:
    assert format_money(amount, currency) == shown


def test_totals_never_mix_currencies() -> None:
    totals = Totals.of([(100, "EUR"), (5, "JPY"), (1, "EUR"), (None, "EUR"), (7, None)])
    assert str(totals) == "€ 1.01 + ¥ 5"
    assert list(totals + Totals.of([(1, "JPY")])) == [("EUR", 101), ("JPY", 6)]
    assert str(Totals()) == "0"


def test_major_units_become_minor_ones_exactly() -> None:
    assert parse_minor("218.00", "EUR") == 21800
    assert parse_minor("500", "JPY") == 500
    for text in ("1.005", "", "x", "NaN", "Infinity"):
        with pytest.raises(BadValue):
            parse_minor(text, "EUR")
    with pytest.raises(BadValue):
        parse_minor("1", "euro")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to maja.l+shop@example.com now", "write to m…@example.com now"),
        ("card 4242 4242 4242 4242.", "card …4242."),
        ("order 4242424242424241", "order 4242424242424241"),  # fails Luhn: no card
        ("DE89 3704 0044 0532 0130 00", "DE…3000"),
        ("DE00 3704 0044 0532 0130 00", "DE00 3704 0044 0532 0130 00"),
        ("Authorization: Bearer abc.def-ghijkl", "Authorization: Bearer …"),
        ("msh_demo_ab12cd34_Zm9vYmFyYmF6", "msh_demo_ab12cd34_…"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZI", "whsec_…"),
        ("rf_abcdef12 evt_01JD7R2K9 desk:4812", "rf_abcdef12 evt_01JD7R2K9 desk:4812"),
    ],
)
def test_text_is_masked_by_patterns(text: str, masked: str) -> None:
    assert mask_text(text) == masked


def test_marked_fields_are_masked_by_their_kind() -> None:
    payload = {
        "name": "Maja Lindqvist",
        "phone": "+46 70 123 45 67",
        "street": "Storgatan 1",
        "email": "maja@example.com",
        "notes": [{"text": "please call"}, {"text": None}],
        "amount": 21800,
        "card": 4242424242424242,
    }
    marks = {"/name": "name", "/phone": "phone", "/street": "address", "/email": "email",
             "/notes/*/text": "free-text"}  # fmt: skip
    assert mask(payload, marks) == {
        "name": "M… L…",
        "phone": "…67",
        "street": "…",
        "email": "m…@example.com",
        "notes": [{"text": "… (11 characters)"}, {"text": None}],
        "amount": 21800,
        "card": "…4242",
    }


def test_marks_are_found_through_references_items_and_cycles() -> None:
    schema = {
        "$defs": {"c": {"properties": {"e": {"x-pii": "email"}, "next": {"$ref": "#/$defs/c"}}}},
        "properties": {
            "customer": {"$ref": "#/$defs/c"},
            "people": {"items": {"anyOf": [{"properties": {"n": {"x-pii": "name"}}}]}},
        },
    }
    assert marks_of(schema) == {"/customer/e": "email", "/people/*/n": "name"}
    assert marks_for(schema, ["/data/x"])["/data/x"] == "personal"


@pytest.mark.parametrize("text", ["a" * 300_000, "a@" * 150_000, "1 " * 150_000, "DE12 " * 60_000])
def test_masking_hostile_text_stays_linear(text: str) -> None:
    begun = time.perf_counter()
    mask_text(text)
    assert time.perf_counter() - begun < 1
