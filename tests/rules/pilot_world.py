"""The pilot's documents as the tests read them: from meshline/pilot, as one closed world."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import meshline.pilot
from contracts_app.rules.contract_spec import ContractSpec, parse_contract
from meshline.core import yaml12
from meshline.core.safejson import Json, loads
from meshline.core.yaml12 import Document
from orchestration.rules.contract_lookup import Contracts
from orchestration.rules.flow_parse import parse_flow
from orchestration.rules.flow_spec import FlowSpec
from orchestration.rules.source_spec import SourceSpec, parse_source
from runbooks.rules.runbook_spec import RunbookSpec, parse_runbook

PILOT = Path(meshline.pilot.__file__).parent
PAYLOADS = Path(__file__).parents[1] / "payloads"


def paths(folder: str = "") -> list[Path]:
    """Return the pilot's files below a folder, sorted."""
    return sorted((PILOT / folder).rglob("*.yaml"))


def read(path: Path) -> Document:
    """Read one document."""
    return yaml12.load(path.read_bytes(), name=path.name)


def names(folder: str) -> list[str]:
    """Return the names of the documents below a folder."""
    return [read(path).value["name"] for path in paths(folder)]


def payload(name: str) -> Json:
    """Return a body from tests/payloads: "billing/refund.failed"."""
    return loads((PAYLOADS / f"{name}.json").read_bytes())


@cache
def contracts() -> dict[str, ContractSpec]:
    """Return the pilot's contracts by name."""
    specs = [parse_contract(read(path)) for path in paths("contracts")]
    return {spec.name: spec for spec in specs}


@cache
def flows() -> dict[str, FlowSpec]:
    """Return the pilot's flows by name, checked against its contracts and runbooks."""
    known = Contracts(contracts().values())
    runbook_names = names("runbooks")
    specs = [
        parse_flow(read(path), contracts=known, runbooks=runbook_names) for path in paths("flows")
    ]
    return {spec.name: spec for spec in specs}


@cache
def sources() -> dict[str, SourceSpec]:
    """Return the pilot's sources by name, checked against its contracts."""
    known = Contracts(contracts().values())
    specs = [parse_source(read(path), contracts=known) for path in paths("sources")]
    return {spec.name: spec for spec in specs}


@cache
def runbooks() -> dict[str, RunbookSpec]:
    """Return the pilot's runbooks by name, checked against its contracts."""
    known = Contracts(contracts().values())
    specs = [parse_runbook(read(path), contracts=known) for path in paths("runbooks")]
    return {spec.name: spec for spec in specs}


@cache
def people() -> dict[str, Any]:
    """Return the document that says who is who."""
    found: dict[str, Any] = read(PILOT / "people.yaml").value
    return found


def example(contract: str, name: str = "happy_path") -> dict[str, Any]:
    """Return a valid example of a contract, as an event's payload."""
    found = next(one for one in contracts()[contract].examples_valid if one.name == name)
    body: dict[str, Any] = found.payload
    return body
