"""What is to be told to the sender of a version that is on its way out."""

from __future__ import annotations

from contracts_app.models import ContractState, ContractVersion
from contracts_app.queries.registry import published_version
from contracts_app.rules.deprecation import Deprecation
from meshline.core.errors import NotFound


def deprecation_of(version: ContractVersion) -> Deprecation | None:
    """Return since when a version is deprecated and what replaces it, None while it is not."""
    if version.state != ContractState.DEPRECATED or version.deprecated_at is None:
        return None
    name = version.contract.name
    try:
        newest = published_version(name)
    except NotFound:
        newest = version
    other = newest.state == ContractState.ACTIVE
    successor = f"/api/v1/contracts/{name}/versions/{newest.version}" if other else ""
    return Deprecation(version.deprecated_at, version.sunset_on, successor)
