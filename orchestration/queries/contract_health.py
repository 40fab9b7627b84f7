"""The health of every contract in service, from what is counted and stored; events are not read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from django.db.models import Count, Exists, F, OuterRef

from contracts_app.models import ContractTestRun
from contracts_app.queries.catalogue import Listed
from contracts_app.queries.registry import SERVING
from contracts_app.rules.contract_health import Day, HealthFacts, health_of
from orchestration.models import HeldEvent
from orchestration.queries import tallied
from orchestration.queries.fresh import Fresh
from orchestration.queries.last_events import last_events

METRICS = tuple(one.name for one in fields(Day))
SILENT_AFTER = timedelta(days=7)
_SLICE = timedelta(minutes=5)
_remembered: Fresh[_Stored] = Fresh()


@dataclass(frozen=True)
class _Stored:
    """What is stored about all of them at a moment."""

    days: Mapping[str, Day]
    failing: frozenset[int]
    held: Mapping[str, int]
    heard: frozenset[str]


def with_health(listed: Sequence[Listed], now: datetime) -> list[Listed]:
    """Return the contracts with their health; four queries, remembered a while if they are dear."""
    names = tuple(one.name for one in listed if one.serving)
    stored = _remembered.get(names, lambda: _stored(names, now))
    return [replace(one, health=health_of(_facts(one, stored))) if one.serving else one
            for one in listed]  # fmt: skip


def _facts(one: Listed, stored: _Stored) -> HealthFacts:
    return HealthFacts(
        day=stored.days.get(one.name, Day()),
        targets=one.serving.targets if one.serving else (),
        tests_fail=one.serving is not None and one.serving.pk in stored.failing,
        held_open=stored.held.get(one.name, 0),
        drifts=one.drifts,
        heard=one.name in stored.heard,
    )


def _stored(names: Sequence[str], now: datetime) -> _Stored:
    held = HeldEvent.objects.filter(state="held", contract__in=names).order_by()
    newest = last_events(names)
    return _Stored(
        days=_days(names, now),
        failing=_failing(),
        held=dict(held.values_list("contract").annotate(n=Count("pk"))),
        heard=frozenset(name for name, at in newest.items() if at > now - SILENT_AFTER),
    )


def _days(names: Iterable[str], now: datetime) -> dict[str, Day]:
    """The last 24 hours, to the next five minutes: a page asked again soon needs no new sum."""
    start = now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0)
    counts = tallied.counts(METRICS, (start + _SLICE - timedelta(days=1), start + _SLICE))
    by_metric = {metric: counts.by_contract(metric) for metric in METRICS}
    return {
        name: Day(**{metric: found.get(name, 0) for metric, found in by_metric.items()})
        for name in names
    }


def _failing() -> frozenset[int]:
    """The versions in service whose text failed when it was tested last."""
    newer = ContractTestRun.objects.filter(version=OuterRef("version"), pk__gt=OuterRef("pk"))
    rows = ContractTestRun.objects.filter(
        ~Exists(newer), failed__gt=0, version__state__in=SERVING, digest=F("version__digest")
    )
    return frozenset(rows.order_by().values_list("version_id", flat=True))
