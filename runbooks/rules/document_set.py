"""Documents of every kind judged together: each by its own check, then by what they refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from contracts_app.rules.calendar_spec import check_calendar
from contracts_app.rules.contract_spec import check_contract, parse_contract
from contracts_app.rules.rota_spec import check_rota
from contracts_app.rules.shape import with_lines
from contracts_app.rules.sla_policy_spec import check_sla_policy
from contracts_app.rules.system_spec import check_system
from meshline.core.findings import Finding, refusals
from meshline.core.yaml12 import Document
from orchestration.rules.contract_lookup import Contracts
from orchestration.rules.flow_parse import check_flow
from orchestration.rules.source_checks import check_source
from runbooks.rules.cross_checks import CrossChecks, Named, steps_by_runbook
from runbooks.rules.document_kinds import KINDS, kind_of, name_of
from runbooks.rules.runbook_checks import check_runbook

_ALONE: Mapping[str, Callable[[Document], list[Finding]]] = MappingProxyType(
    {
        "system": check_system,
        "contract": check_contract,
        "calendar": check_calendar,
        "policy": check_sla_policy,
        "rota": check_rota,
        "address book": lambda document: [],
    }
)


@dataclass(frozen=True)
class Judged:
    """One finding and the document that it is about."""

    document: Document
    finding: Finding


class DocumentSet:
    """Documents that are checked together. `closed`: a name that none of them has is refused."""

    def __init__(self, documents: Sequence[Document], *, closed: bool = False) -> None:
        self.documents = documents
        self.closed = closed
        self.names: dict[str, set[str]] = {kind: set() for kind in KINDS.values()}
        for document in documents:
            kind, name = kind_of(document), name_of(document)
            if kind is not None and name is not None:
                self.names[kind].add(name)
        # A contract that is refused is still known by name; its schema is not.
        sound = [
            d for d in documents if kind_of(d) == "contract" and not refusals(check_contract(d))
        ]
        self.contracts = Contracts(parse_contract(document) for document in sound)
        self.broken = self.names["contract"] - set(self.contracts.names())
        self.steps = steps_by_runbook(d.value for d in documents if kind_of(d) == "flow")

    def judged(self) -> Iterator[Judged]:
        """Yield every finding, document by document, sorted by line."""
        seen: dict[tuple[str, str, str], str] = {}
        for document in self.documents:
            findings = [*self._doubled(document, seen), *self._judge(document)]
            for finding in sorted(findings, key=lambda one: (one.line, one.path)):
                yield Judged(document, finding)

    def _judge(self, document: Document) -> list[Finding]:
        kind = kind_of(document)
        if kind is None:
            return [_kindless(document)]
        findings = self._by_kind(document, kind)
        if refusals(findings):
            return findings
        known = Named(self.names, self.contracts, self.broken, self.closed, self.steps)
        checks = CrossChecks(document.value, known)
        return [*findings, *with_lines(list(checks.findings(kind)), document)]

    def _by_kind(self, document: Document, kind: str) -> list[Finding]:
        match kind:
            case "flow":
                findings = check_flow(
                    document,
                    contracts=self.contracts,
                    runbooks=self.names["runbook"],
                    closed=self.closed,
                )
            case "source":
                findings = check_source(document, contracts=self.contracts, closed=self.closed)
            case "runbook":
                findings = check_runbook(document, contracts=self.contracts, closed=self.closed)
            case _:
                return _ALONE[kind](document)
        return [finding for finding in findings if not self._is_about_broken(finding)]

    def _is_about_broken(self, finding: Finding) -> bool:
        """Say whether a finding only repeats that a contract beside it was refused itself."""
        return any(f"The contract {name!r} is not" in finding.message for name in self.broken)

    def _doubled(
        self, document: Document, seen: dict[tuple[str, str, str], str]
    ) -> Iterator[Finding]:
        kind, name = kind_of(document), name_of(document)
        if kind is None or name is None:
            return
        key = (kind, name, str(document.value.get("version", "")))
        if key in seen:
            version = f" version {key[2]}" if key[2] else ""
            message = f"The {kind} {name}{version} stands in {seen[key]} already."
            yield document.finding("/name", message, "Remove one, or give it the next version.")
        seen.setdefault(key, document.name)


def _kindless(document: Document) -> Finding:
    value = document.value
    given = value.get("meshline") if isinstance(value, dict) else None
    if given is None:
        message = "The document does not say what it is."
    else:
        message = f"The format {str(given)[:60]!r} is not known."
    return document.finding("/meshline", message, f"Begin it with meshline: {', '.join(KINDS)}.")
