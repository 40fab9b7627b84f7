"""A temporary tolerance: two people open one, the database bounds it, each press counts once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from contracts_app.models import AuditEntry, Contract, TemporaryTolerance
from contracts_app.queries import clock
from contracts_app.queries.temporary_tolerances import running
from contracts_app.rules.temporary_tolerance import Allowance
from contracts_app.services import temporary_tolerances as service
from meshline.core.errors import BadValue, Conflict, IllegalTransition, MeshlineError, NotAllowed
from runbooks.services import tolerances as permitted
from tests.builders import given_pilot
from tests.console.builders import given_reader
from tests.services.people import given_person

pytestmark = pytest.mark.django_db
NAME = "support.refund.requested"
LONG_NAME = Allowance("/data/name", "maxLength")
HOUR = timedelta(hours=1)


@pytest.fixture
def people() -> dict[str, User]:
    given_pilot("contracts", "flows")
    return {
        "tomas": given_reader("ops_lead", "Tomas Berg"),
        "jonas": given_reader("runtime_owner", "Jonas Roth"),
    }


def asked(people: dict[str, User], **more: Any) -> TemporaryTolerance:
    given: dict[str, Any] = {
        "contract": Contract.objects.get(name=NAME),
        "allowed": [LONG_NAME],
        "hours": 12,
        "reason": "The desk sends titles in names since 22:00",
        "ticket": "desk:4812",
        "by": people["tomas"],
        "now": clock.now(),
    }
    return service.ask(**(given | more))


def test_it_begins_when_another_person_confirms_and_each_step_is_audited(
    people: dict[str, User],
) -> None:
    made = asked(people)
    assert running(NAME, clock.now()) == []

    service.confirm(tolerance=made, by=people["jonas"], now=clock.now())

    assert running(NAME, clock.now()) == [made]
    assert running("shop.cart.updated", clock.now()) == []
    assert running(NAME, made.ends_at) == []
    service.end(tolerance=made, by=people["tomas"], now=clock.now())
    assert running(NAME, clock.now()) == []
    told = AuditEntry.objects.filter(object_id=str(made)).order_by("id")
    assert [(one.action, one.actor, one.ticket) for one in told] == [
        ("tolerance.ask", "tomas", "desk:4812"),
        ("tolerance.confirm", "jonas", "desk:4812"),
        ("tolerance.end", "tomas", "desk:4812"),
    ]
    assert told[0].detail["allowed"] == ["/data/name maxLength"]


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"allowed": [Allowance("/data/refund_id", "pattern")]}, BadValue, "identifier"),
        ({"allowed": [Allowance("/data/amount_minor", "type")]}, BadValue, "never tolerated"),
        ({"allowed": [Allowance("/data/charge_id", "pattern")]}, BadValue, "moves money"),
        ({"allowed": [Allowance("", "type")]}, BadValue, "whole document"),
        ({"allowed": [Allowance("/data/nick", "type")]}, BadValue, "names no /data/nick"),
        ({"allowed": []}, BadValue, "Nothing is named"),
        ({"hours": 73}, BadValue, "72 hours"),
        ({"hours": 0}, BadValue, "72 hours"),
        ({"reason": "  "}, BadValue, "No reason"),
        ({"ticket": "no ticket at all"}, BadValue, "ticket"),
    ],
)
def test_request_that_goes_too_far_is_refused(
    people: dict[str, User], change: dict[str, Any], error: type[MeshlineError], says: str
) -> None:
    with pytest.raises(error) as refused:
        asked(people, **change)
    assert says in f"{refused.value.message} {refused.value.remedy}"
    assert not TemporaryTolerance.objects.exists()


def test_same_person_does_not_confirm_and_neither_does_the_database_let_them(
    people: dict[str, User],
) -> None:
    made = asked(people)
    with pytest.raises(NotAllowed, match="yourself"):
        service.confirm(tolerance=made, by=people["tomas"], now=clock.now())
    with pytest.raises(NotAllowed, match="themselves"):
        permitted.confirm(tolerance=made, by=people["tomas"], now=clock.now())
    assert AuditEntry.objects.filter(action="tolerance.confirm.refused").count() == 1
    with pytest.raises(IntegrityError, match="two_people"), transaction.atomic():
        TemporaryTolerance.objects.filter(pk=made.pk).update(confirmed_by=people["tomas"])
    with pytest.raises(IntegrityError, match="bounded"), transaction.atomic():
        TemporaryTolerance.objects.filter(pk=made.pk).update(ends_at=made.asked_at + 73 * HOUR)


def test_what_is_asked_for_twice_is_told_who_was_first(people: dict[str, User]) -> None:
    first = asked(people)
    with pytest.raises(Conflict, match="Tomas Berg"):
        asked(people, by=people["jonas"])
    service.end(tolerance=first, by=people["tomas"], now=clock.now())
    assert asked(people).pk != first.pk


@pytest.mark.parametrize(
    ("case", "says"), [("late", "ran out"), ("taken back", "taken back"), ("twice", "already")]
)
def test_confirming_too_late_says_what_happened(
    people: dict[str, User], case: str, says: str
) -> None:
    made, now = asked(people), clock.now()
    match case:
        case "late":
            now = made.ends_at
        case "taken back":
            service.end(tolerance=made, by=people["tomas"], now=now)
        case _:
            service.confirm(tolerance=made, by=given_person("ops_lead", username="x"), now=now)
    with pytest.raises(IllegalTransition, match=says):
        service.confirm(tolerance=made, by=people["jonas"], now=now)


def test_request_waits_a_day_at_most(people: dict[str, User]) -> None:
    made = asked(people, hours=72)
    with pytest.raises(IllegalTransition, match="24 hours"):
        service.confirm(tolerance=made, by=people["jonas"], now=made.asked_at + 25 * HOUR)


def test_over_is_over(people: dict[str, User]) -> None:
    made = asked(people)
    service.confirm(tolerance=made, by=people["jonas"], now=clock.now())
    with pytest.raises(IllegalTransition, match="over already"):
        service.end(tolerance=made, by=people["jonas"], now=made.ends_at)


@pytest.mark.parametrize("role", ["support_agent", "manager", "product_owner", "admin", "auditor"])
def test_role_that_may_not_is_refused_and_it_is_kept(people: dict[str, User], role: str) -> None:
    by = given_person(role, username="other")
    made = asked(people)
    for act in (permitted.confirm, permitted.end):
        with pytest.raises(NotAllowed):
            act(tolerance=made, by=by, now=clock.now())
    with pytest.raises(NotAllowed, match="may not ask for a temporary tolerance"):
        permitted.ask(
            contract=made.contract, allowed=[LONG_NAME], hours=1, reason="x", ticket="desk:1",
            by=by, now=clock.now(),
        )  # fmt: skip
    assert AuditEntry.objects.filter(action__endswith=".refused", actor="other").count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_who_confirm_at_once_confirm_once(people: dict[str, User]) -> None:
    made = asked(people)
    both = [people["jonas"], given_reader("ops_lead", "Ada Moss")]
    start, results = threading.Barrier(2), list[str]()

    def press(by: User) -> None:
        start.wait()
        try:
            service.confirm(tolerance=made, by=by, now=clock.now())
            results.append("confirmed")
        except IllegalTransition:
            results.append("too late")
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=(by,)) for by in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["confirmed", "too late"]
    assert AuditEntry.objects.filter(action="tolerance.confirm").count() == 1
