"""Calendars and SLA policies are read, and their mistakes told with the line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from contracts_app.rules.calendar_spec import parse_calendar
from contracts_app.rules.sla_policy_spec import EventRule, parse_sla_policy
from contracts_app.rules.system_spec import parse_system
from meshline.core.errors import DocumentRefused
from meshline.core.yaml12 import load

CALENDAR = """\
meshline: calendar/v1
name: berlin-support
version: 2
zone: Europe/Berlin
weekly_hours:
  mon: [[08:00, "20:00"]]
  fri: [["22:00", "06:00"]]
holidays: [2026-12-25]
"""
POLICY = """\
meshline: sla-policy/v1
name: support-standard
calendar: berlin-support
contract: support.ticket.created
metrics:
  - name: first_reply
    target: PT30M
    start: {contract: support.ticket.created}
    stop:
      - {contract: support.ticket.replied, when: "event.data.public"}
      - {contract: support.ticket.updated, when: "event.data.status == 'solved'"}
    pause: {contract: support.ticket.updated, when: "event.data.status == 'hold'"}
    resume: {contract: support.ticket.updated, when: "event.data.status == 'open'"}
    warn: ["0.9", "0.75"]
    escalate: {rota: support-primary}
"""


def test_calendar_opens_in_its_own_zone() -> None:
    spec = parse_calendar(load(CALENDAR))
    assert (spec.name, spec.version) == ("berlin-support", 2)
    assert spec.calendar.is_open(datetime(2026, 11, 23, 7, 0, tzinfo=UTC))
    assert not spec.calendar.is_open(datetime(2026, 11, 23, 6, 59, tzinfo=UTC))
    assert spec.calendar.is_open(datetime(2026, 11, 28, 4, 0, tzinfo=UTC))  # Friday's night
    assert not spec.calendar.is_open(datetime(2026, 12, 25, 22, 0, tzinfo=UTC))


def test_calendar_can_be_always_open() -> None:
    text = "meshline: calendar/v1\nname: all\nzone: UTC\nalways: true\n"
    assert parse_calendar(load(text)).calendar.is_open(datetime(2026, 12, 25, tzinfo=UTC))


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("Europe/Berlin", "Berlin", "/zone"),
        ('"06:00"', '"22:00"', "/weekly_hours/fri/0"),
        ("08:00", "8:00", "/weekly_hours/mon/0"),
        ("fri:", "friday:", "/weekly_hours/friday"),
        ("2026-12-25", "25.12.2026", "/holidays/0"),
        ("version: 2", "version: 2\nalways: true", "/weekly_hours"),
    ],
)
def test_mistaken_calendar_is_refused_at_its_place(old: str, new: str, path: str) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        parse_calendar(load(CALENDAR.replace(old, new)))
    assert path in [finding.path for finding in refusal.value.findings]


def test_policy_names_what_starts_and_stops_a_promise() -> None:
    spec = parse_sla_policy(load(POLICY))
    metric = spec.metric("first_reply")
    assert metric is not None
    assert metric.target == timedelta(minutes=30)
    assert metric.title == "First reply"
    assert metric.start == (EventRule("support.ticket.created"),)
    assert [rule.when for rule in metric.stop] == [
        "event.data.public",
        "event.data.status == 'solved'",
    ]
    assert metric.warn == (Decimal("0.75"), Decimal("0.9"))
    assert metric.rota == "support-primary"
    assert spec.contracts == {
        "support.ticket.created",
        "support.ticket.replied",
        "support.ticket.updated",
    }


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("PT30M", "PT0S", "/metrics/0/target"),
        ("PT30M", "30 minutes", "/metrics/0/target"),
        ("resume: {", "cancel: {", "/metrics/0/pause"),
        ('["0.9", "0.75"]', '["0.9", "0.90"]', "/metrics/0/warn"),
        ('["0.9", "0.75"]', '["1.5"]', "/metrics/0/warn/0"),
        ("start: {contract: support.ticket.created}", "begin: {}", "/metrics/0/begin"),
        ("stop:\n", "stop: []\n    was:\n", "/metrics/0/stop"),
    ],
)  # fmt: skip
def test_mistaken_policy_is_refused_at_its_place(old: str, new: str, path: str) -> None:
    assert old in POLICY
    with pytest.raises(DocumentRefused) as refusal:
        parse_sla_policy(load(POLICY.replace(old, new)))
    assert path in [finding.path for finding in refusal.value.findings]


def test_system_is_read() -> None:
    text = "meshline: system/v1\nname: billing\ntitle: Billing\nconnector: billing\n"
    assert parse_system(load(text)).connector == "billing"
    with pytest.raises(DocumentRefused):
        parse_system(load("meshline: system/v1\nname: Billing\ntitle: x"))
