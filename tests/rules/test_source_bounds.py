"""How much a source may hand on: a whole delivery always, a computed value within its budget."""

from __future__ import annotations

from typing import Any

import pytest

from meshline.core import yaml12
from meshline.core.safejson import MAX_BYTES
from orchestration.rules.source_spec import map_delivery, parse_source

SOURCE = """
meshline: source/v1
name: warehouse
system: meshline
scheme: apikey
external_id: "= body.id"
kind: "= body.type"
on_violation: reject
events:
  - contract: shop.cart.updated
    version: "^1"
    payload: PAYLOAD
"""


def mapped(payload: str, body: Any) -> Any:
    source = parse_source(yaml12.load(SOURCE.replace("PAYLOAD", payload), name="source.yaml"))
    return map_delivery(source, headers=[], body=body)


@pytest.mark.parametrize("size", [300_000, MAX_BYTES])
@pytest.mark.parametrize("payload", ['"= body"', '{data: "= body.data"}'])
def test_a_delivery_of_any_size_that_is_read_is_handed_on(payload: str, size: int) -> None:
    found = mapped(payload, {"id": "e1", "type": "t", "data": {"text": "x" * size}})
    assert found.problems == ()
    assert len(found.payload["data"]["text"]) == size


def test_a_computed_value_keeps_its_budget() -> None:
    found = mapped('{data: "= [body.text]"}', {"id": "e1", "type": "t", "text": "x" * 300_000})
    assert [problem.rule for problem in found.problems] == ["mapping"]
