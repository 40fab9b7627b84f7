"""Run the contract tests of a version, and keep what each came to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from contracts_app.models import ContractTestResult, ContractTestRun, ContractVersion, Occasion
from contracts_app.queries.drift import newest_serving
from contracts_app.queries.registry import SERVING, spec_of
from contracts_app.rules import facts
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.contract_tests import (
    ContractTest,
    Sent,
    judged,
    promised_id,
    to_send,
    unique_id,
)
from contracts_app.services import smoke
from contracts_app.services.drafts import told
from contracts_app.services.rights import check_contract

# Who takes events in: (version, example, now) -> Sent. Whatever it stores, nothing of it stays.
SEND_TWICE = "orchestration.send_twice"
KEPT = 3  # runs of one version


def run_tests(
    *, version: ContractVersion, occasion: Occasion, by: User | None = None, now: datetime
) -> ContractTestRun:
    """Run every test of a version's text and keep what came of it; older runs give way.

    Nobody is asked whether they may: it is part of what they do.
    """
    return _kept(version, _tested(version, now), occasion, by, now)


@transaction.atomic
def run_by_hand(*, version: ContractVersion, by: User, now: datetime) -> ContractTestRun:
    """Run the tests because somebody asks. Raises: NotAllowed; DocumentRefused."""
    check_contract(by, spec_of(version))
    run = run_tests(version=version, occasion=Occasion.HAND, by=by, now=now)
    if version.state in SERVING:
        smoke.ask_now(contract=version.contract, now=now)
    detail = {"passed": str(run.passed), "failed": str(run.failed)}
    told("contract.test", version, by=by, now=now, after=version.digest, detail=detail)
    return run


def _tested(version: ContractVersion, now: datetime) -> list[ContractTest]:
    spec = spec_of(version)
    serving = newest_serving(version.contract)
    before = spec_of(serving) if serving is not None and serving.pk != version.pk else None
    return [*judged(spec, before), *_unique(version, spec, now)]


def _unique(version: ContractVersion, spec: ContractSpec, now: datetime) -> Iterator[ContractTest]:
    here = facts.is_provided(SEND_TWICE)
    for example in to_send(spec):
        sent: Sent | None = None
        if here and promised_id(spec, example):
            sent = facts.ask(SEND_TWICE, version, example, now)
        yield unique_id(spec, example, sent)


@transaction.atomic
def _kept(
    version: ContractVersion,
    tests: Sequence[ContractTest],
    occasion: Occasion,
    by: User | None,
    now: datetime,
) -> ContractTestRun:
    outcomes = [one.outcome for one in tests]
    run = ContractTestRun.objects.create(
        version=version,
        digest=version.digest,
        occasion=occasion,
        passed=outcomes.count("passed"),
        failed=outcomes.count("failed"),
        skipped=outcomes.count("skipped"),
        at=now,
        by=by.get_username() if by is not None else "",
    )
    ContractTestResult.objects.bulk_create(
        ContractTestResult(
            run=run,
            position=position,
            kind=one.kind,
            name=one.name,
            outcome=one.outcome,
            sentence=one.sentence,
        )
        for position, one in enumerate(tests)
    )
    runs = ContractTestRun.objects.filter(version=version).order_by("-id")
    runs.filter(pk__in=list(runs.values_list("pk", flat=True)[KEPT:])).delete()
    return run
