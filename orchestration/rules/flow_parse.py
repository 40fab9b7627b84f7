"""Read and check a flow document (flow/v1): shape, then build, then everything it refers to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from contracts_app.rules.shape import refuse_if, shape_findings, with_lines
from meshline.core.durations import parse_duration
from meshline.core.errors import BadValue
from meshline.core.findings import Finding, refusals
from meshline.core.pointers import get
from meshline.core.yaml12 import Document
from orchestration.rules.catalog import CATALOG, Catalog
from orchestration.rules.contract_lookup import ContractLookup
from orchestration.rules.document_parts import one_of_the_kinds
from orchestration.rules.flow_build import build_flow
from orchestration.rules.flow_checks import FlowCheck
from orchestration.rules.flow_schema import FLOW_HEAD, STEPS, TIMEOUT_MOVES
from orchestration.rules.flow_spec import FlowSpec


def parse_flow(
    document: Document,
    *,
    catalog: Catalog = CATALOG,
    contracts: ContractLookup | None = None,
    runbooks: Collection[str] | None = None,
    closed: bool = True,
    previous: FlowSpec | None = None,
) -> FlowSpec:
    """Return the flow in a document.

    `contracts` and `runbooks` None: what the flow refers to is not looked at (a published version
    was checked before). `closed`: a name that is not among them is refused, else only noted.
    `previous` is the version that this one follows: no effect may lose its key.
    Raises: DocumentRefused with every finding (path, line, message, remedy).
    """
    findings = check_flow(
        document,
        catalog=catalog,
        contracts=contracts,
        runbooks=runbooks,
        closed=closed,
        previous=previous,
    )
    refuse_if(findings, document, "flow")
    return build_flow(document.value)


def check_flow(
    document: Document,
    *,
    catalog: Catalog = CATALOG,
    contracts: ContractLookup | None = None,
    runbooks: Collection[str] | None = None,
    closed: bool = True,
    previous: FlowSpec | None = None,
) -> list[Finding]:
    """Return everything that is wrong or doubtful with a flow document, sorted by line."""
    findings = flow_shape_findings(document)
    if refusals(findings):
        return findings  # the other checks rely on the shape
    check = FlowCheck(
        value=document.value,
        spec=build_flow(document.value),
        catalog=catalog,
        contracts=contracts,
        runbooks=runbooks,
        closed=closed,
    )
    return with_lines([*check.findings(), *check.renamed(previous)], document)


def flow_shape_findings(document: Document) -> list[Finding]:
    """Return where a document departs from the shape of a flow, sorted by line."""
    findings = shape_findings(FLOW_HEAD, document)
    if not refusals(findings):
        findings = list(_steps(document))
    if not refusals(findings):
        findings += _durations(document)
    return sorted(findings, key=lambda finding: (finding.line, finding.path))


def _steps(document: Document) -> Iterator[Finding]:
    for index, step in enumerate(document.value["steps"]):
        at = f"/steps/{index}"
        yield from one_of_the_kinds(document, at, STEPS, "step")
        yield from _timeout_moves(document, step, at)
        for word in ("each", "call_flow"):
            if word in step:
                yield document.finding(
                    f"{at}/{word}",
                    f"A step of the kind {word} is not supported in this version.",
                    "Write its steps out, or start another flow from an event.",
                )


def _durations(document: Document) -> Iterator[Finding]:
    places = ["/deadline"]
    for index in range(len(document.value["steps"])):
        at = f"/steps/{index}"
        places += [f"{at}/await/within", f"{at}/renew/within", f"{at}/wait"]
        places += [f"{at}/retry/first_delay", f"{at}/retry/max_delay"]
    for place in places:
        text = get(document.value, place)
        try:
            if isinstance(text, str):
                parse_duration(text)
        except BadValue as error:
            yield document.finding(place, error.message, error.remedy)


def _timeout_moves(document: Document, step: dict[str, Any], at: str) -> Iterator[Finding]:
    moves = step.get("on_timeout")
    for index, move in enumerate(moves if isinstance(moves, list) else []):
        if isinstance(move, dict):
            yield from one_of_the_kinds(document, f"{at}/on_timeout/{index}", TIMEOUT_MOVES, "move")
