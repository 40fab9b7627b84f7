"""How runs end: cancelled in the middle of a call, late news, what is counted, who is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from contracts_app.models import AuditEntry
from contracts_app.queries import clock
from meshline.core.errors import IllegalTransition
from orchestration.models import Attempt, Effect, Handoff, HeldEvent, Run, Tally
from orchestration.rules.outcomes import Done, Refused, Unknown
from orchestration.services import handoffs, leases, runs
from orchestration.services.advance import WorkersDied, advance
from runbooks.queries import inbox
from tests.builders import (
    PILOT,
    accepted,
    given_document,
    given_pilot,
    refund_requested,
    refund_webhook,
    run_of,
)
from tests.services.hands import (
    REFUND,
    asked,
    given_refund_run,
    given_waiting_for_billing,
    landed,
    taken,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def pilot(db: None) -> None:
    given_pilot()


@pytest.fixture
def nadia(db: None) -> User:
    return User.objects.create_user("nadia")


def counted(metric: str) -> int:
    return int(Tally.objects.filter(metric=metric).aggregate(n=Sum("count"))["n"] or 0)


def driven_to_the_end(run: Run) -> Run:
    """Claim the run and let every call of it be done."""
    flight = advance(taken(run), now=clock.now())
    while flight is not None:
        flight = landed(flight, Done({"status": "solved", "message_id": "<m@example.com>"}))
    run.refresh_from_db()
    return run


def test_run_cancelled_in_the_middle_of_a_call_keeps_what_the_call_came_to(nadia: User) -> None:
    _, run = given_refund_run()
    flight = asked(run)

    ended = runs.cancel(run=run, by=nadia, reason="A mistake", now=clock.now())
    assert not ended
    following = landed(flight, Done({**REFUND, "currency": "EUR", "adopted": False}))

    run.refresh_from_db()
    assert (following, run.state) == (None, "cancelled")
    assert Effect.objects.get(path="refund").state == "done"
    assert not Handoff.objects.exists()


def test_run_cancelled_while_its_worker_dies_tells_a_person_of_the_unknown(nadia: User) -> None:
    _, run = given_refund_run()
    flight = asked(run, lease_s=1)
    runs.cancel(run=run, by=nadia, reason="A mistake", now=clock.now())
    del flight  # its answer is lost with the worker

    later = clock.now() + timedelta(seconds=2)
    advance(taken(run, now=later), now=later)

    run.refresh_from_db()
    handoff = Handoff.objects.get(run_id=run.pk)
    assert (run.state, handoff.reason) == ("cancelled", "unknown_outcome")
    assert Effect.objects.get(path="refund").state == "unknown"


def test_handoff_of_a_cancelled_run_is_closed_by_whoever_cancelled_it(nadia: User) -> None:
    _, run = given_refund_run()
    landed(asked(run), Refused("charge_unknown"))
    run.refresh_from_db()

    runs.cancel(run=run, by=nadia, reason="The customer has changed their mind", now=clock.now())

    handoff = Handoff.objects.get(run_id=run.pk)
    assert (handoff.state, handoff.resolved_by) == ("resolved", "nadia")


def test_late_progress_takes_no_handoff_out_of_a_persons_hands(nadia: User) -> None:
    request = refund_requested()
    receipt = accepted("helpdesk", request)
    run = run_of(receipt)
    landed(asked(run), Done({**REFUND, "currency": "EUR", "adopted": False}))
    past = clock.now() + timedelta(hours=5)
    advance(taken(run, now=past), now=past)
    handoff = handoffs.claim(handoff=Handoff.objects.get(run_id=run.pk), by=nadia, now=past)
    generation = handoff.generation

    accepted("billing", refund_webhook(request, status="pending"), now=past)
    advance(taken(run, now=past), now=past)

    run.refresh_from_db()
    handoff.refresh_from_db()
    assert run.state == "failed"
    assert (handoff.state, handoff.generation) == ("claimed", generation)


def test_late_answer_lets_the_run_go_on_and_resolves_the_handoff(nadia: User) -> None:
    request = refund_requested()
    run = run_of(accepted("helpdesk", request))
    landed(asked(run), Done({**REFUND, "currency": "EUR", "adopted": False}))
    past = clock.now() + timedelta(hours=5)
    advance(taken(run, now=past), now=past)
    run.refresh_from_db()
    assert run.state == "failed"

    accepted("billing", refund_webhook(request))

    assert driven_to_the_end(run).state == "succeeded"
    assert Handoff.objects.get(run_id=run.pk).state == "resolved"
    assert (counted("person"), counted("straight"), counted("recovered")) == (1, 0, 0)
    told = AuditEntry.objects.filter(run_id=run.pk, object_type="run").order_by("id")
    assert list(told.values_list("action", flat=True)) == ["run.start", "run.resume", "run.succeed"]


def test_run_that_outlived_a_worker_counts_as_recovered() -> None:
    request = refund_requested()
    run = run_of(accepted("helpdesk", request))
    now = clock.now()
    leases.claim_due(limit=1, worker="dies before its first call", now=now, lease_s=1)
    later = now + timedelta(seconds=2)
    flight = advance(taken(run, now=later), now=later)
    assert flight is not None
    landed(flight, Done({**REFUND, "currency": "EUR", "adopted": False}))
    accepted("billing", refund_webhook(request))

    assert driven_to_the_end(run).outcome == "recovered"
    assert (counted("recovered"), counted("straight")) == (1, 0)


def test_run_put_down_often_is_straight_as_long_as_nothing_went_wrong() -> None:
    request = refund_requested()
    run = run_of(accepted("helpdesk", request))
    landed(asked(run), Done({**REFUND, "currency": "EUR", "adopted": False}))
    for _ in range(3):
        accepted("billing", refund_webhook(request, status="pending"))
        advance(taken(run), now=clock.now())
    accepted("billing", refund_webhook(request))

    assert driven_to_the_end(run).outcome == "straight"


def test_answer_that_was_lost_with_its_worker_makes_the_run_recovered() -> None:
    request = refund_requested()
    run = run_of(accepted("helpdesk", request))
    asked(run, lease_s=1)  # killed in the middle of the call
    later = clock.now() + timedelta(seconds=2)
    flight = advance(taken(run, now=later), now=later)
    assert flight is not None
    assert flight.call.look_up_first
    landed(flight, Done({**REFUND, "currency": "EUR", "adopted": True}))
    accepted("billing", refund_webhook(request))

    assert driven_to_the_end(run).outcome == "recovered"
    assert Effect.objects.get(path="refund").attempts == 2


def test_event_that_a_person_released_is_counted_for_the_person_alone() -> None:
    request = refund_requested()
    receipt = accepted("helpdesk", request)
    HeldEvent.objects.create(
        event_id=receipt.event_id, source="helpdesk", reason="violation", state="released"
    )
    run = run_of(receipt)
    landed(asked(run), Done({**REFUND, "currency": "EUR", "adopted": False}))
    accepted("billing", refund_webhook(request))

    assert driven_to_the_end(run).outcome == "person"
    assert (counted("straight"), counted("finished")) == (0, 1)


def test_same_event_is_not_run_twice_at_once() -> None:
    _, run = given_refund_run()
    landed(asked(run), Refused("charge_unknown"))
    with transaction.atomic():
        second = runs.replay(run=run, now=clock.now())

    with pytest.raises(IllegalTransition, match="newest run is number 2"), transaction.atomic():
        runs.replay(run=run, now=clock.now())

    assert Run.objects.filter(event_id=run.event_id, state="ready").get() == second


def test_replay_waits_while_a_call_of_the_old_run_may_be_under_way(settings: Any) -> None:
    settings.CALL_TIMEOUT_S = 10
    _, run = given_refund_run()
    flight = asked(run)
    leases.give_up(flight.lease, wake_at=clock.now())  # its worker was told to stop

    with transaction.atomic():
        fresh = runs.replay(run=run, now=clock.now())

    fresh.refresh_from_db()
    assert fresh.wake_at is not None
    assert fresh.wake_at > clock.now() + timedelta(seconds=5)


def test_journey_is_counted_as_finished_once_however_often_it_is_replayed() -> None:
    request = refund_requested()
    run = run_of(accepted("helpdesk", request))
    landed(asked(run), Done({**REFUND, "currency": "EUR", "adopted": False}))
    accepted("billing", refund_webhook(request))
    assert driven_to_the_end(run).state == "succeeded"
    with transaction.atomic():
        again = runs.replay(run=run, now=clock.now())

    assert driven_to_the_end(again).state == "succeeded"

    assert (counted("finished"), counted("straight"), counted("person")) == (1, 1, 0)


def test_unknown_effect_stays_unknown_until_an_answer_says_more() -> None:
    _, run = given_refund_run()
    landed(asked(run), Unknown("timeout"))
    later = clock.now() + timedelta(hours=1)

    flight = advance(taken(run, now=later), now=later)

    assert flight is not None
    assert Effect.objects.get(path="refund").state == "unknown"


def test_run_that_costs_one_worker_after_another_is_taken_away_from_them() -> None:
    _, run = given_refund_run()
    Run.objects.filter(pk=run.pk).update(lapses=13)

    with pytest.raises(WorkersDied):
        advance(taken(run), now=clock.now())


def test_event_whose_flow_cannot_judge_it_is_kept_and_shown() -> None:
    (path,) = (PILOT / "flows").rglob("refund-completion*.yaml")
    text = path.read_text().replace("version: 4", "version: 5")
    given_document(text.replace("event.data.amount_minor > 0", "event.data.name > 0"))

    receipt, run = given_refund_run()

    handoff = Handoff.objects.get(event_id=receipt.event_id)
    assert (run.state, handoff.reason, handoff.run_id) == ("failed", "step_error", run.pk)
    assert not receipt.held


def test_waiting_run_wakes_at_its_deadline() -> None:
    _, run = given_waiting_for_billing()
    assert run.wake_at is not None
    assert run.wake_at <= (run.deadline_at or run.wake_at)


BESIDE = """
meshline: flow/v1
name: refund-watch
version: 1
title: Have somebody look at every refund
risk: high
owner: {runtime: support-platform}
trigger: {contract: support.refund.requested, version: "^1"}
ticket: "= event.data.ticket_id"
deadline: PT1H
exception_route: {runbook: run-failed}
steps:
  - id: look
    handoff: {reason: refund_refused, runbook: refund-refused, continue: true}
"""


def test_handoff_beside_a_flow_that_goes_on_outlives_its_run() -> None:
    given_document(BESIDE)
    receipt, _ = given_refund_run()
    run = Run.objects.get(event_id=receipt.event_id, flow="refund-watch")

    assert driven_to_the_end(run).state == "succeeded"

    assert Handoff.objects.get(run_id=run.pk).state == "open"


def test_call_whose_worker_was_lost_is_closed_in_the_history() -> None:
    _, run = given_refund_run()
    asked(run, lease_s=1)
    later = clock.now() + timedelta(seconds=2)

    advance(taken(run, now=later), now=later)

    first, second = Attempt.objects.filter(run=run).order_by("id")
    assert (first.outcome, first.ended_at) == ("unknown", later)
    assert second.ended_at is None


def test_list_of_resolved_handoffs_is_read_by_its_index() -> None:
    with CaptureQueriesContext(connection) as asked_for:
        inbox.inbox(inbox.Wanted(state="resolved"))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {asked_for.captured_queries[0]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "handoff_resolved" in plan
