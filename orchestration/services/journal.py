"""What the audit log says of runs: begun, gone on, ended, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser

from contracts_app.services import audit
from orchestration.models import Run


def run_changed(
    run: Run,
    action: str,
    *,
    now: datetime,
    by: AbstractBaseUser | str = audit.ENGINE,
    reason: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Record a change of a run's state, in the transaction that makes it."""
    audit.record(
        action=action,
        actor=by,
        object_type="run",
        object_id=run.pk,
        contract=run.contract,
        contract_version=run.contract_version,
        ticket=run.ticket,
        run_id=run.pk,
        reason=reason,
        detail={"flow": run.flow, "ordinal": run.ordinal, **(detail or {})},
        now=now,
    )
