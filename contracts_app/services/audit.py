"""The only writer of the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser

from contracts_app.models import AuditEntry
from contracts_app.queries import clock
from meshline.core.ids import uuid7_at

ENGINE = "engine"


@dataclass(frozen=True)
class Origin:
    """Where a request came from; kept for the entries written while it is served."""

    address: str = ""
    request_id: str = ""


origin: ContextVar[Origin] = ContextVar("audit_origin", default=Origin())  # noqa: B039 frozen


def record(
    *,
    action: str,
    actor: AbstractBaseUser | str,
    object_type: str,
    object_id: object,
    contract: str = "",
    contract_version: str = "",
    ticket: str = "",
    run_id: UUID | None = None,
    reason: str = "",
    before: str = "",
    after: str = "",
    detail: Mapping[str, Any] | None = None,
    role: str = "",
    now: datetime | None = None,
) -> AuditEntry:
    """Append one entry; call it in the transaction of what it tells, before that takes effect.

    `actor` is a user, or `engine`, or `key:<id>`. `detail` holds ids and figures, never payloads.
    """
    moment = now or clock.now()
    where = origin.get()
    return AuditEntry.objects.create(
        id=uuid7_at(moment),
        at=moment,
        actor=actor if isinstance(actor, str) else actor.get_username(),
        role=role,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        contract=contract,
        contract_version=contract_version,
        ticket=ticket,
        run_id=run_id,
        reason=reason[:1000],
        before=before,
        after=after,
        detail=dict(detail or {}),
        address=where.address,
        request_id=where.request_id,
    )
