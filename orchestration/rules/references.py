"""Names that documents refer to: contracts, operations and runbooks, known or not."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from contracts_app.rules.contract_spec import ContractSpec
from meshline.core.errors import BadValue
from meshline.core.findings import Finding, Severity
from orchestration.rules.catalog import Catalog, Operation
from orchestration.rules.contract_lookup import ContractLookup

SLIP_OF_THE_PEN = 0.92  # likeness above which a name is taken for a misspelt one


@dataclass(frozen=True)
class References:
    """What may be referred to. None: not looked at. Not `closed`: an unknown name is a note.

    Even then it is refused when it is a slip of the pen for a known name, or when it is vital (the
    contract of an await, the runbook of an exception route) and others of its kind are known.
    """

    catalog: Catalog
    contracts: ContractLookup | None
    runbooks: Collection[str] | None
    closed: bool

    def contract(
        self, name: str, version_range: str, at: str, *, vital: bool = False
    ) -> Generator[Finding, None, ContractSpec | None]:
        """Yield what is wrong with a reference to a contract; return its newest version."""
        if self.contracts is None:
            return None
        versions = tuple(self.contracts.versions(name))
        if not versions:
            yield self._unknown("contract", name, self.contracts.names(), at, vital)
            return None
        try:
            found = self.contracts.find(name, version_range)
        except BadValue as error:
            yield Finding(at, 0, error.message, error.remedy)
            return None
        if found is None:
            yield Finding(
                at,
                0,
                f"No version of the contract {name} lies in {version_range}.",
                f"There is {', '.join(versions)}.",
            )
        return found

    def runbook(self, name: str, at: str, *, vital: bool = False) -> Iterator[Finding]:
        """Yield what is wrong with a reference to a runbook."""
        if self.runbooks is not None and name not in self.runbooks:
            yield self._unknown("runbook", name, self.runbooks, at, vital)

    def operation(self, name: str, at: str) -> Generator[Finding, None, Operation | None]:
        """Yield what is wrong with a reference to a connector's operation; return it."""
        if name in self.catalog:
            return self.catalog[name]
        system, _, verb = name.partition(".")
        offered = sorted(key for key in self.catalog if key.startswith(f"{system}."))
        if not offered:
            systems = sorted({operation.system for operation in self.catalog.values()})
            message = f"There is no connector {system!r}."
            yield Finding(at, 0, message, f"Connectors: {', '.join(systems)}.")
        else:
            message = f"The connector {system!r} has no operation {verb!r}."
            yield Finding(at, 0, message, f"It has {', '.join(offered)}.")
        return None

    def _unknown(
        self, thing: str, name: str, names: Iterable[str], at: str, vital: bool
    ) -> Finding:
        known = list(names)
        close = get_close_matches(name, known, 1, 0.75)
        slip = bool(get_close_matches(name, known, 1, SLIP_OF_THE_PEN))
        refused = self.closed or slip or (vital and bool(known))
        if close:
            remedy = f"Did you mean {close[0]!r}?"
        elif self.closed:
            remedy = f"Publish the {thing} first, or mend the name."
        elif refused:
            remedy = f"Mend the name, or give the {thing}'s file too."
        else:
            remedy = f"Give the {thing}'s file too, to have it checked."
        if refused:
            return Finding(at, 0, f"The {thing} {name!r} is not known.", remedy)
        message = f"The {thing} {name!r} is not among the files given."
        return Finding(at, 0, message, remedy, Severity.WARNING)
