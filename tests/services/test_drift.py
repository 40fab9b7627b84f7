"""The drift watch: what nobody named is noticed, drafted once, and told without its content."""

from __future__ import annotations

import json
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contracts_app.models import (
    AuditEntry,
    Contract,
    ContractVersion,
    DriftFinding,
    DriftWatch,
    Source,
)
from contracts_app.queries import clock, registry
from contracts_app.services import drafts, drift, publishing
from orchestration.models import Event
from orchestration.services import drift_watch, sweeper
from tests.services.drift_world import (
    LATER,
    NAME,
    draft_of,
    findings,
    given_next,
    given_parcels,
    looked,
    sent,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def parcels(db: None) -> None:
    given_parcels()


def test_new_field_opens_one_draft_with_its_evidence() -> None:
    first = sent(gift_note="Dear Maja Lindqvist")
    for _ in range(3):
        sent(gift_note="for maja@example.com")

    looked()

    (found,) = findings()
    assert (found.kind, found.path, found.events, found.refused) == (
        "field",
        "/data/gift_note",
        4,
        0,
    )
    assert found.sources == {"parcels": 4}
    assert found.samples[0] == [first, "string, 19 characters"]
    assert (found.verdict, found.least_version) == ("compatible", "1.1.0")
    draft = draft_of()
    assert draft is not None
    assert found.draft == draft
    assert draft.version == "1.1.0"
    assert "gift_note: {type: string, x-pii: free-text}" in draft.text
    assert "# what the carrier says" in draft.text
    entry = AuditEntry.objects.get(action="contract.draft")
    assert (entry.actor, entry.contract_version) == ("engine", "1.1.0")


def test_nothing_that_was_sent_is_kept_in_the_evidence() -> None:
    for _ in range(5):
        sent(gift_note="Maja", nested={"mail": "maja@example.com"}, maja="lind", phone="+4930123")

    looked()

    kept = json.dumps(list(DriftFinding.objects.values("samples", "words", "tallies", "path")))
    assert not [one for one in ("Maja", "example.com", "4930123") if one in kept]


def test_value_that_is_refused_is_found_in_what_is_held() -> None:
    sent(status="returned")
    sent(status="returned")

    looked()

    (found,) = findings()
    assert (found.kind, found.value, found.events, found.refused) == ("value", "returned", 2, 2)
    draft = draft_of()
    assert draft is not None
    assert "status: {enum: [sent, lost, returned]}   # what the carrier says" in draft.text


def test_value_of_a_marked_place_is_never_told() -> None:
    given_next(("pii: [/data/email]", "pii: [/data/status]"))
    sent(status="maja")

    looked()

    (found,) = findings()
    assert (found.value, found.samples[0][1]) == ("", "string, 4 characters")
    assert draft_of() is None


def test_look_goes_on_where_the_last_one_ended() -> None:
    sent(tip=1)
    looked()
    sent(tip=2)
    looked(clock.now() + LATER)
    looked(clock.now() + 2 * LATER)

    (found,) = findings()
    assert found.events == 2
    assert DriftWatch.objects.get(contract__name=NAME).events == 2


def test_of_many_events_the_newest_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_watch, "EVENTS", 3)
    for number in range(6):
        sent(**{"old": 1} if number < 3 else {"new": 1})

    looked()
    looked(clock.now() + LATER)

    assert [one.path for one in findings()] == ["/data/new"]
    assert DriftWatch.objects.get(contract__name=NAME).passed_over == 1


def test_sweep_looks_and_finds_nothing_to_say_about_what_is_named() -> None:
    sent(email="maja@example.com")

    swept = sweeper.sweep(now=clock.now() + LATER)

    assert (swept.failed, findings()) == (0, [])
    assert DriftWatch.objects.get(contract__name=NAME).events == 1


def test_value_beside_examples_is_told_and_opens_no_draft() -> None:
    given_next(("email: {type: string}", "by: {type: string, examples: [truck, ship]}"))
    sent(by="train")
    sent(by="whatever the driver says")

    looked()

    assert [(one.value, one.refused) for one in findings()] == [("train", 0)]
    assert draft_of() is None


def test_place_with_ever_new_values_is_no_list() -> None:
    for number in range(20):
        sent(status=f"s{chr(97 + number)}")

    looked()

    assert len(findings()) == drift.MOST_VALUES


def test_silent_contract_is_looked_at_ever_more_seldom_and_for_little() -> None:
    looked()
    watch = DriftWatch.objects.get(contract__name=NAME)
    assert watch.seen_through is not None
    later = clock.now() + 12 * LATER
    with CaptureQueriesContext(connection) as queries:
        drift_watch.look(later)

    asked = [one for one in queries.captured_queries if one["sql"].startswith(("SELECT", "UPDATE"))]
    assert len(asked) <= 7
    watch.refresh_from_db()
    assert watch.looked_at is not None
    assert watch.next_look_at - watch.looked_at == drift_watch.LATEST


def test_sender_of_nonsense_fills_no_table() -> None:
    for number in range(12):
        sent(**{f"k{chr(97 + number)}{chr(97 + n)}": 1 for n in range(15)})

    looked()

    assert len(findings()) == drift.MOST_KEPT


def test_what_the_next_version_names_is_settled() -> None:
    sent(tip=1)
    looked()
    draft = draft_of()
    assert draft is not None
    text = draft.text
    drafts.discard_draft(version=draft, now=clock.now())
    publishing.install(text=text.replace("status: draft", "status: active"), now=clock.now())
    sent(tip=2)

    looked(clock.now() + LATER)

    assert [one.state for one in findings()] == ["settled"]
    assert registry.published_version(NAME).version == "1.1.0"


def test_change_that_breaks_asks_for_a_major_number() -> None:
    given_next(("mode: backward", "mode: full_transitive"))
    sent(status="returned")

    looked()

    draft, (found,) = draft_of(), findings()
    assert draft is not None
    assert (draft.version, found.verdict, found.least_version) == ("2.0.0", "breaking", "2.0.0")


@pytest.mark.django_db(transaction=True)
def test_two_workers_open_one_draft() -> None:
    for _ in range(3):
        sent(tip=1, other=True)
    now, start, broke = clock.now() + LATER, Barrier(2), []

    def work() -> None:
        try:
            start.wait(5)
            drift_watch.look(now)
            drift.open_draft(contract=Contract.objects.get(name=NAME), now=now)
        except Exception as error:  # noqa: BLE001 - told below
            broke.append(error)
        finally:
            connection.close()

    workers = [Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert broke == []
    assert ContractVersion.objects.filter(state="draft").count() == 1
    assert {one.events for one in findings()} == {3}
    assert AuditEntry.objects.filter(action="contract.draft").count() == 1


def test_worker_that_dies_in_the_middle_has_looked_at_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent(tip=1)

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(DriftWatch, "save", dies)
        with pytest.raises(KeyboardInterrupt):
            looked()
    assert findings() == []

    looked()

    assert findings()[0].events == 1


def test_ingest_asks_the_watch_nothing() -> None:
    sent()
    with CaptureQueriesContext(connection) as queries:
        sent(tip=1)

    assert not [one for one in queries.captured_queries if "drift" in one["sql"]]
    assert Event.objects.filter(contract=NAME).count() == 2
    assert Source.objects.count() == 1
