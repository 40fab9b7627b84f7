"""Contracts and sources as they stand now: published versions, their specs, a source by name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from contracts_app.models import Contract, ContractState, ContractVersion, Source
from contracts_app.queries.remembered import Remembered, document_of
from contracts_app.rules.contract_spec import ContractSpec, parse_contract
from contracts_app.rules.versions import best
from meshline.core.errors import NotFound

# An active version is preferred; a deprecated one still serves who is pinned to it.
SERVING = (ContractState.ACTIVE, ContractState.DEPRECATED)

_specs: Remembered[tuple[int, str], ContractSpec] = Remembered()
_rows: Remembered[tuple[int, str, str], ContractVersion] = Remembered()


def published_version(name: str, version_range: str = "*") -> ContractVersion:
    """Return the newest active version in the range, else the newest deprecated one.

    Raises: NotFound, naming the contract and the range; BadValue for a range that is none.
    """
    listed = _serving(name)
    for state in SERVING:
        newest = best(version_range, (one.version for one in listed if one.state == state))
        for one in listed:
            if one.version == newest:
                return _rows.get((one.pk, one.digest, one.state), partial(_row, one.pk))
    wanted = "" if version_range == "*" else f" in {version_range}"
    raise NotFound(
        f"The contract {name} has no published version{wanted}.",
        remedy="Publish one, or correct the name and the range.",
    )


class PublishedContracts:
    """What the checks of flows, sources and runbooks ask: the contracts published now."""

    def names(self) -> Iterable[str]:
        """Return the names of all contracts with a serving version."""
        rows = ContractVersion.objects.filter(state__in=SERVING).order_by("contract__name")
        return tuple(rows.values_list("contract__name", flat=True).distinct())

    def versions(self, name: str) -> Iterable[str]:
        """Return the serving versions of a contract; empty: no such contract."""
        return tuple(row.version for row in _serving(name))

    def find(self, name: str, version_range: str = "*") -> ContractSpec | None:
        """Return the newest version in the range, or None. Raises: BadValue for a bad range."""
        try:
            return spec_of(published_version(name, version_range))
        except NotFound:
            return None


def spec_of(version: ContractVersion) -> ContractSpec:
    """Return the parsed contract of a version; parsed once per text."""
    key = (version.pk, version.digest)
    return _specs.get(key, lambda: parse_contract(document_of(version)))


def serving_specs(name: str) -> list[ContractSpec]:
    """Return the parsed versions of a contract that are in service."""
    rows = ContractVersion.objects.filter(contract__name=name, state__in=SERVING)
    return [spec_of(row) for row in rows.select_related("contract")]


def contract_named(name: str) -> Contract:
    """Return a contract's row. Raises: NotFound."""
    try:
        return Contract.objects.get(name=name)
    except Contract.DoesNotExist:
        raise NotFound(f"There is no contract {name}.") from None


def source_named(slug: str) -> Source:
    """Return a source, switched on or not. Raises: NotFound."""
    try:
        return Source.objects.get(name=slug)
    except Source.DoesNotExist:
        raise NotFound(
            f"There is no source {slug}.",
            remedy="Create it with `manage.py source_create`, or correct the address.",
        ) from None


class _Serving(NamedTuple):
    """A serving version without its text, which is remembered by id and digest."""

    pk: int
    version: str
    digest: str
    state: str


def _serving(name: str) -> list[_Serving]:
    rows = ContractVersion.objects.filter(contract__name=name, state__in=SERVING)
    return [_Serving(*row) for row in rows.values_list("pk", "version", "digest", "state")]


def _row(pk: int) -> ContractVersion:
    return ContractVersion.objects.select_related("contract").get(pk=pk)
