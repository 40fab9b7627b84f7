"""Temporary tolerances: which run now, which a contract has, and what none may touch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from contracts_app.models import Contract, TemporaryTolerance
from contracts_app.rules import facts
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.temporary_tolerance import Guarded, guarded_places

MONEY_PATHS = "money_paths"
SHOWN = 10


def running(contract: str, now: datetime) -> list[TemporaryTolerance]:
    """Return the confirmed tolerances of a contract at a time; one query, by an index of them."""
    rows = TemporaryTolerance.objects.filter(
        contract__name=contract, confirmed_at__isnull=False, ended_at=None, ends_at__gt=now
    )
    return list(rows)


def newest_of(contract: Contract) -> list[TemporaryTolerance]:
    """Return a contract's newest tolerances with the people they name; one query."""
    rows = TemporaryTolerance.objects.filter(contract=contract).order_by("-id")
    return list(rows.select_related("asked_by", "confirmed_by", "ended_by")[:SHOWN])


def guarded_in(spec: ContractSpec) -> tuple[Guarded, ...]:
    """Return what of a contract no tolerance may touch, with what published flows read of it."""
    paths: Iterable[str] = facts.ask(MONEY_PATHS, spec.name, default=())
    return guarded_places(spec, paths)
