"""Contract tests are run at each change, through real ingest, and leave nothing behind."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from contracts_app.models import AuditEntry, ContractTestRun, ContractVersion, Occasion
from contracts_app.queries import clock
from contracts_app.queries.contract_tests import failing, newest_run
from contracts_app.queries.golive import gates_of
from contracts_app.queries.registry import spec_of
from contracts_app.services import contract_tests, drafts, publishing
from meshline.core.errors import NotAllowed
from orchestration.models import DeliveryConflict, Event, EventKey, HeldEvent, Run, SlaTimer
from orchestration.services.send_twice import send_twice
from tests.builders import accepted, given_document, given_pilot, refund_requested
from tests.rules.standard_contracts import BARE
from tests.services.people import given_person
from tests.services.test_publishing import (
    given_proposed,
    given_published,
    owned_text,
    owners,
    sign_all,
)

pytestmark = pytest.mark.django_db
__all__ = ["owners"]


def counts() -> dict[str, int]:
    """How many rows every table of the engine and the registry holds."""
    with connection.cursor() as cursor:
        tables = [
            name
            for name in connection.introspection.table_names(cursor)
            if name.startswith(("orchestration_", "contracts_app_", "runbooks_"))
            and "contracttest" not in name
        ]
        found = {}
        for name in tables:
            cursor.execute(f'SELECT count(*) FROM "{name}"')  # noqa: S608 our own tables
            found[name] = cursor.fetchone()[0]
        return found


def version_of(name: str) -> ContractVersion:
    return ContractVersion.objects.select_related("contract").get(contract__name=name)


def run(version: ContractVersion) -> ContractTestRun:
    return contract_tests.run_tests(version=version, occasion=Occasion.HAND, now=clock.now())


def outcomes(version: ContractVersion) -> dict[tuple[str, str], str]:
    shown = newest_run(version)
    assert shown is not None
    return {(one.kind, one.name): one.outcome for one in shown.results}


def test_whole_pilot_passes_and_nothing_of_it_stays() -> None:
    given_pilot()
    accepted("helpdesk", refund_requested())
    before = counts()

    for version in ContractVersion.objects.select_related("contract"):
        row = run(version)
        assert (row.failed, failing(version)) == (0, ())
        assert row.passed

    assert counts() == before
    assert not Event.objects.filter(source="contract-test").exists()


def test_unique_id_is_tested_by_what_really_starts_something() -> None:
    given_pilot()
    version = version_of("support.refund.requested")
    example = spec_of(version).examples_valid[0]

    sent = send_twice(version, example, clock.now())

    assert (sent.events, sent.known, sent.conflict, sent.trouble) == (1, True, True, "")
    for model in (Event, EventKey, HeldEvent, Run, SlaTimer, DeliveryConflict):
        assert not model.objects.exists(), model
    assert not AuditEntry.objects.exists()


def test_id_below_other_things_is_found() -> None:
    text = BARE.replace("event_id: /number", "event_id: /a b/it's/0")
    text = text.replace("required: [number]", "required: ['a b']")
    text = text.replace("payload: {number: 1}", "payload: {'a b': {\"it's\": [7]}}")
    text = text.replace("violates: [/number]", "violates: ['/a b']")
    version = given_document(text)

    run(version)

    assert outcomes(version)[("unique", "one")] == "passed"


def test_id_that_changes_nothing_is_found_out() -> None:
    number = BARE.replace("{type: integer}", "{type: number}")
    version = given_document(number.replace("payload: {number: 1}", "payload: {number: 1.5}"))

    run(version)

    assert outcomes(version)[("unique", "one")] == "failed"
    assert failing(version) == ("unique id one",)
    gate = next(one for one in gates_of(version, spec_of(version)) if one.id == "examples")
    assert not gate.passed
    assert gate.sentence == "The test of the unique id one fails."


def test_tests_are_run_when_a_draft_is_proposed_and_before_it_is_published(
    owners: dict[str, User],
) -> None:
    version = given_published(owners)

    rows = list(ContractTestRun.objects.order_by("id"))

    assert [row.occasion for row in rows] == ["review", "publish"]
    assert [row.by for row in rows] == ["contract", "contract"]
    assert {row.digest for row in rows} == {version.digest}
    assert rows[-1].passed == 3  # an example of each kind, and the id
    assert rows[-1].skipped == 1  # a consumer without expectations


def test_failing_test_keeps_a_version_from_going_live_and_is_kept(owners: dict[str, User]) -> None:
    text = owned_text().replace("{type: string}", "{type: number}")
    text = text.replace("payload: {id: a}", "payload: {id: 0.5}").replace(
        "violates: [/id], payload: {id: 1}", "violates: [/id], payload: {id: a}"
    )
    by = owners["contract"]
    draft = drafts.start_draft(text=text, by=by, now=clock.now())
    version = publishing.propose(version=draft, by=by, now=clock.now())
    sign_all(version, owners)

    with pytest.raises(NotAllowed) as refusal:
        publishing.publish(version=version, by=by, now=clock.now())

    assert "cannot go live: 1 contract test fails: unique id plain." in refusal.value.message
    version.refresh_from_db()
    assert version.state == "in_review"
    kept = ContractTestRun.objects.order_by("-id")[0]
    assert (kept.occasion, kept.failed) == ("publish", 1)


def test_stranger_who_presses_publish_runs_nothing(owners: dict[str, User]) -> None:
    version = given_proposed(owners)
    before = ContractTestRun.objects.count()

    with pytest.raises(NotAllowed):
        publishing.publish(version=version, by=given_person("manager"), now=clock.now())

    assert ContractTestRun.objects.count() == before


def test_run_by_hand_is_the_owners_and_audited(owners: dict[str, User]) -> None:
    version = given_published(owners)
    by, now = owners["contract"], clock.now()

    row = contract_tests.run_by_hand(version=version, by=by, now=now)

    assert (row.occasion, row.by) == ("hand", "contract")
    entry = AuditEntry.objects.get(action="contract.test")
    assert (entry.actor, entry.contract_version) == ("contract", "1.0.0")
    assert entry.detail == {"passed": "3", "failed": "0"}
    with pytest.raises(NotAllowed):
        contract_tests.run_by_hand(version=version, by=given_person("manager"), now=now)


def test_file_that_comes_in_is_tested_once_it_is_in_place(
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        row, _ = publishing.install(text=owned_text(), now=clock.now())

    assert ContractTestRun.objects.get(version=row).occasion == "install"


def test_results_of_another_text_are_not_held_against_this_one(owners: dict[str, User]) -> None:
    number = owned_text().replace("{type: string}", "{type: number}")
    wrong = number.replace("payload: {id: a}", "payload: {id: 0.5}").replace(
        "violates: [/id], payload: {id: 1}", "violates: [/id], payload: {id: a}"
    )
    by, now = owners["contract"], clock.now()
    draft = drafts.start_draft(text=wrong, by=by, now=now)
    contract_tests.run_by_hand(version=draft, by=by, now=now)
    assert failing(draft) == ("unique id plain",)

    edited = drafts.edit_draft(version=draft, text=owned_text(), by=by, now=now)

    assert failing(edited) == ()
    shown = newest_run(edited)
    assert shown is not None
    assert not shown.current


def test_only_the_newest_runs_are_kept() -> None:
    version = given_document(BARE)

    rows = [run(version) for _ in range(5)]

    kept = ContractTestRun.objects.order_by("id").values_list("pk", flat=True)
    assert list(kept) == [row.pk for row in rows[-3:]]
