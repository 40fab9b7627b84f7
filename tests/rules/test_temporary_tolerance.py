"""A temporary tolerance lets named departures through, never identifiers, amounts or everything."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts_app.rules.contract_spec import ContractSpec, parse_contract
from contracts_app.rules.temporary_tolerance import (
    Allowance,
    check_request,
    guarded_places,
    lets_through,
    parse_allowance,
    places_of,
    refusal,
)
from contracts_app.rules.validate import MAX_LISTED_NODES, tells_all
from meshline.core.errors import BadValue
from meshline.core.pointers import build
from meshline.core.yaml12 import load
from orchestration.rules.flow_parse import parse_flow
from orchestration.rules.money_paths import money_paths

PILOT = Path(__file__).resolve().parents[2] / "meshline/pilot"
TEXT = """\
meshline: contract/v1
name: shop.order.placed
version: 1.0.0
title: Order placed
status: draft
kind: event
risk: {class: high}
producer: {system: shop, channel: {type: webhook, source: shop}}
identity: {event_id: /id, correlation: /data/order/number, customer_name: /data/name}
schema:
  payload:
    type: object
    additionalProperties: false
    required: [id, data]
    properties:
      id: {type: string}
      data:
        type: object
        additionalProperties: false
        required: [name, order]
        properties:
          name: {type: string, maxLength: 5}
          gift: {enum: ["yes", "no"]}
          address: {type: object, properties: {street: {type: string}}}
          order:
            type: object
            properties: {number: {type: string}, note: {type: string}}
          unitPrice: {type: integer}
          lines:
            type: array
            items:
              allOf: [{$ref: "#/$defs/line"}]
    $defs:
      line:
        type: object
        properties: {title: {type: string, maxLength: 3}, total: {type: integer}}
examples:
  valid: [{name: plain, payload: {id: a, data: {name: Maja, order: {number: "1"}}}}]
  invalid: [{name: number, violates: [/id], payload: {id: 1, data: {name: M, order: {}}}}]
owners: {contract: {group: c}, runtime: {group: r}, product: {group: p}}
"""


@pytest.fixture(scope="module")
def spec() -> ContractSpec:
    return parse_contract(load(TEXT))


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("/data/name maxLength", ""),
        ("/data/gift enum", ""),
        ("/data/voucher additionalProperties", ""),
        ("/data/name required", ""),
        ("/data/lines/*/title maxLength", ""),
        ("/data/address type", ""),
        ("/id type", "identifier (event id)"),
        ("/data/order/number pattern", "identifier (correlation)"),
        ("/data/order/number required", "identifier"),
        ("/data/order type", "here /data/order/number"),
        ("/data/unitPrice type", "amount or its currency"),
        ("/data/unitPrice required", "amount or its currency"),
        ("/data/amount additionalProperties", "amount or its currency"),
        ("/data/lines/*/total minimum", "amount or its currency"),
        ("/data/lines type", "here /data/lines/*/total"),
        ("/data/*/title maxLength", "is never tolerated"),
        ("/data type", "is never tolerated"),
        ("/data/flow type", "a step that moves money reads it"),
        ("/data/nothing type", "names no /data/nothing"),
        ("data/name type", "does not begin with"),
        ("/data/name wish", "no rule that can be tolerated"),
        ("/data/name anyOf", "no rule that can be tolerated"),
    ],
)
def test_place_may_be_tolerated_or_the_sentence_says_why_not(
    spec: ContractSpec, asked: str, why: str
) -> None:
    guarded = guarded_places(spec, ["/data/flow"])

    found = refusal(parse_allowance(asked), spec, guarded)

    assert found == "" if not why else why in found


def test_whole_document_is_never_tolerated(spec: ContractSpec) -> None:
    assert "whole document" in refusal(Allowance("", "type"), spec, ())


@pytest.mark.parametrize("line", ["", "/data/name", "maxLength"])
def test_line_that_names_no_place_and_rule_is_refused(line: str) -> None:
    with pytest.raises(BadValue):
        parse_allowance(line)


@pytest.mark.parametrize(
    ("hours", "count", "says"),
    [(0, 1, "1 to 72 hours"), (73, 1, "1 to 72 hours"), (5, 0, "Nothing is named"), (5, 21, "20")],
)
def test_request_has_an_end_and_names_something(
    spec: ContractSpec, hours: int, count: int, says: str
) -> None:
    named = [Allowance(f"/data/new{n}", "additionalProperties") for n in range(count)]
    (told,) = check_request(named, timedelta(hours=hours), spec, ())
    assert says in told


GOOD: dict[str, Any] = {"name": "Maja", "order": {"number": "1"}}


@pytest.mark.parametrize(
    ("data", "through"),
    [
        ({"name": "Maja Lindqvist"}, True),
        ({"voucher": "x", "name": "Maja Lindqvist"}, True),
        ({"lines": [{"title": "one"}, {"title": "two and a half"}]}, True),
        ({"voucher": "x", "other": 1}, False),
        ({"name": 7}, False),
        ({"name": "Maja Lindqvist", "order": {"number": 1}}, False),
        ({"name": "Maja Lindqvist", "unitPrice": "7.00"}, False),
        ({}, False),
    ],
)
def test_event_passes_only_if_everything_that_is_wrong_is_named(
    spec: ContractSpec, data: dict[str, Any], through: bool
) -> None:
    allowed = [
        Allowance("/data/name", "maxLength"),
        Allowance("/data/voucher", "additionalProperties"),
        Allowance("/data/lines/*/title", "maxLength"),
        Allowance("/data/order/number", "type"),  # a row that should never be there
        Allowance("/data/unitPrice", "type"),
    ]
    found = spec.violations({"id": "a", "data": GOOD | data})

    assert lets_through(found, allowed, spec, guarded_places(spec)) is through


def test_departure_of_properties_is_named_by_each_of_them(spec: ContractSpec) -> None:
    found = spec.violations({"id": "a", "data": {"order": {"number": "1"}, "b": 1, "c": 2}})
    places = {str(one) for problem in found for one in places_of(problem)}
    assert places == {
        "/data/b additionalProperties", "/data/c additionalProperties", "/data/name required",
    }  # fmt: skip


def test_payload_of_which_not_all_is_told_is_known() -> None:
    assert tells_all({"a": 1})
    assert not tells_all([0] * (MAX_LISTED_NODES + 1))


def test_flow_tells_what_it_reads_to_move_money() -> None:
    flow = parse_flow(load((PILOT / "flows/refund-completion.yaml").read_text()))
    read = {build(map(str, path)) for path in money_paths(flow, "support.refund.requested")}
    assert {"/data/charge_id", "/data/amount_minor", "/data/currency", "/data/refund_id"} <= read
    assert "/data/name" not in read
    assert money_paths(flow, "shop.cart.updated") == set()
