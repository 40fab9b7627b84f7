"""ContractLookup: how checks find a contract's versions, and one made of contract documents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.versions import best


class ContractLookup(Protocol):
    """What a check asks of the registry, or of the files beside it."""

    def names(self) -> Iterable[str]:
        """Return the names of all contracts there are."""
        ...

    def versions(self, name: str) -> Iterable[str]:
        """Return the versions of a contract that may be used; empty: no such contract."""
        ...

    def find(self, name: str, version_range: str = "*") -> ContractSpec | None:
        """Return the newest version in the range, or None."""
        ...


class Contracts:
    """A ContractLookup over contracts at hand."""

    def __init__(self, specs: Iterable[ContractSpec] = ()) -> None:
        self._by_name: dict[str, dict[str, ContractSpec]] = {}
        for spec in specs:
            self._by_name.setdefault(spec.name, {})[spec.version] = spec

    def names(self) -> Iterable[str]:
        """Return the names of all contracts there are."""
        return tuple(self._by_name)

    def versions(self, name: str) -> Iterable[str]:
        """Return the versions of a contract."""
        return tuple(self._by_name.get(name, ()))

    def find(self, name: str, version_range: str = "*") -> ContractSpec | None:
        """Return the newest version in the range, or None. Raises: BadValue for a bad range."""
        versions = self._by_name.get(name, {})
        chosen = best(version_range, versions)
        return versions[chosen] if chosen else None
