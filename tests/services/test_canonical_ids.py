"""Events meet by their canonical ids, across versions of the contract, however they are sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contracts_app.models import ContractVersion
from contracts_app.queries import clock
from orchestration.models import (
    Event,
    EventBody,
    EventState,
    Expectation,
    HeldEvent,
    Run,
    SubjectState,
)
from orchestration.services import expectations, quarantine
from tests.builders import (
    accepted,
    given_document,
    given_pilot,
    next_id,
    refund_requested,
    run_of,
)
from tests.services.drift_world import NAME, SOURCE, TEXT
from tests.services.people import given_person

pytestmark = pytest.mark.django_db

READ = """{event_id: /id, correlation: {of: order}, subject: {of: order},
  customer: {at: /data/email, as: [email]},
  order:
    {at: /data/order, as: [trim, lower, {strip_prefix: "gid://shopify/order/"}, {vendor: shop}]}}
states:
  subject: parcel
  initial: new
  transitions:
    - {from: new, to: sent, by: event, when: "event.data.status == 'sent'"}
    - {from: sent, to: lost, by: event, when: "event.data.status == 'lost'"}"""
SHAPED = TEXT.replace(
    "email: {type: string}", "email: {type: string}\n          order: {type: string}"
)
CANONICAL = SHAPED.replace("{event_id: /id}", READ).replace(
    "data: {status: sent}", "data: {status: sent, order: A1, email: a@x.de}"
)
AS_SENT = CANONICAL.replace(
    READ.partition("\nstates")[0], "{event_id: /id, correlation: /data/order, subject: /data/order}"
)


def sent(order: Any, **data: Any) -> Event:
    body: Any = {
        "id": next_id("p"),
        "kind": "parcel",
        "data": {"status": "sent", "order": order, **data},
    }
    return Event.objects.get(pk=accepted("parcels", body).event_id)


def given_run() -> Run:
    return run_of(accepted("helpdesk", refund_requested()))


def given_wait(run: Run, key: str, path: str = "parcel") -> Expectation:
    now = clock.now()
    return expectations.open_expectation(
        run=run, path=path, contract=NAME, key=key, due_at=now + timedelta(hours=1), now=now
    )


def state(wait: Expectation) -> str:
    return Expectation.objects.get(pk=wait.pk).state


@pytest.fixture
def pilot() -> None:
    given_pilot()
    given_document(SOURCE)


@pytest.mark.usefixtures("pilot")
class TestCanonical:
    def test_event_is_known_by_its_canonical_ids_and_keeps_what_was_sent(self) -> None:
        given_document(CANONICAL)
        event = sent("gid://shopify/Order/A1", email="Ana+x@Example.com")
        payload: Any = EventBody.objects.get(pk=event.pk).payload
        assert (event.order, event.correlation, event.subject) == ("shop:a1",) * 3
        assert event.customer == "ana@example.com"
        assert payload["data"]["order"] == "gid://shopify/Order/A1"
        assert SubjectState.objects.get(contract=NAME).subject == "shop:a1"

    @pytest.mark.parametrize("given", ["A1", "shop:a1", "gid://shopify/Order/A1", " a1 "])
    def test_wait_for_any_spelling_meets_an_event_in_any_other(self, given: str) -> None:
        given_document(CANONICAL)
        run = given_run()
        early = sent("A1")
        before = given_wait(run, given, "early")
        after = given_wait(run, given.replace("1", "2"))
        sent("gid://shopify/Order/a2")
        assert (state(before), before.event_id) == ("fulfilled", early.pk)
        assert state(after) == "fulfilled"

    def test_renewed_wait_keeps_its_row_across_a_change_of_the_contract(self) -> None:
        given_document(AS_SENT)
        run = given_run()
        first = given_wait(run, "A1")
        given_document(CANONICAL.replace("version: 1.0.0", "version: 2.0.0"))
        assert given_wait(run, "A1").pk == first.pk


@pytest.mark.usefixtures("pilot")
class TestAcrossVersions:
    def test_event_stored_as_sent_meets_a_wait_of_the_new_version(self) -> None:
        given_document(AS_SENT)
        old = sent("A1")
        self.new_version()
        wait = given_wait(given_run(), "A1")
        assert old.correlation == "A1"
        assert (state(wait), wait.event_id) == ("fulfilled", old.pk)

    def test_wait_opened_before_meets_an_event_of_the_new_version(self) -> None:
        given_document(AS_SENT)
        wait = given_wait(given_run(), "A1")
        self.new_version()
        event = sent("A1")
        assert (event.correlation, state(wait)) == ("shop:a1", "fulfilled")

    def test_late_event_of_the_old_version_meets_a_wait_of_the_new_one(self) -> None:
        given_document(AS_SENT)
        given_document(CANONICAL.replace("version: 1.0.0", "version: 2.0.0"))
        wait = given_wait(given_run(), "a1")
        assert sent("A1").contract_version == "1.0.0"
        assert state(wait) == "fulfilled"

    def test_subjects_state_goes_on_where_the_old_version_left_it(self) -> None:
        given_document(AS_SENT)
        sent("A1")
        self.new_version()
        event = sent("A1", status="lost")
        assert (event.state_before, event.state_after) == ("sent", "lost")
        assert SubjectState.objects.filter(contract=NAME).count() == 1

    def new_version(self) -> None:
        given_document(CANONICAL.replace("version: 1.0.0", "version: 1.1.0"))
        ContractVersion.objects.filter(contract__name=NAME, version="1.0.0").update(
            state="deprecated"
        )


@pytest.mark.usefixtures("pilot")
class TestHostile:
    @pytest.mark.parametrize("order", ["x" * 300_000, "a\u202e1", "a\x07", "gid://shopify/order/"])
    def test_order_that_nobody_can_read_holds_the_event_and_says_where(self, order: str) -> None:
        given_document(CANONICAL)
        event = sent(order)
        held = HeldEvent.objects.get(event_id=event.pk)
        assert event.state == EventState.HELD
        assert [(one["path"], one["rule"]) for one in held.violations] == [
            ("/data/order", "identifier")
        ]
        assert (event.order, event.correlation) == ("", "")

    def test_other_departures_do_not_hide_it(self) -> None:
        given_document(CANONICAL)
        held = HeldEvent.objects.get(event_id=sent("a\x07", status="eaten").pk)
        assert [one["path"] for one in held.violations] == ["/data/order", "/data/status"]

    def test_order_that_is_not_there_is_no_reason_to_hold(self) -> None:
        given_document(CANONICAL)
        assert sent("  ").state == EventState.ACCEPTED

    def test_held_one_is_released_once_the_contract_can_read_it(self) -> None:
        given_document(CANONICAL)
        held = HeldEvent.objects.get(event_id=sent("gid://shopify/order/").pk)
        given_document(AS_SENT.replace("version: 1.0.0", "version: 1.2.0"))
        by = given_person("ops_lead")
        event = quarantine.release(held=held, by=by, reason="read as sent", now=clock.now())
        assert (event.state, event.correlation) == (EventState.ACCEPTED, "gid://shopify/order/")


@pytest.mark.usefixtures("pilot")
def test_plain_pointers_cost_no_query_more(django_assert_max_num_queries: Any) -> None:
    given_document(AS_SENT)
    sent("A0")
    with django_assert_max_num_queries(16) as seen:
        accepted("parcels", {"id": next_id("p"), "kind": "parcel", "data": {"order": "A9"}})
    assert not [one for one in seen.captured_queries if "contractversion" in one["sql"]]
