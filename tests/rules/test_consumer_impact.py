"""What a version means for a consumer that reads single fields, however the schema is built."""

from __future__ import annotations

from typing import Any

import pytest

from contracts_app.rules.consumer_impact import expectations
from contracts_app.rules.contract_spec import Consumer, ContractSpec
from contracts_app.rules.validate import violations
from tests.rules.standard_contracts import contract

AMOUNT = {"type": "integer", "minimum": 0}
FLAT: dict[str, Any] = {
    "type": "object", "required": ["amount"], "properties": {"amount": AMOUNT, "note": {}},
}  # fmt: skip
SHOWN = {
    "valid": [{"name": "five", "payload": {"amount": 5, "note": 7}}],
    "invalid": [{"name": "none", "violates": [""], "payload": {}}],
}
SHAPES: dict[str, dict[str, Any]] = {
    "described in place": FLAT,
    "behind a reference": {"$ref": "#/$defs/a", "$defs": {"a": FLAT}},
    "behind a reference with more beside it":
        {"$ref": "#/$defs/a", "properties": {"kind": {}}, "$defs": {"a": FLAT}},
    "in a part of allOf": {"type": "object", "allOf": [FLAT, {"required": ["note"]}]},
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_a_field_that_is_read_is_expected_as_the_version_in_service_says(
    shape: dict[str, Any],
) -> None:
    reader = Consumer(system="bi", team="analytics", status="live", pinned="^1", until=None,
                      expects={"fields": ["/amount"]})  # fmt: skip
    [expected] = expectations(reader, _contract(shape))
    assert violations(expected, {"amount": 5}) == []
    assert violations(expected, {"amount": 5, "note": 7, "other": 1}) == []
    assert [one.path for one in violations(expected, {"amount": -1})] == ["/amount"]
    assert [one.rule for one in violations(expected, {})] == ["required"]


def _contract(shape: dict[str, Any]) -> ContractSpec:
    return contract(schema={"payload": shape}, examples=SHOWN, identity={"event_id": "/note"})
