"""The sweep and the loop: one broken part stops no other, a frozen sweeper holds nobody up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import redis
from django.db import connection, transaction

from contracts_app.queries import clock
from meshline.celery import app
from orchestration import echo, wake
from orchestration.models import Effect, Heartbeat, Run, SlaTimer, TimerAlarm
from orchestration.queries import health
from orchestration.services import alarms, driver, sweeper, timers
from orchestration.services.loop import Loop
from tests.builders import accepted, given_pilot, run_of
from tests.sandbox_process import Sandbox
from tests.services.drive import given_request
from tests.services.hands import given_refund_run, meanwhile
from tests.services.test_timers import desk_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def broken_work() -> Iterator[None]:
    def breaks(now: datetime, batch: int) -> int:
        raise ZeroDivisionError

    sweeper.DUE_WORK.insert(0, breaks)
    yield
    sweeper.DUE_WORK.remove(breaks)


def test_work_that_breaks_keeps_no_run_waiting(broken_work: None) -> None:
    given_pilot()
    given_refund_run()

    swept = sweeper.sweep(now=clock.now())

    assert (swept.held, swept.failed, swept.runs_due) == (True, 1, True)


def test_alarm_that_cannot_be_fired_holds_up_no_other() -> None:
    given_pilot()
    for ticket in ("7001", "7002"):
        accepted("helpdesk", desk_event("created", ticket=ticket))
    late = clock.now() + timedelta(hours=1)
    broken = SlaTimer.objects.get(ticket="desk:7001", metric="first_reply")
    SlaTimer.objects.filter(pk=broken.pk).update(target_s=float("inf"))  # no event can say this

    with pytest.raises(alarms.AlarmsBroke):
        alarms.fire_due(now=late, batch=100)

    assert SlaTimer.objects.get(ticket="desk:7002", metric="first_reply").state == "breached"
    assert TimerAlarm.objects.filter(timer=broken, fired_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_alarm_of_a_ticket_that_is_being_changed_waits_for_the_next_sweep() -> None:
    given_pilot()
    accepted("helpdesk", desk_event("created"))
    late = clock.now() + timedelta(hours=1)
    fired: list[int] = []

    with transaction.atomic():
        timers.lock("desk:7001")
        with meanwhile(lambda: fired.append(alarms.fire_due(now=late, batch=100))):
            pass

    assert fired == [0]
    assert alarms.fire_due(now=late, batch=100) > 0


@pytest.mark.django_db(transaction=True)
def test_sweeper_that_froze_loses_the_lock_with_its_session() -> None:
    with sweeper._one_at_a_time() as held, connection.cursor() as cursor:
        assert held
        cursor.execute("SHOW idle_session_timeout")
        assert cursor.fetchone() == ("10s",)
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_session_timeout")
        assert cursor.fetchone() == ("0",)


def test_rows_without_a_month_of_their_own_raise_an_alarm() -> None:
    given_pilot()
    assert health.partition_trouble() == ""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orchestration_eventbody (id, content_type, headers)"
            " VALUES ('ffffffff-ffff-7fff-8fff-ffffffffffff', '', '{}')"
        )

    sweeper.sweep(now=clock.now())

    assert "orchestration_eventbody_default" in health.partition_trouble()
    assert not all(part.ok for part in health.parts(clock.now()))


def test_heartbeats_of_workers_long_gone_are_forgotten() -> None:
    now = clock.now()
    sweeper.beat("worker:old:1", "worker", now=now - timedelta(days=2))
    sweeper.beat("worker:new:2", "worker", now=now)

    sweeper.sweep(now=now)

    assert set(Heartbeat.objects.filter(kind="worker").values_list("name", flat=True)) == {
        "worker:new:2"
    }


@pytest.mark.django_db(transaction=True)
def test_runs_that_no_message_wakes_are_worked_off_by_the_loop(sandbox: Sandbox) -> None:
    driver.stopping.clear()
    receipt = accepted("helpdesk", given_request(sandbox))
    Run.objects.update(wake_at=clock.now() - timedelta(seconds=10))
    loop = Loop()

    loop.turn()  # messages can be sent, and nobody reads them

    assert loop.helper is not None
    loop.helper.join(30)
    assert run_of(receipt).step == "billing_ack"
    assert Effect.objects.filter(state="done").exists()


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> echo.Watch:
    monkeypatch.setattr(echo, "ASK_EVERY_S", 0.0)
    return echo.Watch()


def test_worker_that_hears_nothing_back_knows_for_how_long(watch: echo.Watch) -> None:
    assert watch.silence_s(busy=False) < 0.1
    time.sleep(0.2)
    assert watch.silence_s(busy=False) >= 0.2
    assert wake.broker().llen(echo.queue_name()) == 1, "one unread echo is enough"

    watch.heard()
    assert watch.silence_s(busy=False) < 0.1
    time.sleep(0.1)
    assert watch.silence_s(busy=True) == 0.0, "busy threads are no sign"
    wake.broker().delete(echo.queue_name())


def test_worker_blames_the_broker_for_what_the_broker_did(
    watch: echo.Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> redis.Redis:
        raise redis.ConnectionError

    watch.silence_s(busy=False)
    monkeypatch.setattr(wake, "broker", away)
    time.sleep(0.1)

    assert watch.silence_s(busy=False) == 0.0


def test_nudge_that_was_not_sent_does_not_keep_the_next_from_trying(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wake.clear_flag()
    with monkeypatch.context() as broken:
        broken.setattr(app, "send_task", _refuses)
        assert not wake.nudge()

    assert wake.nudge()
    assert wake.broker().llen("runs") >= 1


def _refuses(*_: object, **__: object) -> None:
    raise redis.ConnectionError
