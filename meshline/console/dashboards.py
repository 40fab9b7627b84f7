"""The SLA dashboard: promises kept and broken, why, whom it hurt, and what runs next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from contracts_app.queries import clock
from meshline.console import access
from meshline.console.addresses import chips, with_query
from meshline.console.export import csv_answer
from meshline.console.polling import etagged
from meshline.console.today import exported_contracts, may_export, period_of, segments
from meshline.console.ui import plots
from orchestration.queries import sla
from orchestration.queries.sla import Line, Row, Wanted
from orchestration.rules.attainment import Score
from orchestration.rules.periods import TITLES, Period

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

OFFERED = ("28d", "today", "7d", "90d")
ORDER = ("today", "7d", "28d", "90d")
LABELS = {"metric": "Promise", "contract": "Contract", "why": "Why it broke"}
TIMERS, ALL_TIMERS = 8, 200
HEADER = (
    "ticket", "customer", "customer_name", "promise", "metric", "contract", "state", "started",
    "due", "stopped", "broken", "noticed", "target_s", "used_s", "late_s", "why", "amount_minor",
    "currency", "owner", "handoff",
)  # fmt: skip


@require_GET
@etagged
def dashboard(request: ConsoleRequest) -> HttpResponse:
    """The page, or its live part."""
    access.require_reader(request.user)
    template = "_board" if request.GET.get("partial") else "page"
    return render(request, f"console/sla/{template}.html", board(request))


@require_GET
def sla_csv(request: ConsoleRequest) -> HttpResponse:
    """Every promise decided in the period or still running, with the page's filters."""
    allowed = exported_contracts(request)
    period = period_of(request, OFFERED, clock.now())
    found = sla.all_rows(period, wanted_of(request))
    rows = [row for row in found if allowed is None or row.timer.contract in allowed]
    _veil(request, rows)
    day = period.end.astimezone(period.zone).date()
    cut = f"Only the first {sla.MOST} are here; choose a shorter period."
    return csv_answer(
        f"meshline-sla-{period.key}-{day}.csv",
        HEADER,
        [_cells(row) for row in rows],
        cut=cut if len(found) >= sla.MOST else "",
    )


def board(request: ConsoleRequest) -> dict[str, Any]:
    """What the page and its live part show."""
    period = period_of(request, OFFERED, clock.now())
    wanted = wanted_of(request)
    lines = sla.lines(period, wanted)
    before = request.GET.get("before", "")
    broken = sla.broken_rows(
        period, wanted, before=int(before) if before.isdecimal() and len(before) < 19 else None
    )
    every = request.GET.get("timers") == "all"
    running = sla.running_rows(wanted, now=period.end, limit=ALL_TIMERS if every else TIMERS)
    _veil(request, [*broken, *running])
    total = sla.total_of(lines)
    reasons = sla.whys(period, wanted)
    return {
        "now": period.end,
        "period": period,
        "wanted": wanted,
        "lines": [_line(line, request) for line in lines],
        "total": total,
        "at_risk": sum(line.at_risk for line in lines),
        "running_count": sum(line.running for line in lines),
        "paused_count": sum(line.paused for line in lines),
        "noticed": sla.noticed_within(period, wanted),
        "harm": sla.harm(period, wanted),
        "whys": [_why(request, row) for row in plots.shares(reasons)],
        "chart": _chart(period, wanted, lines),
        "broken": broken,
        "older_url": _here(request, before=str(broken[-1].timer.pk)) if _full(broken) else "",
        "running": running,
        "every": every,
        "may_export": may_export(request),
    } | _addresses(request, period)


def wanted_of(request: ConsoleRequest) -> Wanted:
    """Return the filters in the address."""
    return Wanted(**{name: request.GET.get(name, "")[:200] for name in LABELS})


def _addresses(request: ConsoleRequest, period: Period) -> dict[str, Any]:
    filters = {name: request.GET.get(name, "")[:200] for name in LABELS}
    shown = {option["title"]: option for option in segments(_here(request), period, OFFERED)}
    kept = {"period": period.key, **filters}
    return {
        "segments": [
            {**shown[title], "url": with_query(reverse("console:sla"), {"period": key, **filters})}
            for key, title in ((key, TITLES[key]) for key in ORDER)
        ],
        "chips": chips(reverse("console:sla"), {**filters, "period": period.key}, LABELS),
        "poll_url": _here(request, partial="board"),
        "csv_url": with_query(reverse("console:sla-csv"), kept),
        "all_url": _here(request, timers="all") + "#running",
        "here": _here(request),
    }


def _here(request: ConsoleRequest, **more: str) -> str:
    names = ("period", *LABELS, "timers", "before")
    kept = {name: request.GET.get(name, "")[:200] for name in names}
    return with_query(reverse("console:sla"), kept | more)


def _line(line: Line, request: ConsoleRequest) -> dict[str, Any]:
    narrowed = {"metric": line.metric, "contract": line.contract}
    return {"line": line, "url": _here(request, **narrowed)}


def _why(request: ConsoleRequest, row: tuple[str, int, float, str]) -> dict[str, Any]:
    label, count, share, kind = row
    return {
        "label": label,
        "count": count,
        "share": share,
        "kind": kind,
        "url": _here(request, why=label) + "#broken",
    }


def _chart(period: Period, wanted: Wanted, lines: Sequence[Line]) -> dict[str, Any] | None:
    """Attainment day by day, one line a kind of promise; None for a single day."""
    titles = {line.metric: line.title for line in lines}
    found = sla.daily(period, wanted)
    days = [edge.astimezone(period.zone) for edge in period.day_edges()[:-1]]
    series = [
        plots.Series(titles.get(metric, metric), [_per_cent(score) for score in scores])
        for metric, scores in sorted(found.items())
    ]
    if not series or sum(any(scores[n].total for scores in found.values())
                         for n in range(len(days))) < 2:  # fmt: skip
        return None
    return {"days": [f"{day.day} {day:%b}" for day in days], "series": series}


def _per_cent(score: Score) -> float | None:
    return float(score.share * 100) if score.share is not None else None


def _full(rows: Sequence[Row]) -> bool:
    return len(rows) >= sla.PAGE


def _veil(request: ConsoleRequest, rows: Sequence[Row]) -> None:
    access.veil(request.user, rows, {row.timer.pk: row.timer for row in rows}.values())


def _cells(row: Row) -> list[object]:
    timer = row.timer
    return [
        timer.ticket, timer.customer, row.customer_name, timer.title, timer.metric, timer.contract,
        timer.state, timer.started_at, timer.due_at, timer.stopped_at, timer.breached_at,
        timer.breach_detected_at, timer.target_s, round(row.used.total_seconds(), 3),
        round(row.late.total_seconds(), 3), row.why if timer.state == "breached" else "",
        timer.amount_minor, timer.currency, row.owner,
        row.handoff.reference if row.handoff else "",
    ]  # fmt: skip
