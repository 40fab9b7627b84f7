"""Contracts for the tests of other standards, and where the standards' own schemas may lie.

The official schemas are no part of this repository: ODCS 3.1.0 (bitol-io, Apache-2.0) as
odcs-3.1.0.json, AsyncAPI 3.0.0 (asyncapi/spec-json-schemas, Apache-2.0, the one without $id) as
asyncapi-3.0.0.json. STANDARD_SCHEMAS names another folder than the shared fixtures'.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

from contracts_app.rules.contract_spec import ContractSpec, parse_contract
from meshline.core import safejson, yaml_text
from meshline.core.yaml12 import load

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "fixtures"
OFFICIAL = Path(os.environ.get("STANDARD_SCHEMAS", SHARED / "standards"))
FIXTURE = SHARED / "contract-billing.refund.completed-1.2.0.yaml"
PILOT = sorted((ROOT / "meshline/pilot/contracts").rglob("*.yaml"))
FILES = [*PILOT, *([FIXTURE] if FIXTURE.exists() else [])]
each_contract = pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)

BARE = """\
meshline: contract/v1
name: stock.level.changed
version: 1.10
title: Stock level changed
status: in_review
kind: event
risk: {class: low}
producer: {system: shop, channel: {type: kafka, topic: stock.levels}}
identity: {event_id: /number}
schema: {payload: {type: object, required: [number], properties: {number: {type: integer}}}}
examples:
  valid: [{name: one, payload: {number: 1}}]
  invalid: [{name: none, violates: [/number], payload: {}}]
owners: {contract: {oncall: shop}, runtime: {deputy: li@example.com}, product: {group: shop}}
"""


def contract(text: str = BARE, **changed: Any) -> ContractSpec:
    """A checked contract, with some keys of the document changed."""
    value: Any = load(text).value
    return parse_contract(load(yaml_text.dump(value | changed)))


def read(path: Path) -> ContractSpec:
    """The contract of a file."""
    return parse_contract(load(path.read_bytes(), name=str(path)))


@cache
def _official(name: str) -> Validator:
    path = OFFICIAL / name
    if not path.exists():
        pytest.skip(f"the official schema {name} is not beside this checkout")
    schema: Any = safejson.loads(path.read_bytes(), max_bytes=2_000_000)
    return validator_for(schema)(schema)


def require_official(name: str, document: Any) -> None:
    """Fail unless a document is valid by an official schema; skip where that is not at hand."""
    found = [f"{list(error.absolute_path)}: {error.message[:200]}"
             for error in _official(name).iter_errors(document)]  # fmt: skip
    assert found == []
