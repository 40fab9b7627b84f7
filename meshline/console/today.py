"""Today: who waits for a person, what it costs them, and where the events went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from contracts_app.queries import clock, documents, people
from contracts_app.queries.drift import drifting
from contracts_app.queries.signoffs import waiting_for
from contracts_app.queries.smoke import smoke_alerts
from meshline.console import access, demo
from meshline.console.addresses import with_query
from meshline.console.export import csv_answer
from meshline.console.polling import etagged
from meshline.console.ui import nav
from orchestration.models import EventKey
from orchestration.queries import objectives, tallied
from orchestration.queries import today as figures_of
from orchestration.queries.objectives import Objective
from orchestration.queries.today import Cause, Figures, Waiting
from orchestration.rules import periods
from orchestration.rules.attainment import Score, percent
from orchestration.rules.periods import Period
from runbooks.actions import ACTIONS
from runbooks.models import Intervention, RunbookVersion
from runbooks.queries import presses
from runbooks.rules.permit import may

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

OFFERED = ("today", "7d", "28d")
LATEST = 6
WORST = 5
PAGE = 100


@require_GET
@etagged
def today(request: ConsoleRequest) -> HttpResponse:
    """The first page."""
    access.require_reader(request.user)
    template = "_board" if request.GET.get("partial") else "page"
    return render(request, f"console/today/{template}.html", board(request))


@require_GET
def today_csv(request: ConsoleRequest) -> HttpResponse:
    """The period's counts by contract, as a file."""
    allowed = exported_contracts(request)
    period = period_of(request, OFFERED, clock.now())
    counts = tallied.counts(_EXPORTED, (period.start, _next_minute(period.end)))
    kept = {one.contract: one for one in _objectives(period)}
    contracts = sorted({contract for _, contract, _ in counts.found if contract} | set(kept))
    header = ["contract", "from", "until", *_EXPORTED, "attained", "objective"]
    rows = [
        [
            contract,
            period.start,
            period.end,
            *(counts.total(metric, contract) for metric in _EXPORTED),
            percent(kept[contract].score.share) if contract in kept else "no data",
            kept[contract].text if contract in kept else "",
        ]
        for contract in contracts
        if allowed is None or contract in allowed
    ]
    day = period.end.astimezone(period.zone).date()
    return csv_answer(f"meshline-{period.key}-{day}.csv", header, rows)


@require_GET
@etagged
def duplicates(request: ConsoleRequest) -> HttpResponse:
    """The deliveries that came again in the period and were stopped, newest first."""
    access.require_reader(request.user)
    period = period_of(request, OFFERED, clock.now())
    rows = EventKey.objects.filter(last_duplicate_at__gte=period.start)
    found = list(rows.order_by("-last_duplicate_at")[: PAGE + 1])
    context = {
        "now": period.end,
        "period": period,
        "segments": segments(reverse("console:duplicates"), period, OFFERED),
        "keys": found[:PAGE],
        "more": len(found) > PAGE,
    }
    return render(request, "console/today/duplicates.html", context)


def board(request: ConsoleRequest) -> dict[str, Any]:
    """What the page and its live part show."""
    period = period_of(request, OFFERED, clock.now())
    slices = periods.buckets(period, since=tallied.first_minute(period.start))
    counted = figures_of.figures(slices.edges())
    waiting = figures_of.waiting()
    month = periods.period_of("28d", now=period.end, zone=period.zone)
    specs = objectives.judged_contracts()
    kept = objectives.objectives(specs, month)
    access.veil(request.user, *(cause.handoffs for cause in waiting.causes))
    lines = figures_of.waiting_series(slices.edges(), now_open=waiting.handoffs)
    board = {
        "now": period.end,
        "period": period,
        "segments": segments(reverse("console:today"), period, OFFERED),
        "poll_url": _address(period, partial="board"),
        "csv_url": with_query(nav.address("console:today-csv"), {"period": period.key}),
        "may_export": may_export(request),
        "waiting": waiting,
        "rows": _rows(waiting),
        "figures": counted,
        "below": [one for one in kept if one.kept is False],
        "objectives": [_shown(one) for one in kept if one.score.total][:WORST],
        "judged": len(kept),
        "went": _went(counted, period),
        "drifting": drifting(),
        "smoke_alerts": smoke_alerts(people.owned_contracts(request.user)),
        "to_sign": waiting_for(request.user, now=period.end),
        "presses": _latest(request),
        "who_is_who": demo.logins() if not counted.events else [],
    }
    board["kpis"] = _kpis(counted, waiting, kept, period) | {
        "waiting_series": lines,
        "unaided_series": _known(counted.unaided_series()),
        "kept_series": _known(objectives.kept_over_time(specs, slices.edges())),
        "press_series": counted.counts.series("intervention"),
    }
    return board


def period_of(request: ConsoleRequest, offered: Sequence[str], now: datetime) -> Period:
    """Return the period that the address names, cut at the reader's midnights."""
    zone = timezone.get_current_timezone()
    assert isinstance(zone, ZoneInfo)  # noqa: S101 the middleware activates nothing else
    wanted = request.GET.get("period", "")
    return periods.period_of(wanted, now=now, zone=zone, offered=offered)


def segments(address: str, period: Period, offered: Sequence[str]) -> list[dict[str, Any]]:
    """Return the switch between periods."""
    return [
        {
            "title": periods.TITLES[key],
            "url": with_query(address, {"period": key}) if key != offered[0] else address,
            "current": key == period.key,
        }
        for key in offered
    ]


def may_export(request: ConsoleRequest) -> bool:
    """Whether there is anything that this reader may take away as a file."""
    roles = people.roles_of(request.user)
    return bool(may(roles, "export.csv", owns=True))


def exported_contracts(request: ConsoleRequest) -> frozenset[str] | None:
    """Return of which contracts this reader may take files away; None: of all.

    Raises: PermissionDenied, with the reason, if of none.
    """
    access.require_reader(request.user)
    roles = people.roles_of(request.user)
    if may(roles, "export.csv"):
        return None
    permit = may(roles, "export.csv", owns=True)
    if not permit:
        raise PermissionDenied(permit.why)
    return people.owned_contracts(request.user)


_EXPORTED = (
    "received", "duplicate", "conflict", "held", "rejected", "straight", "recovered", "person",
    "finished", "late", "intervention",
)  # fmt: skip


def _objectives(period: Period) -> list[Objective]:
    return objectives.objectives(objectives.judged_contracts(), period)


def _kpis(
    counted: Figures, waiting: Waiting, kept: Sequence[Objective], period: Period
) -> dict[str, Any]:
    judged = [one for one in kept if one.kept is not None]
    return {
        "kept": sum(bool(one.kept) for one in judged) if judged else None,
        "of": len(judged) or len(kept),
        "unjudged": len(kept) - len(judged),
        "worst": next((one for one in judged if not one.kept), None),
        "unaided": counted.unaided,
        "so_far": "so far" if period.key == "today" else period.within,
        "waiting_url": nav.address("console:handoffs"),
        "runs_url": with_query(nav.address("console:runs"), {"since": period.key}),
        "press_url": with_query(
            nav.address("console:audit"), {"action": "flow.*", "since": period.key}
        ),
    }


def _went(counted: Figures, period: Period) -> list[dict[str, Any]]:
    """The four ways of an event, each with the rows behind its number."""

    def runs(outcome: str) -> str:
        return with_query(nav.address("console:runs"), {"outcome": outcome, "since": period.key})

    again = with_query(nav.address("console:duplicates"), {"period": period.key})
    ways = (
        ("Straight through", "good", counted.straight, runs("straight")),
        ("Recovered by retry", "info", counted.recovered, runs("recovered")),
        ("Duplicate, stopped", "plum", counted.duplicates, again),
        ("Needs a person", "bad", counted.person, runs("person")),
    )
    return [{"title": t, "kind": k, "count": n, "url": url} for t, k, n, url in ways]


def _rows(waiting: Waiting) -> list[dict[str, Any]]:
    titles = _titles(waiting)
    return [_row(cause, titles) for cause in waiting.causes]


def _row(cause: Cause, titles: dict[str, str]) -> dict[str, Any]:
    first = cause.first
    group = {"reason": first.reason, "contract": first.contract}
    return {
        "cause": cause,
        "severity": {"critical": "bad", "high": "high"}.get(first.risk, "warn"),
        "list_url": with_query(nav.address("console:handoffs"), group),
        "open_url": nav.address("console:handoff", first.pk),
        "runbook": titles.get(first.runbook, "") or f"Open {first.reference}",
        "several": len(cause.handoffs) > 1,
    }


def _titles(waiting: Waiting) -> dict[str, str]:
    """The titles of the runbooks that are offered, by name."""
    names = {cause.first.runbook for cause in waiting.causes if cause.first.runbook}
    rows = RunbookVersion.objects.filter(state="published", name__in=names)
    found = documents.newest_of(RunbookVersion, rows) if names else []
    return {row.name: row.title or str(row.body.get("title", "")) for row in found}


def _shown(one: Objective) -> dict[str, Any]:
    left = one.budget_left
    return {
        "objective": one,
        "left": max(float(left), 0.0) if left is not None else None,
        "days": [_day_kind(day, one.target) for day in one.days],
    }


def _day_kind(day: Score, target: Decimal) -> str:
    """Green within the objective, yellow outside it, red where a tenth or more went wrong."""
    if not day.total:
        return ""
    if day.keeps(target):
        return "good"
    return "bad" if day.bad * 10 >= day.total else "warn"


def _latest(request: ConsoleRequest) -> list[dict[str, Any]]:
    """The newest presses of buttons, with what has come of them."""
    rows = Intervention.objects.select_related("actor").order_by("-pk")[:LATEST]
    return [
        {
            "story": story,
            "who": "You" if story.press.actor_id == request.user.pk else story.who,
            "did": _DID.get(story.press.action, "pressed"),
            "action": ACTIONS[story.press.action].title
            if story.press.action in ACTIONS
            else story.press.action,
            "url": nav.address("console:press", story.press.pk),
        }
        for story in presses.stories_of(rows)
    ]


_DID = {
    "flow.replay": "replayed",
    "flow.retry_step": "tried a step again on",
    "flow.backfill": "started a backfill for",
    "escalate": "escalated",
    "flow.resolve_by_hand": "resolved by hand",
    "flow.cancel": "cancelled a run of",
}


def _known(series: Sequence[float | int | None]) -> list[float | int | None]:
    """A series from its first known value on: what was not known was not zero."""
    first = next((n for n, value in enumerate(series) if value is not None), len(series))
    return list(series[first:])


def _address(period: Period, **more: str) -> str:
    return with_query(reverse("console:today"), {"period": period.key, **more})


def _next_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0) + periods.MINUTE
