"""Write down what a pipeline found out: results of verification, and deployments."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from contracts_app.models import ContractVersion, Deployment, Verification
from contracts_app.queries.registry import spec_of
from contracts_app.services import audit
from meshline.core.errors import BadValue


@transaction.atomic
def record_verification(
    *,
    version: ContractVersion,
    system: str,
    system_version: str,
    passed: bool,
    details: str = "",
    by: str,
    now: datetime,
) -> Verification:
    """Store a result. `by` is the key's name in the audit log.

    Raises: BadValue if the contract does not name the system.
    """
    spec = spec_of(version)
    named = {spec.producer.system, *(one.system for one in spec.consumers)}
    if system not in named:
        raise BadValue(
            f"{version} names no system {system}.",
            remedy=f"Use one of {', '.join(sorted(named))}.",
        )
    row = Verification.objects.create(
        version=version,
        system=system,
        system_version=system_version,
        passed=passed,
        details=details[:1000],
        at=now,
        by=by,
    )
    audit.record(
        action="contract.verify",
        actor=by,
        object_type="contract",
        object_id=version.contract.name,
        contract=version.contract.name,
        contract_version=version.version,
        after=version.digest,
        detail={"system": system, "version": system_version, "passed": passed},
        now=now,
    )
    return row


@transaction.atomic
def record_deployment(
    *, system: str, system_version: str, environment: str, by: str, now: datetime
) -> Deployment:
    """Store that a system's version is in an environment now."""
    row = Deployment.objects.create(
        system=system, system_version=system_version, environment=environment, at=now, by=by
    )
    audit.record(
        action="system.deploy",
        actor=by,
        object_type="system",
        object_id=system,
        detail={"version": system_version, "environment": environment},
        now=now,
    )
    return row
