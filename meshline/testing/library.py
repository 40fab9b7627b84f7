"""Contracts for tests: read once in a process, from a folder or from a registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts_app.rules.contract_shape import SERVING
from contracts_app.rules.contract_spec import ContractSpec, parse_contract
from contracts_app.rules.versions import best, parse_version
from meshline.core.errors import BadValue, DocumentRefused
from meshline.core.yaml12 import Document
from meshline.registry_client import Registry, RegistryError
from meshline.testing.options import Options
from runbooks.rules.contract_files import ContractFolder


class NoContract(Exception):
    """A contract cannot be had; the text says which, why and what to do."""


@dataclass(frozen=True)
class Loaded:
    """A contract's version as read; `document` knows its file and lines."""

    spec: ContractSpec
    document: Document


class Library:
    """The contracts that a session's options lead to."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._read: dict[tuple[str, str], Loaded] = {}

    def get(self, name: str, version: str) -> Loaded:
        """Return a version, or the newest one in service in a range such as "^1".

        Raises: NoContract.
        """
        if (name, version) not in self._read:
            self._read[name, version] = self._fetched(name, version)
        return self._read[name, version]

    def _fetched(self, name: str, version: str) -> Loaded:
        try:
            if self._options.folder is not None:
                return self._from_folder(name, version)
            if self._options.registry:
                return self._from_registry(name, version)
        except (RegistryError, OSError, BadValue) as error:
            raise NoContract(f"The contract {name} {version} cannot be read: {error}") from None
        raise NoContract(
            "It is not said where contracts come from. Give --meshline-contracts FOLDER or "
            "--meshline-registry URL, or meshline_contracts in the ini file."
        )

    def _from_folder(self, name: str, version: str) -> Loaded:
        assert self._options.folder is not None  # noqa: S101 asked before
        documents, broken = ContractFolder(self._options.folder).documents_of(name)
        if broken:
            raise NoContract(f"The contract {name} cannot be read: {broken[0]}")
        where = f"below {self._options.folder}"
        numbers = {_number(one): one for one in documents}
        serving = [number for number, one in numbers.items() if _status(one) in SERVING]
        return _judged(numbers[_chosen(name, version, [*numbers], serving, where)])

    def _from_registry(self, name: str, version: str) -> Loaded:
        address = self._options.registry
        with Registry(address, self._options.key) as registry:
            known = registry.published([name]).get(name, [])
            serving = [one.version for one in known if one.state in SERVING]
            where = f"in the registry at {address}"
            chosen = _chosen(name, version, [one.version for one in known], serving, where)
            place = f"{address.rstrip('/')}/api/v1/contracts/{name}/versions/{chosen}"
            return _judged(Document(registry.document(name, chosen), "", place))


def _chosen(
    name: str, version: str, numbers: Sequence[str], serving: Sequence[str], where: str
) -> str:
    """Return the version that is meant. Raises: NoContract, naming what there is; BadValue."""
    exact = [one for one in numbers if one == version]
    found = exact[0] if exact else best(version, serving)
    if found is not None:
        return found
    there = ", ".join(sorted(numbers, key=parse_version)) or "none of it"
    raise NoContract(f"There is no contract {name} {version} {where}; there is {there}.")


def _judged(document: Document) -> Loaded:
    try:
        return Loaded(parse_contract(document), document)
    except DocumentRefused as error:
        raise NoContract(f"{document.name} is no sound contract: {error.findings[0]}") from None


def _number(document: Document) -> str:
    return str(document.value.get("version", "")) if isinstance(document.value, dict) else ""


def _status(document: Document) -> str:
    return str(document.value.get("status", "")) if isinstance(document.value, dict) else ""
