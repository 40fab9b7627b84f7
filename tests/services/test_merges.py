"""Two ids that are one: looked up together, safe in a race, and taken back without a trace left."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from contracts_app.models import AuditEntry
from contracts_app.queries import clock
from meshline.core.errors import (
    BadValue,
    Conflict,
    ContractViolation,
    IllegalTransition,
    MeshlineError,
    NotAllowed,
    NotFound,
)
from orchestration.models import Expectation, IdMerge
from orchestration.queries import lookup, merges, tickets
from orchestration.rules.merging import DEEPEST, MOST, Family, check_merge
from runbooks.services import merges as service
from tests.builders import accepted, given_document, given_pilot, refund_requested
from tests.services.drift_world import NAME, SOURCE
from tests.services.people import given_person
from tests.services.test_canonical_ids import CANONICAL, given_run, given_wait, sent, state

SAID: Any = {"contract": NAME, "ticket": "desk:4812", "reason": "the shop has merged them"}


@pytest.fixture
def by(db: None) -> User:
    given_pilot()
    given_document(SOURCE)
    given_document(CANONICAL)
    return given_person("ops_lead")


def merged(one: str, other: str, by: User, kind: str = "order", **more: Any) -> IdMerge:
    told = {**SAID, **more}
    return service.merge(kind=kind, merged=one, into=other, by=by, now=clock.now(), **told)


def ended(row: IdMerge, by: User) -> IdMerge:
    return service.unmerge(row=row, ticket="desk:1", reason="two after all", by=by, now=clock.now())


def names(one: str, kind: str = "order") -> list[str]:
    return list(merges.family_of(kind, one).steps)


def family(*steps: str) -> Family:
    return Family(steps[0], {name: number for number, name in enumerate(steps)})


class TestRule:
    def test_chains_and_families_are_bounded_and_lead_nowhere_back(self) -> None:
        long = family(*(f"n{number}" for number in range(DEEPEST)))
        wide = Family("w", {"w": 0, **{f"w{number}": 1 for number in range(MOST)}})
        check_merge("order", "a", "b", family("a"), family("b"))
        check_merge("order", "n0", "b", long, family("b"))
        for one, other, of_one, of_other in (
            ("a", "a", family("a"), family("a")),
            ("b", "a", family("b", "a"), family("b", "a")),
            ("a", "c", family("b", "a"), family("c")),
            ("n0", "a", long, family("b", "a")),
            ("a", "w", family("a"), wide),
        ):
            with pytest.raises(Conflict) as refused:
                check_merge("order", one, other, of_one, of_other)
            assert refused.value.remedy


@pytest.mark.django_db
class TestMerge:
    def test_chain_is_read_from_any_of_its_ids_to_the_last(self, by: User) -> None:
        merged("A1", "gid://shopify/Order/B2", by)
        merged("b2", "shop:c3", by)
        for one in ("shop:a1", "shop:b2", "shop:c3"):
            assert names(one) == ["shop:c3", "shop:b2", "shop:a1"]
        assert merges.family_of("order", "shop:a1").root == "shop:c3"
        assert names("shop:a1", "customer") == ["shop:a1"]

    def test_circle_second_target_and_itself_are_refused_and_written_down(self, by: User) -> None:
        merged("a", "b", by)
        for one, other in (("b", "a"), ("a", "c"), ("a", "A"), ("a", "b")):
            with pytest.raises(Conflict):
                merged(one, other, by)
        assert IdMerge.objects.count() == 1
        assert AuditEntry.objects.filter(action="ids.merge").count() == 1
        assert AuditEntry.objects.filter(action="ids.merge.refused").count() == 4

    def test_press_is_in_the_log_without_the_ids_themselves(self, by: User) -> None:
        row = merged("Ana+x@Example.com", "ana@other.example", by, kind="customer")
        entry = AuditEntry.objects.get(action="ids.merge")
        assert (row.merged, row.into) == ("ana@example.com", "ana@other.example")
        assert (entry.object_id, entry.ticket, entry.contract) == (str(row.pk), "desk:4812", NAME)
        assert entry.reason == "the shop has merged them"
        assert "@" not in f"{entry.detail}{entry.before}{entry.after}"

    @pytest.mark.parametrize(
        ("more", "error"),
        [
            ({"reason": "  "}, ContractViolation),
            ({"ticket": ""}, NotAllowed),
            ({"ticket": "x y"}, BadValue),
            ({"contract": "no.such"}, NotFound),
            ({"kind": "cart"}, BadValue),
            ({"kind": "customer"}, BadValue),
        ],
    )
    def test_what_is_missing_is_said_and_nothing_is_done(
        self, by: User, more: Any, error: type[MeshlineError]
    ) -> None:
        with pytest.raises(error):
            merged("a", "b\x07", by, **more)
        assert not IdMerge.objects.exists()

    @pytest.mark.parametrize("role", ["support_agent", "manager", "auditor", "admin"])
    def test_other_roles_are_refused(self, by: User, role: str) -> None:
        with pytest.raises(NotAllowed):
            merged("a", "b", given_person(role))
        assert AuditEntry.objects.filter(action="ids.merge.refused").exists()

    def test_taken_back_leaves_two_and_a_second_time_is_refused(self, by: User) -> None:
        row = merged("a", "b", by)
        ended(row, by)
        assert names("shop:a") == ["shop:a"]
        with pytest.raises(IllegalTransition):
            ended(row, by)
        merged("a", "c", by)
        assert names("shop:a") == ["shop:c", "shop:a"]


@pytest.mark.django_db
class TestLookUps:
    def test_wait_under_one_id_meets_events_under_the_other(self, by: User) -> None:
        merged("a1", "b2", by)
        run = given_run()
        early = sent("A1")
        first = given_wait(run, "B2", "first")
        second = given_wait(run, "c3", "second")
        assert (state(first), first.event_id) == ("fulfilled", early.pk)
        merged("c3", "d4", by)
        sent("D4")
        assert state(second) == "fulfilled"

    def test_wait_that_is_open_already_finds_what_came_before_the_merge(self, by: User) -> None:
        wait = given_wait(given_run(), "B2")
        event = sent("A1")
        assert state(wait) == "open"
        merged("a1", "b2", by)
        assert Expectation.objects.get(pk=wait.pk).event_id == event.pk

    def test_subject_goes_on_under_its_other_id(self, by: User) -> None:
        sent("A1")
        merged("a1", "b2", by)
        assert sent("B2", status="lost").state_before == "sent"

    def test_after_it_is_taken_back_they_miss_each_other_again(self, by: User) -> None:
        ended(merged("a1", "b2", by), by)
        wait = given_wait(given_run(), "B2")
        sent("A1")
        assert state(wait) == "open"

    def test_pages_and_search_bring_customer_order_and_ticket_together(self, by: User) -> None:
        one: Any = refund_requested(ticket="71", customer_id="cus_1", order_id="9001")
        other: Any = refund_requested(ticket="72", customer_id="cus_2", order_id="9002")
        accepted("helpdesk", one)
        accepted("helpdesk", other)
        contract = "support.refund.requested"
        merged("cus_1", "cus_2", by, kind="customer", contract=contract)
        merged("#9001", "9002", by, kind="order", contract=contract)
        merged("71", "desk:72", by, kind="ticket", contract=contract)
        assert set(tickets.tickets_of("cus_2")) == {"desk:71", "desk:72"}
        assert set(tickets.tickets_of("cus_1")) == {"desk:71", "desk:72"}
        for words in ("cus_1", "cus_2", "9001", "#9002"):
            found = {hit.key for hit in lookup.find(words, names=False)}
            assert {"desk:71", "desk:72"} <= found, words
        assert {run.ticket for run in merges.joined("ticket", "desk:71").runs} >= {
            "desk:71",
            "desk:72",
        }

    def test_ingest_asks_nothing_more_until_something_of_the_kind_is_merged(
        self, by: User, django_assert_max_num_queries: Any
    ) -> None:
        def asked(order: str) -> int:
            with django_assert_max_num_queries(100) as seen:
                sent(order)
            return sum("orchestration_idmerge" in one["sql"] for one in seen.captured_queries)

        merged("ana@x.example", "ben@x.example", by, kind="customer")
        sent("first")
        assert asked("a1") == 0


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_make_one_merge_and_no_circle(by: User) -> None:
    other = given_person("runtime_owner", username="second")
    told: list[str] = []
    barrier = Barrier(2)

    def press(one: str, into: str, who: User) -> None:
        try:
            barrier.wait(timeout=10)
            merged(one, into, who)
            told.append("made")
        except Conflict:
            told.append("refused")
        finally:
            connection.close()

    for pair in ((("a", "b"), ("b", "a")), (("c", "d"), ("c", "e"))):
        told.clear()
        threads = [
            Thread(target=press, args=(*ids, who))
            for ids, who in zip(pair, (by, other), strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert sorted(told) == ["made", "refused"]
    assert IdMerge.objects.filter(ended_at=None).count() == 2
