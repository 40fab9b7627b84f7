"""Check a source document (source/v1): shape, expressions, and payloads against contracts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contracts_app.rules.shape import closed as only
from contracts_app.rules.shape import shape_findings, with_lines
from meshline.core.findings import Finding, refusals
from meshline.core.yaml12 import Document
from orchestration.rules.catalog import CATALOG
from orchestration.rules.contract_lookup import ContractLookup
from orchestration.rules.expression_checks import Scope
from orchestration.rules.flow_schema import CONTRACT, EXPRESSION, RANGE, SLUG, TEXT
from orchestration.rules.references import References
from orchestration.rules.signature_schemes import SCHEMES

# Proved by a bearer key, or written by Meshline itself: nothing is signed.
UNSIGNED = ("apikey", "internal")

_RULE = only(
    "contract payload",
    when=EXPRESSION,
    contract=CONTRACT,
    version=RANGE,
    own_writes=EXPRESSION,
    payload={"type": ["object", "string"]},
)
SOURCE_SHAPE: dict[str, Any] = only(
    "meshline name system scheme external_id kind on_violation events",
    meshline={"const": "source/v1"},
    name=SLUG,
    version={"type": "string", "pattern": "^[1-9][0-9]{0,5}$"},
    title={"type": "string", "minLength": 1, "maxLength": 120},
    description=TEXT,
    system=SLUG,
    scheme={"enum": [*SCHEMES, *UNSIGNED]},
    external_id=EXPRESSION,
    kind=EXPRESSION,
    occurred_at=EXPRESSION,
    on_violation={"enum": ["hold", "reject"]},
    ignore={"type": "array", "maxItems": 200, "items": TEXT},
    own_writes=EXPRESSION,
    volatile={"type": "array", "maxItems": 50, "items": {"type": "string", "pattern": "^/"}},
    events={"type": "array", "minItems": 1, "maxItems": 200, "items": _RULE},
) | {"patternProperties": {"^x-": True}}

_NAMES: Mapping[str, Any] = {
    "body": True,
    "source": {"type": "object", "properties": {"name": {"type": "string"}}},
}


def check_source(
    document: Document, *, contracts: ContractLookup | None = None, closed: bool = True
) -> list[Finding]:
    """Return everything that is wrong or doubtful with a source document, sorted by line."""
    findings = shape_findings(SOURCE_SHAPE, document)
    if refusals(findings):
        return findings
    references = References(CATALOG, contracts, None, closed)
    return with_lines(list(_checks(document.value, references)), document)


def _checks(value: Mapping[str, Any], references: References) -> Iterator[Finding]:
    first = Scope("source", _NAMES)
    for name in ("external_id", "kind", "occurred_at"):
        if name in value:
            yield from first.template(value[name], f"/{name}")
    scope = first.having(kind={"type": "string"}, occurred_at={"type": "string"})
    if "own_writes" in value:
        yield from scope.condition(value["own_writes"], "/own_writes")
    for index, rule in enumerate(value["events"]):
        yield from _rule(rule, f"/events/{index}", scope, references)
    yield from _unreachable(value["events"])


def _rule(
    rule: Mapping[str, Any], at: str, scope: Scope, references: References
) -> Iterator[Finding]:
    for name in ("when", "own_writes"):
        if name in rule:
            yield from scope.condition(rule[name], f"{at}/{name}")
    version = rule.get("version", "*")
    contract = yield from references.contract(rule["contract"], version, f"{at}/contract")
    payload = rule["payload"]
    if contract is None or isinstance(payload, str):
        yield from scope.template(payload, f"{at}/payload")
    else:
        yield from scope.arguments(payload, contract.schema, f"{at}/payload")


def _unreachable(rules: list[Mapping[str, Any]]) -> Iterator[Finding]:
    for index, rule in enumerate(rules[:-1]):
        if "when" not in rule:
            yield Finding(
                f"/events/{index}",
                0,
                "This rule takes every delivery, so those after it are never looked at.",
                "Add when: to it, or put it last.",
            )
