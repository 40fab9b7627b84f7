"""The SLA dashboard: kept, broken and why, whom it hurt, what runs next; and the file of it."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from contracts_app.models import BusinessCalendar, SlaPolicy
from contracts_app.queries import clock
from meshline.core.zones import zone
from orchestration.models import SlaTimer, TimerAlarm
from orchestration.queries import sla
from orchestration.queries.sla import Wanted
from orchestration.rules.attainment import Score
from orchestration.rules.periods import period_of
from runbooks.rules.permit import ROLES
from tests.builders import given_pilot
from tests.console.builders import given_reader, given_stuck_refund

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
HALF_HOUR_S = 1800.0


@pytest.fixture(autouse=True)
def documents(db: None) -> None:
    given_pilot()


def signed_in(role: str = "ops_lead") -> Client:
    client = Client()
    client.force_login(given_reader(role))
    return client


def page(client: Client, **query: str) -> str:
    answer = client.get(reverse("console:sla"), query)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def promise(ticket: str, state: str = "running", *, started: datetime, **more: object) -> SlaTimer:
    """One promise of half an hour for a first reply."""
    values: dict[str, object] = {
        "ticket": ticket,
        "metric": "first_reply",
        "title": "First reply",
        "contract": "support.ticket.created",
        "policy": SlaPolicy.objects.get(),
        "calendar": BusinessCalendar.objects.get(name="always-open"),
        "target_s": HALF_HOUR_S,
        "start_event_id": "01900000-0000-7000-8000-000000000000",
        "started_at": started,
        "due_at": started + 30 * MINUTE,
        "state": state,
    }
    return SlaTimer.objects.create(**{**values, **more})


def kept(
    ticket: str, *, after: timedelta = 10 * MINUTE, ago: timedelta = timedelta(hours=2)
) -> SlaTimer:
    start = clock.now() - ago
    return promise(ticket, "met", started=start, stopped_at=start + after)


def broken(
    ticket: str,
    *,
    ago: timedelta = timedelta(hours=2),
    late: timedelta | None = 12 * MINUTE,
    **more: object,
) -> SlaTimer:
    start = clock.now() - ago
    due = start + 30 * MINUTE
    times: dict[str, object] = {
        "breached_at": due,
        "breach_detected_at": due + timedelta(seconds=2),
        "stopped_at": due + late if late else None,
    }
    return promise(ticket, "breached", started=start, **{**times, **more})


def last_week() -> object:
    return period_of("7d", now=clock.now(), zone=zone("Europe/Berlin"), offered=("7d",))


def test_without_promises_there_is_no_data_and_no_hundred_per_cent() -> None:
    text = page(signed_in())

    assert "Promises kept no data 0 of 0 decided in 28 days" in text
    assert "That is not 100 %." in text


@pytest.mark.parametrize("role", ROLES)
def test_every_role_may_look(role: str) -> None:
    assert signed_in(role).get(reverse("console:sla")).status_code == 200


def test_account_without_a_role_is_refused() -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody"))

    assert client.get(reverse("console:sla")).status_code == 403


def test_share_leaves_out_what_is_cancelled_paused_or_still_runs() -> None:
    now = clock.now()
    kept("desk:1"), kept("desk:2"), broken("desk:3")
    promise("desk:4", "cancelled", started=now, stopped_at=now, due_at=None)
    promise("desk:5", "paused", started=now)
    promise("desk:6", started=now)

    text = page(signed_in())

    assert "Promises kept 66.66 % 2 of 3 decided in 28 days" in text
    assert "Running 1 1 paused" in text


def test_promise_counts_where_it_was_decided() -> None:
    kept("desk:1", ago=timedelta(days=20))
    broken("desk:2", ago=timedelta(days=20))
    kept("desk:3")
    client = signed_in()

    assert "1 of 1 decided in 7 days" in page(client, period="7d")
    assert "2 of 3 decided in 28 days" in page(client)


def test_broken_promise_leads_to_customer_money_and_owner() -> None:
    handoff = given_stuck_refund(ticket="7", amount_minor=21800)
    refund = SlaTimer.objects.get(ticket="desk:7")
    start = clock.now() - timedelta(hours=2)
    SlaTimer.objects.filter(pk=refund.pk).update(
        state="breached", started_at=start, due_at=start + 60 * MINUTE,
        breached_at=start + 60 * MINUTE, breach_detected_at=start + 61 * MINUTE,
        why="Acknowledgement missing",
    )  # fmt: skip
    broken("desk:8", amount_minor=1000, currency="JPY", customer="cus_8")

    client = signed_in()
    text = page(client)

    assert "Broken this period 2 2 customers · € 218.00 + ¥ 1,000" in text
    assert f"desk:7 {handoff.reference} is open Maja Lindqvist" in text
    assert "Acknowledgement missing € 218.00" in text
    assert "still open" in text
    assert reverse("console:handoff", args=[handoff.pk]) in client.get(reverse("console:sla")).text


def test_causes_are_counted_and_narrow_the_list() -> None:
    broken("desk:1", why="Acknowledgement missing")
    broken("desk:2", why="Acknowledgement missing")
    broken("desk:3")
    client = signed_in()

    assert sla.whys(last_week(), Wanted()) == [  # type: ignore[arg-type]
        ("Acknowledgement missing", 2),
        ("Nobody answered in time", 1),
    ]
    narrowed = page(client, why="Nobody answered in time")
    assert "desk:3" in narrowed
    assert "desk:1" not in narrowed


def test_lateness_is_open_time_and_its_median_is_shown() -> None:
    for minutes in (10, 20, 90):
        broken(f"desk:{minutes}", late=minutes * MINUTE, ago=timedelta(hours=4))

    [line] = sla.lines(last_week(), Wanted())  # type: ignore[arg-type]

    assert (line.depth_p50, line.depth_p90) == (20 * MINUTE, 90 * MINUTE)
    assert line.score == Score(0, 3)


def test_promise_is_at_risk_when_three_quarters_are_used() -> None:
    now = clock.now()
    promise("desk:1", started=now - 10 * MINUTE)
    promise("desk:2", started=now - 25 * MINUTE)
    warned = promise("desk:3", started=now - 10 * MINUTE)
    TimerAlarm.objects.create(timer=warned, generation=1, level=75, fired_at=now)

    listed = sla.running_rows(Wanted(), now=now, risky=True)

    assert [row.timer.ticket for row in listed] == ["desk:2", "desk:3"]
    assert "At risk now 2" in page(signed_in())


def test_running_timers_stand_by_what_breaks_next() -> None:
    now = clock.now()
    promise("desk:1", started=now - 5 * MINUTE)
    promise("desk:2", started=now - 20 * MINUTE)

    first, second = sla.running_rows(Wanted(), now=now)

    assert (first.timer.ticket, first.kind) == ("desk:2", "high")
    assert (second.timer.ticket, second.kind) == ("desk:1", "good")


def test_days_without_a_decided_promise_are_gaps_in_the_chart() -> None:
    kept("desk:1", ago=timedelta(days=3))
    kept("desk:2")
    broken("desk:3")

    daily = sla.daily(last_week(), Wanted())["first_reply"]  # type: ignore[arg-type]

    assert sum(daily, Score()) == Score(2, 1)
    assert sum(score.total == 0 for score in daily) >= 4
    assert 'class="chart"' in signed_in().get(reverse("console:sla"), {"period": "7d"}).text


def test_file_carries_the_filters_and_no_formula() -> None:
    broken("desk:1", customer_name="=HYPERLINK(1)", why="Acknowledgement missing")
    broken("desk:2")
    kept("desk:3")
    promise("desk:4", started=clock.now())
    client, address = signed_in(), reverse("console:sla-csv")

    rows = list(csv.DictReader(io.StringIO(client.get(address).text)))
    narrowed = list(
        csv.DictReader(io.StringIO(client.get(address, {"why": "Acknowledgement missing"}).text))
    )

    assert sorted(row["ticket"] for row in rows) == ["desk:1", "desk:2", "desk:3", "desk:4"]
    assert [row["ticket"] for row in narrowed] == ["desk:1"]
    assert narrowed[0]["customer_name"] == "'=HYPERLINK(1)"
    assert narrowed[0]["late_s"] == "720.0"


def test_masked_reader_gets_no_names_on_the_page_or_in_the_file() -> None:
    broken("desk:1", customer_name="Maja Lindqvist", customer="maja@example.com")
    client = signed_in("manager")

    for address in ("console:sla", "console:sla-csv"):
        text = client.get(reverse(address)).text
        assert "Lindqvist" not in text
        assert "maja@" not in text


def test_agent_may_take_no_file() -> None:
    assert signed_in("support_agent").get(reverse("console:sla-csv")).status_code == 403


def test_unchanged_board_costs_a_304() -> None:
    kept("desk:1")
    client, query = signed_in(), {"partial": "board"}
    first = client.get(reverse("console:sla"), query)

    again = client.get(reverse("console:sla"), query, headers={"If-None-Match": first["ETag"]})

    assert again.status_code == 304
