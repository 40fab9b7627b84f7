"""Refused and late presses are kept in the audit log too, and what they were about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User

from contracts_app.services import audit


@dataclass(frozen=True)
class About:
    """The thing that somebody wanted to act on, as the audit log names it."""

    kind: str
    name: str
    contract: str
    contract_version: str = ""
    ticket: str = ""
    run_id: UUID | None = None


def record(
    action: str, about: About, *, by: User, why: str, reason: str = "", now: datetime
) -> None:
    """Write down that `action` was refused to `by`, and why; `reason` is what the person had said.

    Call it after the press's own transaction was rolled back: nothing of the winner's is locked.
    """
    audit.record(
        action=f"{action}.refused",
        actor=by,
        object_type=about.kind,
        object_id=about.name,
        contract=about.contract,
        contract_version=about.contract_version,
        ticket=about.ticket,
        run_id=about.run_id,
        reason=why,
        detail={"reason": reason.strip()[:1000]} if reason.strip() else {},
        now=now,
    )
