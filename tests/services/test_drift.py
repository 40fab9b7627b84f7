"""The drift watch: what nobody named is noticed, drafted once, and told without its content."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
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
from contracts_app.rules.drift.bodies import LEARNED_AFTER
from contracts_app.services import drafts, drift, publishing
from meshline.core import yaml12
from meshline.core.errors import BadValue, IllegalTransition, NotAllowed
from orchestration.models import Event
from orchestration.services import drift_watch, sweeper
from tests.builders import accepted, given_document, next_id
from tests.services.people import given_person

pytestmark = pytest.mark.django_db
NAME = "shop.parcel.sent"
LATER = timedelta(minutes=10)
TEXT = """\
# what the carrier tells
meshline: contract/v1
name: shop.parcel.sent
version: 1.0.0
title: Parcel sent
status: active
kind: event
domain: shop
risk: {class: medium, data: {pii: [/data/email]}}
producer: {system: shop}
consumers: []
compatibility: {mode: backward}
identity: {event_id: /id}
schema:
  dialect: https://json-schema.org/draft/2020-12/schema
  payload:
    type: object
    required: [id, data]
    properties:
      id: {type: string}
      data:
        type: object
        properties:
          status: {enum: [sent, lost]}   # what the carrier says
          email: {type: string}
examples:
  valid: [{name: one, payload: {id: "1", data: {status: sent}}}]
  invalid: [{name: none, violates: [/id], payload: {data: {}}}]
owners:
  contract: {group: parcels}
  runtime: {group: parcels}
  product: {group: parcels}
"""
SOURCE = """\
meshline: source/v1
name: parcels
title: Parcels
system: shop
scheme: github
external_id: "= body.id"
kind: "= body.kind"
on_violation: hold
own_writes: "= false"
events:
  - when: "kind == 'parcel'"
    contract: shop.parcel.sent
    version: "^1"
    payload: {id: "= body.id", data: "= body.data"}
"""


@pytest.fixture(autouse=True)
def parcels(db: None) -> None:
    given_document(TEXT)
    given_document(SOURCE)


def sent(**data: Any) -> str:
    body: Any = {"id": next_id("p"), "kind": "parcel", "data": {"status": "sent", **data}}
    return str(accepted("parcels", body).event_id)


def looked(now: datetime | None = None) -> None:
    drift_watch.look((now or clock.now()) + LATER)


def findings(**wanted: Any) -> list[DriftFinding]:
    return list(DriftFinding.objects.filter(**wanted).order_by("pk"))


def given_next(change: tuple[str, str]) -> None:
    given_document(TEXT.replace("version: 1.0.0", "version: 1.0.1").replace(*change))


def draft_of(name: str = NAME) -> ContractVersion | None:
    return ContractVersion.objects.filter(contract__name=name, state="draft").first()


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


def test_sender_of_nonsense_fills_no_table() -> None:
    for number in range(12):
        sent(**{f"k{chr(97 + number)}{chr(97 + n)}": 1 for n in range(15)})

    looked()

    assert len(findings()) == drift.MOST_KEPT


def test_open_draft_is_never_touched() -> None:
    contract = Contract.objects.get(name=NAME)
    mine = drafts.draft_from_published(contract=contract, now=clock.now())
    sent(tip=1)

    looked()

    (found,) = findings()
    assert found.draft is None
    mine.refresh_from_db()
    assert "tip" not in mine.text


def test_person_adds_a_finding_to_their_draft() -> None:
    owner = given_person("contract_owner", owns=("parcels",))
    contract = Contract.objects.get(name=NAME)
    mine = drafts.draft_from_published(contract=contract, now=clock.now())
    sent(tip=1)
    looked()
    (found,) = findings()

    drift.add_to_draft(finding=found, by=owner, now=clock.now())

    mine.refresh_from_db()
    found.refresh_from_db()
    assert "tip: {type: integer, x-pii: free-text}" in mine.text
    assert found.draft == mine
    assert AuditEntry.objects.filter(action="drift.add", actor=owner.username).count() == 1
    with pytest.raises(IllegalTransition, match=r"in the draft 1\.1\.0 already"):
        drift.add_to_draft(finding=found, by=owner, now=clock.now())


def test_discarded_draft_is_not_opened_again_but_can_be_asked_for() -> None:
    owner = given_person("contract_owner", owns=("parcels",))
    sent(tip=1)
    looked()
    draft = draft_of()
    assert draft is not None
    drafts.discard_draft(version=draft, by=owner, now=clock.now())
    sent(tip=2)

    looked(clock.now() + LATER)

    (found,) = findings()
    assert (found.events, found.draft, draft_of()) == (2, None, None)
    drift.add_to_draft(finding=found, by=owner, now=clock.now())
    assert draft_of() is not None


def test_what_is_set_aside_stays_so_until_its_shape_changes() -> None:
    owner = given_person("contract_owner", owns=("parcels",))
    drafts.draft_from_published(contract=Contract.objects.get(name=NAME), now=clock.now())
    sent(tip=1)
    looked()
    drift.set_aside(finding=findings()[0], reason="A test of theirs", by=owner, now=clock.now())
    sent(tip=2)
    looked(clock.now() + LATER)

    (found,) = findings()
    assert (found.state, found.events, found.reason) == ("aside", 2, "A test of theirs")
    entry = AuditEntry.objects.get(action="drift.aside")
    assert (entry.reason, entry.detail["path"]) == ("A test of theirs", "/data/tip")

    sent(tip={"amount": 2})
    looked(clock.now() + 2 * LATER)

    assert findings()[0].state == "open"


@pytest.mark.parametrize(("reason", "error"), [(" ", "reason is missing"), ("x" * 501, "too long")])
def test_setting_aside_asks_for_a_reason(reason: str, error: str) -> None:
    owner = given_person("contract_owner", owns=("parcels",))
    sent(tip=1)
    looked()

    with pytest.raises(BadValue, match=error):
        drift.set_aside(finding=findings()[0], reason=reason, by=owner, now=clock.now())

    assert findings()[0].state == "open"


def test_stranger_decides_nothing() -> None:
    stranger = given_person("contract_owner", owns=("others",))
    sent(tip=1)
    looked()

    with pytest.raises(NotAllowed, match="do not own"):
        drift.set_aside(finding=findings()[0], reason="no", by=stranger, now=clock.now())


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


FIELDWISE = SOURCE.replace('data: "= body.data"', 'data: {status: "= body.data.status"}')


def given_learned() -> None:
    Source.objects.filter(name="parcels").update(
        text=FIELDWISE, body=yaml12.load(FIELDWISE).value, digest="fieldwise"
    )
    for _ in range(LEARNED_AFTER):
        sent(carrier="dhl", note="for Maja")
    looked()
    assert findings() == []


def test_field_that_the_mapping_leaves_out_is_drafted_once_it_comes_again() -> None:
    given_learned()
    sent(carrier="dhl", gift="for Maja")
    looked(clock.now() + LATER)
    assert ([one.path for one in findings()], draft_of()) == (["/data/gift"], None)

    sent(gift="for Oren")
    sent(gift="for Ivo")
    looked(clock.now() + 2 * LATER)

    (found,) = findings()
    draft = draft_of()
    assert (found.kind, found.events, found.samples[0][1]) == ("body", 3, "string, 8 characters")
    assert draft is not None
    assert "gift: {type: string, x-pii: free-text}" in draft.text
    kept = repr(DriftWatch.objects.get(contract__name=NAME).known)
    assert not [one for one in ("Maja", "dhl", "Oren") if one in kept]


def test_new_value_of_a_body_is_told_once_it_comes_again() -> None:
    given_learned()
    for _ in range(3):
        sent(carrier="hermes")

    looked(clock.now() + LATER)

    (found,) = findings()
    assert (found.kind, found.path, found.words) == ("body_value", "/data/carrier", ["hermes"])
    assert draft_of() is None


def test_field_that_the_mapping_takes_by_now_is_settled() -> None:
    given_learned()
    sent(gift="for Maja")
    looked(clock.now() + LATER)
    text = FIELDWISE.replace("status: ", 'gift: "= body.data.?gift", status: ')
    Source.objects.filter(name="parcels").update(
        text=text, body=yaml12.load(text).value, digest="2"
    )

    looked(clock.now() + 2 * LATER)

    assert [one.state for one in findings()] == ["settled"]


def test_body_too_big_to_be_read_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    given_learned()
    monkeypatch.setattr(drift_watch, "MOST_BYTES", 200)
    sent(gift="x" * 300)

    looked(clock.now() + LATER)

    assert findings() == []
