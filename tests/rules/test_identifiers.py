"""Identifiers by a contract's own ways: order of preference, closed steps, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts_app.rules.contract_change import judge_change
from contracts_app.rules.contract_spec import check_contract, parse_contract
from contracts_app.rules.identifiers import parse_identity
from contracts_app.rules.identity import IdentityPointers, readings, resolve, spellings
from contracts_app.rules.identity_change import only_identifiers
from contracts_app.rules.identity_checks import identifier_violations
from contracts_app.rules.normalising import PLAIN_STEPS, Step, Unreadable, normalised
from meshline.core.findings import Severity
from meshline.core.yaml12 import load
from tests.rules.test_contract_spec import CONTRACT

ORDER = ["trim", {"strip_prefix": "gid://shopify/Order/"}, "digits", {"vendor": "shopify"}]
PLAIN = "identity: {event_id: /id, correlation: /reference}"


def pointers(**block: Any) -> IdentityPointers:
    return IdentityPointers(**parse_identity({"event_id": "/id", **block}))


def one(steps: list[Any], text: Any) -> str | None:
    """The cart that a payload names, read by some steps."""
    return resolve(pointers(cart={"at": "/cart", "as": steps}), {"id": "1", "cart": text}).cart


def contract(identity: str) -> str:
    return CONTRACT.replace(PLAIN, f"identity: {identity}")


@pytest.mark.parametrize(
    ("steps", "text", "canonical"),
    [
        (["trim"], "  c1 ", "c1"),
        (["lower"], "AbC", "abc"),
        (["digits"], "#1 001", "1001"),
        (["digits"], 1001, "1001"),
        (["digits"], "A1001", None),
        (["digits"], "1२", None),
        (["email"], "Ana <Ana+x@Example.com>", "ana@example.com"),
        (["email"], "ana", None),
        (["email", "gmail_dots"], "An.a+x@Gmail.com", "ana@gmail.com"),
        (["email", "gmail_dots"], "an.a@example.com", "an.a@example.com"),
        (["email"], "an.a@gmail.com", "an.a@gmail.com"),
        (ORDER, "gid://shopify/Order/450789469", "shopify:450789469"),
        (ORDER, "shopify:450789469", "shopify:450789469"),
        (ORDER, " 450789469", "shopify:450789469"),
        ([{"vendor": "desk"}], "desk:", None),
        ([], " as it is ", " as it is "),
        (["trim"], "cafe\u0301", "caf\u00e9"),
        (["trim"], "a\u202eb", None),
        (["trim"], "a\u200bb", None),
        (["trim"], "a\x00b", None),
        (["trim"], "a\ud800", None),
        (["trim"], "   ", None),
        (["trim"], "", None),
        (["trim"], None, None),
        (["trim"], {"id": "c1"}, None),
        (["trim"], 1.5, None),
        (["trim"], True, None),
        (["trim"], "x" * 201, None),
        ([{"strip_prefix": "#"}], "###", None),
        ([{"strip_prefix": "a"}, {"strip_prefix": "b"}], "ab" * 400, None),
    ],
)  # fmt: skip
def test_steps_bring_an_identifier_into_one_spelling_or_into_none(
    steps: list[Any], text: Any, canonical: str | None
) -> None:
    assert one(steps, text) == canonical


def test_largest_values_are_no_identifiers() -> None:
    for huge in (10**5000, -(10**5000), "x" * 10_000_000, "\u0301" * 100_000):
        assert one(["trim"], huge) is None
        plain = resolve(pointers(cart="/v", order="/v", customer="/v"), {"id": "1", "v": huge})
        assert len(plain.cart or "") <= 200


STEPS = st.lists(
    st.one_of(
        st.sampled_from([Step(name) for name in PLAIN_STEPS]),
        st.builds(Step, st.just("strip_prefix"), st.text("#ab:/", min_size=1, max_size=3)),
    ),
    max_size=4,
)
TEXTS = st.one_of(st.text(max_size=60), st.text("#ab:/@+. 12Aİß", max_size=30), st.emails())


@settings(max_examples=400, deadline=None)
@given(TEXTS, STEPS, st.sampled_from(["", "shopify"]))
def test_what_is_canonical_stays_as_it_is(text: str, steps: list[Step], vendor: str) -> None:
    all_steps = [*steps, Step("vendor", vendor)] if vendor else steps
    try:
        canonical = normalised(text, all_steps)
    except Unreadable:
        return
    assert canonical.strip()
    assert len(canonical) <= 200
    assert normalised(canonical, all_steps) == canonical


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
)
def test_no_value_makes_it_fail(value: Any) -> None:
    ways = pointers(
        customer=[{"at": ["/v", "/v/0"], "as": ["email"]}, "/v"],
        ticket={"at": "/v", "as": ["trim", {"vendor": "zendesk"}]},
        order={"at": "/v", "as": ORDER},
        correlation={"of": "order"},
    )
    resolve(ways, {"v": value})
    list(readings(ways, {"v": value}))
    identifier_violations(ways, {"v": value})


def test_first_place_that_can_be_read_counts_and_a_reference_is_that_id() -> None:
    ways = pointers(
        customer=[
            {"at": "/shop_id", "as": ["digits", {"vendor": "shopify"}]},
            {"at": ["/mail", "/other"], "as": ["email"]},
        ],
        ticket={"at": "/ticket", "as": ["digits", {"vendor": "zendesk"}]},
        correlation={"of": "customer"},
    )
    names = [
        resolve(ways, payload)
        for payload in (
            {"shop_id": 7, "mail": "a@x.de"},
            {"shop_id": "guest", "mail": "A+b@X.de"},
            {"shop_id": None, "other": "c@x.de", "ticket": "#12"},
            {},
        )
    ]
    assert [one.customer for one in names] == ["shopify:7", "a@x.de", "c@x.de", None]
    assert [one.correlation for one in names] == ["shopify:7", "a@x.de", "c@x.de", None]
    assert str(names[2].ticket) == "zendesk:12"
    assert spellings(ways, "correlation", "C+z@x.de") == ("c@x.de", "C+z@x.de")


def test_identifier_that_stands_there_unreadable_is_told_without_its_value() -> None:
    ways = pointers(customer=[{"at": "/mail", "as": ["email"]}])
    found = identifier_violations(ways, {"mail": "secret\x07"})
    assert [(one.path, one.rule) for one in found] == [("/mail", "identifier")]
    assert "no customer can be read" in found[0].sentence
    assert "secret" not in found[0].sentence
    assert identifier_violations(ways, {}) == []
    assert identifier_violations(ways, {"mail": "  "}) == []
    assert identifier_violations(pointers(customer="/mail"), {"mail": "\x07"}) == []


@pytest.mark.parametrize(
    ("identity", "path", "said"),
    [
        ("{event_id: /id, order: {at: /id, as: [upper]}}", "/identity/order/as/0", "upper"),
        ("{event_id: /id, order: {at: /id, as: [{cut: x}]}}", "/identity/order/as/0/cut", "cut"),
        ("{event_id: /id, order: {at: id}}", "/identity/order/at", ""),
        ("{event_id: /id, order: []}", "/identity/order", ""),
        ("{event_id: /id, correlation: {of: order}}", "/identity/correlation/of", "not named"),
        ("{event_id: /id, correlation: {of: moon}}", "/identity/correlation/of", ""),
        ("{event_id: /id, order: {at: /id, as: [{vendor: x}, lower]}}", "/identity/order/as/0",
         "in front"),
        ("{event_id: /id, customer: {at: /id, as: [gmail_dots]}}", "/identity/customer/as/0",
         "one spelling"),
        ("{event_id: /id, customer: {at: /id, as: [email]}}",
         "/examples/valid/0/payload/id", "no e-mail address"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_at_its_place(identity: str, path: str, said: str) -> None:
    findings = [one for one in check_contract(load(contract(identity))) if one.path == path]
    assert findings
    assert said in findings[0].message
    assert findings[0].severity is Severity.REFUSED
    assert findings[0].remedy
    assert findings[0].line


def test_places_that_the_schema_lacks_or_does_not_ask_for_are_warned_of() -> None:
    text = contract("{event_id: /id, order: {at: /nope}, customer: {at: /email, as: [email]}}")
    told = {f.path: (f.severity, f.message) for f in check_contract(load(text))}
    order = [one.message for one in check_contract(load(text)) if one.path == "/identity/order"]
    assert any("The schema has no /nope" in one for one in order)
    assert told["/identity/customer"][0] is Severity.WARNING
    assert "some events will have none" in told["/identity/customer"][1]


BEFORE = "{event_id: /id, correlation: /reference}"


@pytest.mark.parametrize(
    ("now", "verdict", "least"),
    [
        ("{event_id: /id, correlation: {at: /reference}}", "compatible", "1.10.1"),
        ("{event_id: /id, correlation: {at: /reference, as: [lower]}}", "breaking", "2.0.0"),
        ("{event_id: /id}", "breaking", "2.0.0"),
        ("{event_id: /id, correlation: /id}", "breaking", "2.0.0"),
        ("{event_id: /id, correlation: [/reference, /id]}", "compatible", "1.11.0"),
        ("{event_id: /id, correlation: /reference, order: /id}", "compatible", "1.11.0"),
    ],
)
def test_another_reading_of_an_identifier_is_a_named_break(
    now: str, verdict: str, least: str
) -> None:
    old = parse_contract(load(contract(BEFORE).replace("active", "active")))
    change = judge_change(parse_contract(load(contract(now))), [old])
    assert (change.verdict, change.least_version) == (verdict, least)
    assert change.newest is not None
    named = [one for one in change.newest.comparison.changes if one.rule == "identifier"]
    assert [one.breaking for one in named] == ([] if least == "1.10.1" else [verdict == "breaking"])
    assert only_identifiers(change.newest.comparison) is (verdict == "breaking")
