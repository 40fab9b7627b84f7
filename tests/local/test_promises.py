"""The demo's checker: each doctored history is caught, an honest one passes, silence never does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection

from contracts_app.models import BusinessCalendar, SlaPolicy
from contracts_app.queries import clock
from contracts_app.services import audit
from meshline.core import canonical
from meshline.core.ids import uuid7_at
from meshline.local.demo_check import PROMISES
from meshline.local.demo_player import Seen
from meshline.local.promises import engine, events, money, people, tickets
from meshline.local.promises.sides import Ours, Promise, Sides, Theirs
from orchestration.models import Effect, FlowVersion, Handoff, Run, SlaTimer, TimerAlarm
from runbooks.models import Intervention
from tests.builders import accepted, given_pilot, refund_requested

pytestmark = pytest.mark.django_db

REFUND, TICKET, KEY = "rf_abcdef123456", "desk:4812", "event:refund-completion:refund"
EMPTY_BOOKS: dict[str, Any] = {
    **dict.fromkeys(
        ("refunds_doubled", "cancellations_doubled", "mails", "mails_doubled", "lost",
         "ticket_writes", "ticket_writes_doubled", "webhooks_sent", "webhooks_pending"), 0),
    **{name: {} for name in ("by_refund", "by_cancellation", "by_ticket")},
    "by_mail": [], "deliveries": [],
}  # fmt: skip
KINDS = (
    *("refunds_exactly_once", "refunds_at_most_once", "refunds_never", "refunds_reversed"),
    *("cancellations_once", "tickets_solved", "mails_once", "carts_filled"),
    *("carts_after_backfill", "left_open", "needs_person"),
)


def sides(
    *,
    applied: list[Any] = [],  # noqa: B006 - read only
    pages: list[Any] = [],  # noqa: B006
    expected: dict[str, Any] | None = None,
    seen: Seen | None = None,
    **books: Any,
) -> Sides:
    wanted = {kind: [] for kind in KINDS} | (expected or {})
    connection.ensure_connection()
    theirs = Theirs(EMPTY_BOOKS | books | {"expected": wanted}, applied, [], pages)
    return Sides(Ours(connection.connection), theirs, seen or Seen())


def refund(**more: Any) -> dict[str, Any]:
    """Billing's books about one refund, made once."""
    whole = {"ticket": TICKET, "asked": 2500, "amount": 2500, "applied": 1, "status": "succeeded",
             "by_hand": False, "settled_at": 100.0, "billing_ids": ["re_1"]}  # fmt: skip
    return {"by_refund": {REFUND: whole | more}}


def given_effect(*, scope: str = "billing.create_refund", key: str = KEY, **more: Any) -> Effect:
    now = clock.now()
    whole: dict[str, Any] = {
        "event_id": uuid4(), "run_id": uuid4(), "last_run_id": uuid4(), "path": "refund",
        "flow": "refund-completion", "contract": "support.refund.requested", "ticket": TICKET,
        "digest": "d", "request": {"reference": REFUND}, "state": "done", "created_at": now,
    }  # fmt: skip
    return Effect.objects.create(scope=scope, key=key, **(whole | more))


def given_run(**more: Any) -> Run:
    given_pilot("flows")
    now = clock.now()
    whole: dict[str, Any] = {
        "id": uuid7_at(now), "event_id": uuid4(), "flow": "refund-completion",
        "flow_version": FlowVersion.objects.get(name="refund-completion"), "ticket": TICKET,
        "contract": "support.refund.requested", "created_at": now, "advanced_at": now,
    }  # fmt: skip
    return Run.objects.create(**(whole | more))


def given_handoff(*, run_id: UUID | None = None, **more: Any) -> Handoff:
    whole: dict[str, Any] = {
        "reason": "callback_timeout", "cause": "No answer", "run_id": run_id, "ticket": TICKET,
        "contract": "support.refund.requested", "opened_at": clock.now(),
    }  # fmt: skip
    return Handoff.objects.create(**(whole | more))


def given_alarm(*, late: timedelta | None) -> TimerAlarm:
    """An alarm that fired `late` after it was due (early if negative); None: it never did."""
    given_pilot("calendars", "policies")
    due = clock.now() - timedelta(minutes=5)
    timer = SlaTimer.objects.create(
        ticket=TICKET, metric="first_reply", target_s=18, started_at=due, due_at=due,
        policy=SlaPolicy.objects.all()[0], calendar=BusinessCalendar.objects.all()[0],
        contract="support.ticket.created", start_event_id=uuid4(),
    )  # fmt: skip
    fired_at = None if late is None else due + late
    return TimerAlarm.objects.create(
        timer=timer, generation=1, level=75, due_at=due, fired_at=fired_at
    )


def record(action: str, object_type: str, object_id: object, **more: Any) -> None:
    audit.record(
        action=action, actor="engine", object_type=object_type, object_id=str(object_id),
        now=clock.now(), **more,
    )  # fmt: skip


OBSERVING = [promise for promise in PROMISES if promise is not engine.audit_fast]  # that one acts


@pytest.mark.parametrize("promise", OBSERVING, ids=lambda promise: promise.__name__)
def test_a_promise_of_which_nothing_was_seen_is_not_kept(
    promise: Callable[[Sides], Promise],
) -> None:
    assert not promise(sides()).kept


# --- What came in ---------------------------------------------------------------------------


def delivery(body: Any, **more: Any) -> dict[str, Any]:
    """The courier's line about one webhook that was taken."""
    digest = hashlib.sha256(canonical.text(body).encode()).hexdigest()
    whole = {"source": "helpdesk", "external_id": body["id"], "sha256": digest, "twice": False,
             "first_2xx_at": 1.0, "answers": [202]}  # fmt: skip
    return whole | more


def test_a_webhook_that_was_taken_and_lost_is_caught() -> None:
    given_pilot()
    kept, lost = refund_requested(), refund_requested()
    accepted("helpdesk", kept)

    assert events.nothing_lost(sides(deliveries=[delivery(kept)])).kept
    caught = events.nothing_lost(sides(deliveries=[delivery(kept), delivery(lost)]))
    assert caught.broken == (f"helpdesk {lost['id']} is not stored",)


def test_bytes_that_are_not_those_of_the_first_are_caught() -> None:
    given_pilot()
    body = refund_requested()
    accepted("helpdesk", body)

    assert not events.nothing_lost(sides(deliveries=[delivery(body, sha256="other")])).kept


def test_an_event_that_nobody_sent_is_caught() -> None:
    given_pilot()
    sent, made_up = refund_requested(), refund_requested()
    accepted("helpdesk", sent)
    accepted("helpdesk", made_up)

    assert not events.nothing_lost(sides(deliveries=[delivery(sent)])).kept


# --- Money ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("billing", "ledger"),
    [
        ({"applied": 2, "amount": 5000}, {}),
        ({"applied": 0, "amount": 0, "status": None}, {}),
        ({"amount": 2400}, {}),
        ({"status": "failed"}, {}),
        ({}, {"state": "unknown"}),
    ],
)
def test_a_refund_that_was_not_made_exactly_once_is_caught(
    billing: dict[str, Any], ledger: dict[str, Any]
) -> None:
    given_effect(**ledger)

    told = money.refunds_once(
        sides(expected={"refunds_exactly_once": [REFUND]}, **refund(**billing))
    )

    assert not told.kept


def test_a_refund_made_once_passes() -> None:
    given_effect()

    assert money.refunds_once(sides(expected={"refunds_exactly_once": [REFUND]}, **refund())).kept


def test_one_key_applied_twice_is_caught() -> None:
    once = {"id": 1, "key": KEY, "at": 1.0}

    assert money.keys_once(sides(applied=[once])).kept
    assert not money.keys_once(sides(applied=[once, {**once, "id": 2}])).kept


@pytest.mark.parametrize(
    ("state", "applied", "with_a_person", "kept"),
    [
        ("done", True, False, True),
        ("done", False, False, False),  # the vendor never did it, and nobody knows
        ("done", False, True, True),
        ("unknown", False, False, False),
        ("unknown", False, True, True),
        ("intent", True, True, False),  # the vendor did it, and we do not know
    ],
)
def test_a_ledger_that_disagrees_with_the_vendor_is_caught(
    state: str, applied: bool, with_a_person: bool, kept: bool
) -> None:
    effect = given_effect(state=state)
    if with_a_person:
        given_handoff(run_id=effect.last_run_id)
    rows = [{"id": 1, "key": KEY, "at": 1.0}] if applied else []

    assert money.ledger_agrees(sides(applied=rows)).kept is kept


def test_an_effect_in_no_ledger_is_caught() -> None:
    given_effect()
    rows = [{"id": 1, "key": KEY, "at": 1.0}, {"id": 2, "key": "another", "at": 1.0}]

    assert not money.ledger_agrees(sides(applied=rows)).kept


# --- Customers ------------------------------------------------------------------------------


@pytest.mark.parametrize(("solved_at", "kept"), [(101.0, True), (99.0, False)])
def test_a_ticket_solved_before_billing_had_the_refund_is_caught(
    solved_at: float, kept: bool
) -> None:
    given_effect(scope="helpdesk.transition_ticket", key="k", request={"to": "solved"})
    rows = [{"id": 1, "key": "k", "at": solved_at}]

    told = tickets.solved_after_acknowledgement(sides(applied=rows, **refund()))

    assert told.kept is kept


@pytest.mark.parametrize(("count", "kept"), [(1, True), (0, False), (2, False)])
def test_a_customer_who_is_told_twice_or_never_is_caught(count: int, kept: bool) -> None:
    letter = {"to": "maja@example.com", "template": "refund-confirmed"}
    by_mail = [{**letter, "count": count, "distinct_ids": count}] if count else []

    told = tickets.letters_once(sides(expected={"mails_once": [letter]}, by_mail=by_mail))

    assert told.kept is kept


def test_what_is_left_to_people_must_be_exactly_what_is_in_doubt() -> None:
    matter = {"left_open": [{"ticket": TICKET, "reason": "callback_timeout"}]}
    assert not people.left_open(sides(expected=matter)).kept  # nobody has it

    given_handoff()
    assert people.left_open(sides(expected=matter)).kept

    given_handoff(ticket="desk:4813")
    assert not people.left_open(sides(expected=matter)).kept  # and one that needs nobody


def test_a_page_that_was_never_answered_is_caught() -> None:
    given_run(flow="sla-escalation", state="succeeded")
    heard = {"dedup_key": "e:sla-escalation:page#1", "status": "acknowledged"}
    unheard = {"dedup_key": "e:sla-escalation:page", "status": "triggered"}

    assert people.paged_until_answered(sides(pages=[heard, unheard])).kept
    assert not people.paged_until_answered(sides(pages=[unheard, heard])).kept
    assert not people.paged_until_answered(sides(pages=[heard])).kept  # none was repeated


def test_a_press_that_is_not_in_the_audit_log_is_caught() -> None:
    lena = User.objects.create(username="lena")
    press = Intervention.objects.create(
        action="flow.replay", actor=lena, ticket=TICKET, contract="c", reason="why",
        press_key="one", pressed_at=clock.now(),
    )  # fmt: skip
    assert not people.presses_recorded(sides()).kept

    audit.record(
        action="flow.replay", actor=lena, object_type="handoff", object_id="H-1", ticket=TICKET,
        contract="c", reason="why", detail={"intervention": press.pk}, now=clock.now(),
    )  # fmt: skip
    assert people.presses_recorded(sides()).kept


def test_a_second_presser_who_was_not_told_is_caught() -> None:
    lena = User.objects.create(username="lena")
    Intervention.objects.create(
        action="flow.replay", actor=lena, ticket=TICKET, contract="c", reason="why",
        press_key="one", pressed_at=clock.now(),
    )  # fmt: skip
    pressed = {"replay": "Lena Moritz"}

    told = Seen(pressed=pressed, told_first=["Lena Moritz pressed Replay first."])
    assert people.second_is_told(sides(seen=told)).kept
    assert not people.second_is_told(sides(seen=Seen(pressed=pressed))).kept
    both = Seen(pressed=pressed, told_first=["Nobody was first."])
    assert not people.second_is_told(sides(seen=both)).kept


# --- The engine -----------------------------------------------------------------------------


def _ago(minutes: int) -> datetime:
    return clock.now() - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("state", "wake_at", "lease_until", "kept"),
    [
        ("succeeded", None, None, True),
        ("waiting", -60, None, True),
        ("waiting", 5, None, False),
        ("waiting", None, None, False),
        ("ready", 5, None, False),
        ("running", None, 5, False),
        ("failed", None, None, False),
    ],
)
def test_a_run_that_is_out_of_sight_is_caught(
    state: str, wake_at: int | None, lease_until: int | None, kept: bool
) -> None:
    given_run(
        state=state,
        wake_at=None if wake_at is None else _ago(wake_at),
        lease_until=None if lease_until is None else _ago(lease_until),
    )

    assert engine.runs_end(sides()).kept is kept


def test_a_stopped_run_with_an_open_handoff_is_in_sight() -> None:
    given_handoff(run_id=given_run(state="failed").pk)

    assert engine.runs_end(sides()).kept


def test_a_lease_that_is_left_behind_is_caught() -> None:
    run = given_run(state="succeeded", fence=1)
    assert engine.no_lapsed_lease(sides()).kept

    Run.objects.filter(pk=run.pk).update(state="running", lease_until=_ago(1), lease_by="gone:1")
    assert not engine.no_lapsed_lease(sides()).kept


@pytest.mark.parametrize(
    ("late", "kept"),
    [
        (timedelta(seconds=1), True),
        (timedelta(seconds=-1), False),
        (timedelta(seconds=90), False),
        (None, False),
    ],
)
def test_an_alarm_that_fires_early_late_or_never_is_caught(
    late: timedelta | None, kept: bool
) -> None:
    given_alarm(late=late)

    assert engine.timers_fire(sides()).kept is kept


def test_an_alarm_that_fires_twice_is_caught() -> None:
    alarm = given_alarm(late=timedelta(seconds=1))
    record("timer.warn", "timer", alarm.timer_id, detail={"level": 75})
    assert engine.timers_fire(sides()).kept

    record("timer.warn", "timer", alarm.timer_id, detail={"level": 75})
    assert not engine.timers_fire(sides()).kept


def test_a_handoff_that_is_not_in_the_audit_log_is_caught() -> None:
    handoff = given_handoff()
    assert not engine.audit_complete(sides()).kept

    record("handoff.open", "handoff", handoff.reference)
    assert engine.audit_complete(sides()).kept
