"""The smoke tests of what is in service: which there are, whose turn it is, what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from contracts_app.models import Contract, ContractVersion, SmokeResult, SmokeTestRow
from contracts_app.queries import registry
from contracts_app.queries.catalogue import serving_versions
from contracts_app.queries.registry import spec_of
from contracts_app.queries.standing import Standing
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.smoke import Smoked, SmokeTest, next_run, smoke_tests
from contracts_app.services import audit

ENGINE = "engine"
KEPT = 20  # results of one test
# Who takes a test up has so long; after that it is somebody else's turn.
TURN = timedelta(minutes=2)

_followed: dict[str, UUID] = {}


@dataclass(frozen=True)
class Turn:
    """A smoke test that was taken up, and by which version of its contract."""

    row: SmokeTestRow
    version: ContractVersion
    spec: ContractSpec
    test: SmokeTest


def follow(*, now: datetime) -> None:
    """See that the rows are those that the versions in service declare; once for each change."""
    stamp = Standing.read().stamp
    if stamp is None or _followed.get("stamp") != stamp:
        _follow(now)
    if stamp is not None:
        _followed["stamp"] = stamp


@transaction.atomic
def _follow(now: datetime) -> None:
    known = {(row.contract_id, row.name): row for row in SmokeTestRow.objects.all()}
    new, changed = [], []
    for contract, number, test in _declared():
        row = known.pop((contract, test.name), None)
        if row is None:
            row = SmokeTestRow(contract_id=contract, name=test.name, due_at=now)
            new.append(row)
        elif (row.version, row.digest) == (number, test.digest):
            continue
        else:
            changed.append(row)
        row.version, row.digest, row.due_at = number, test.digest, now
    SmokeTestRow.objects.bulk_create(new, ignore_conflicts=True)
    SmokeTestRow.objects.bulk_update(changed, ["version", "digest", "due_at"])
    SmokeTestRow.objects.filter(pk__in=[row.pk for row in known.values()]).delete()


def _declared() -> Iterator[tuple[int, str, SmokeTest]]:
    serving = serving_versions()
    rows = ContractVersion.objects.filter(pk__in=serving.values())
    for contract, number, tests, examples in rows.values_list(
        "contract_id", "version", "body__tests", "body__examples"
    ):
        for test in smoke_tests({"tests": tests or {}, "examples": examples}):
            yield contract, number, test


def is_due(now: datetime) -> bool:
    """Say whether some test's turn has come; by an index."""
    return SmokeTestRow.objects.filter(due_at__lte=now).exists()


@transaction.atomic
def take_turn(*, now: datetime) -> Turn | None:
    """Take up the test that has waited longest and that nobody else takes; None if none is due."""
    row = (
        SmokeTestRow.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("contract")
        .filter(due_at__lte=now)
        .order_by("due_at")
        .first()
    )
    if row is None:
        return None
    row.due_at = now + TURN
    row.save(update_fields=["due_at"])
    version = ContractVersion.objects.select_related("contract").filter(
        contract=row.contract_id, version=row.version, state__in=registry.SERVING
    )
    found = version.first()
    spec = spec_of(found) if found is not None else None
    test = (
        next((one for one in smoke_tests(spec.document) if one.name == row.name), None)
        if spec
        else None
    )
    if found is None or spec is None or test is None:
        row.delete()  # it went out of service since; follow() makes what has come instead
        return take_turn(now=now)
    return Turn(row, found, spec, test)


@transaction.atomic
def settle(turn: Turn, smoked: Smoked, *, took_ms: int, now: datetime) -> bool:
    """Keep what a test came to; an alert opens and closes here, and each is in the audit log.

    Returns False if the turn had passed to somebody else, or the test is gone: nothing is kept.
    """
    row = SmokeTestRow.objects.select_for_update().filter(pk=turn.row.pk).first()
    if row is None or row.due_at != turn.row.due_at:
        return False
    SmokeResult.objects.create(
        test=row,
        at=now,
        version=turn.version.version,
        outcome=smoked.outcome,
        sentence=smoked.sentence,
        took_ms=took_ms,
    )
    older = SmokeResult.objects.filter(test=row).order_by("-id").values_list("pk", flat=True)
    SmokeResult.objects.filter(pk__in=list(older[KEPT:])).delete()
    row.failures = row.failures + 1 if smoked.outcome == "failed" else 0
    if row.failures >= turn.test.alert_after and row.alerted_at is None:
        row.alerted_at = now
        _told("smoke.alert", turn, smoked, now)
    elif row.failures == 0 and row.alerted_at is not None:
        row.alerted_at = None
        _told("smoke.recovered", turn, smoked, now)
    row.due_at = next_run(turn.test.schedule, turn.spec.sla.timezone, after=now)
    row.save(update_fields=["failures", "alerted_at", "due_at"])
    return True


def ask_now(*, contract: Contract, now: datetime) -> int:
    """Make every smoke test of a contract due; returns how many there are."""
    return SmokeTestRow.objects.filter(contract=contract).update(due_at=now)


def _told(action: str, turn: Turn, smoked: Smoked, now: datetime) -> None:
    contract = turn.version.contract.name
    audit.record(
        action=action,
        actor=ENGINE,
        object_type="contract",
        object_id=contract,
        contract=contract,
        contract_version=turn.version.version,
        detail={"test": turn.test.name, "said": smoked.sentence},
        now=now,
    )
