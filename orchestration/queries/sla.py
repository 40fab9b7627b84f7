"""Promises to customers: kept, broken and why, running and at risk; by the definitions of managers.

A promise counts where it was decided: a kept one when it was stopped, a broken one when its time
was up. Cancelled ones are left out, and so are those that are paused or still run in time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import TruncDay

from contracts_app.queries import documents
from contracts_app.rules.business_time import Pause, elapsed
from meshline.core.money import Totals
from orchestration.models import Handoff, HandoffState, SlaTimer, TimerAlarm, TimerState
from orchestration.queries.today import owners_of
from orchestration.rules.attainment import RISK_SHARE, Score, quantile
from orchestration.rules.periods import Period

PAGE = 50
MOST = 10_000
DEPTHS = 500
REPLIES = ("first_reply", "next_reply")
RISK_LEVEL = 75


@dataclass(frozen=True)
class Wanted:
    """Which promises: filters as they stand in the address; empty is any."""

    metric: str = ""
    contract: str = ""
    why: str = ""

    def apply(self, rows: QuerySet[SlaTimer]) -> QuerySet[SlaTimer]:
        """Keep the rows that fit."""
        for name in ("metric", "contract"):
            value = getattr(self, name)
            if value:
                rows = rows.filter(**{name: value})
        return rows


@dataclass
class Line:
    """One kind of promise of one contract."""

    metric: str
    title: str
    contract: str
    score: Score = field(default_factory=Score)
    running: int = 0
    paused: int = 0
    at_risk: int = 0
    depth_p50: timedelta | None = None
    depth_p90: timedelta | None = None


@dataclass
class Row:
    """One promise to one customer. Units: `used` and `late` are open time, pauses left out."""

    timer: SlaTimer
    used: timedelta
    owner: str = ""
    handoff: Handoff | None = None
    customer_name: str = ""

    @property
    def target(self) -> timedelta:
        """The time promised."""
        return timedelta(seconds=self.timer.target_s)

    @property
    def share(self) -> float:
        """Which share of the target is used, 1 at most."""
        return round(min(self.used / self.target, 1.0), 2) if self.target else 1.0

    @property
    def late(self) -> timedelta:
        """By how much open time it was missed; zero if it was kept."""
        return max(self.used - self.target, timedelta(0))

    @property
    def kind(self) -> str:
        """Its colour: less than a quarter left is bad, half high, three quarters warn."""
        for share, kind in ((0.75, "bad"), (0.5, "high"), (0.25, "warn")):
            if self.share > share:
                return kind
        return "good"

    @property
    def why(self) -> str:
        """What it waited for, or waits for."""
        return cause_of(self.timer)


@dataclass(frozen=True)
class Harm:
    """Whom broken promises hurt: how many customers, and which money was at stake."""

    customers: int = 0
    money: Totals = field(default_factory=Totals)


def kept(period: Period, wanted: Wanted) -> QuerySet[SlaTimer]:
    """Promises kept in the period."""
    rows = SlaTimer.objects.filter(state=TimerState.MET)
    return wanted.apply(rows.filter(stopped_at__gte=period.start, stopped_at__lt=period.end))


def broken(period: Period, wanted: Wanted) -> QuerySet[SlaTimer]:
    """Promises broken in the period, those stopped since then included."""
    rows = SlaTimer.objects.filter(state=TimerState.BREACHED)
    rows = wanted.apply(rows.filter(breached_at__gte=period.start, breached_at__lt=period.end))
    if not wanted.why:
        return rows
    if wanted.why in NO_CAUSE:
        replies = Q(metric__in=REPLIES)
        return rows.filter(replies if wanted.why == NO_CAUSE[0] else ~replies, why="")
    return rows.filter(why=wanted.why)


def lines(period: Period, wanted: Wanted) -> list[Line]:
    """Return every kind of promise with its score; those that broke most often first."""
    found: dict[tuple[str, str], Line] = {}

    def line(row: dict[str, Any]) -> Line:
        key = (row["metric"], row["contract"])
        fresh = Line(row["metric"], row["title"] or row["metric"], row["contract"])
        return found.setdefault(key, fresh)

    group = ("metric", "contract", "title")
    for row in kept(period, wanted).order_by().values(*group).annotate(n=Count("pk")):
        line(row).score += Score(good=row["n"])
    for row in broken(period, wanted).order_by().values(*group).annotate(n=Count("pk")):
        line(row).score += Score(bad=row["n"])
    alive = wanted.apply(SlaTimer.objects.filter(state__in=[TimerState.RUNNING, TimerState.PAUSED]))
    counted = alive.annotate(risk=at_risk(period.end)).order_by().values(*group)
    for row in counted.annotate(
        running=Count("pk", filter=Q(state=TimerState.RUNNING)),
        paused=Count("pk", filter=Q(state=TimerState.PAUSED)),
        at_risk=Count("pk", filter=Q(state=TimerState.RUNNING, risk=True)),
    ):
        one = line(row)
        one.running, one.paused = one.running + row["running"], one.paused + row["paused"]
        one.at_risk += row["at_risk"]
    _add_depths(found, broken(period, wanted), now=period.end)
    return sorted(found.values(), key=lambda one: (-one.score.bad, one.metric, one.contract))


def whys(period: Period, wanted: Wanted) -> list[tuple[str, int]]:
    """Return why promises broke, most frequent first."""
    rows = broken(period, wanted).order_by().values_list("metric", "why")
    found: dict[str, int] = {}
    for metric, why, count in rows.annotate(n=Count("pk")).values_list("metric", "why", "n"):
        words = why or _no_cause(metric)
        found[words] = found.get(words, 0) + count
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


def daily(period: Period, wanted: Wanted) -> dict[str, list[Score]]:
    """Return each metric's score day by day, as many as the period has days."""
    days = [edge.astimezone(period.zone).date() for edge in period.day_edges()[:-1]]
    found: dict[str, list[Score]] = {}
    for rows, at, good in (
        (kept(period, wanted), "stopped_at", True),
        (broken(period, wanted), "breached_at", False),
    ):
        by_day = rows.order_by().annotate(day=TruncDay(at, tzinfo=period.zone))
        counted = by_day.values("metric", "day").annotate(n=Count("pk"))
        for row in counted.values_list("metric", "day", "n"):
            metric, day, count = row
            scores = found.setdefault(metric, [Score()] * len(days))
            index = days.index(day.astimezone(period.zone).date())
            scores[index] += Score(count, 0) if good else Score(0, count)
    return found


def harm(period: Period, wanted: Wanted) -> Harm:
    """Return whom the broken promises hurt; a ticket's money counts once."""
    rows = broken(period, wanted).order_by("pk")[:MOST]
    columns = ("ticket", "customer", "amount_minor", "currency")
    listed = list(rows.values_list(*columns))
    money = {ticket: (amount, code) for ticket, _, amount, code in listed if amount is not None}
    known = {ticket: customer for ticket, customer, _, _ in listed if customer}
    whom = {known.get(ticket, ticket) for ticket, _, _, _ in listed}
    return Harm(len(whom), Totals.of(money.values()))


def broken_rows(
    period: Period, wanted: Wanted, *, before: int | None = None, limit: int = PAGE
) -> list[Row]:
    """Return the newest broken promises with whom they hurt and who answers for it."""
    rows = broken(period, wanted).order_by("-pk")
    return _rows(rows.filter(pk__lt=before) if before else rows, now=period.end, limit=limit)


def running_rows(
    wanted: Wanted, *, now: datetime, risky: bool = False, limit: int = 8
) -> list[Row]:
    """Return the running promises, the next to break first."""
    rows = wanted.apply(SlaTimer.objects.filter(state=TimerState.RUNNING))
    if risky:
        rows = rows.filter(at_risk(now))
    return _rows(rows.order_by("due_at", "pk"), now=now, limit=limit)


def all_rows(period: Period, wanted: Wanted) -> list[Row]:
    """Return every promise that was decided in the period or still runs, for a file."""
    alive = SlaTimer.objects.filter(state__in=[TimerState.RUNNING, TimerState.PAUSED])
    others = [kept(period, wanted), wanted.apply(alive)]
    listed: list[Row] = []
    for rows in [broken(period, wanted), *([] if wanted.why else others)]:
        listed += _rows(rows.order_by("-pk"), now=period.end, limit=MOST - len(listed))
    return listed


def noticed_within(period: Period, wanted: Wanted) -> timedelta | None:
    """Return the 99th percentile of how late a broken promise was noticed; None of none."""
    rows = broken(period, wanted).exclude(breach_detected_at=None).order_by("-pk")[:MOST]
    pairs = rows.values_list("breached_at", "breach_detected_at")
    return quantile([seen - at for at, seen in pairs if at and seen], 0.99)


def at_risk(now: datetime) -> Q:
    """A running promise of which three quarters are used.

    Its alarm at 75 % knows in open time; the wall's time left is never less than the open one, so
    it may be asked as well where a policy has no such alarm.
    """
    warned = TimerAlarm.objects.filter(
        timer=OuterRef("pk"),
        generation=OuterRef("generation"),
        level__gte=RISK_LEVEL,
        fired_at__isnull=False,
    )
    left = ExpressionWrapper(
        F("target_s") * Value(float(RISK_SHARE)) * Value(timedelta(seconds=1)),
        output_field=DurationField(),
    )
    return Q(Exists(warned)) | Q(due_at__lt=Value(now) + left)


NO_CAUSE = ("Nobody answered in time", "Not done in time")


def cause_of(timer: SlaTimer) -> str:
    """Return why a promise broke, in words; where no run was stuck, what was not done."""
    return timer.why or _no_cause(timer.metric)


def _no_cause(metric: str) -> str:
    return NO_CAUSE[0] if metric in REPLIES else NO_CAUSE[1]


def _rows(timers: QuerySet[SlaTimer], *, now: datetime, limit: int) -> list[Row]:
    listed = list(timers.select_related("calendar").prefetch_related("pauses")[:limit])
    handoffs = _handoffs(timer.ticket for timer in listed)
    owners = owners_of(
        {timer.contract for timer in listed} | {one.contract for one in handoffs.values()}
    )
    names = _names(timer.ticket for timer in listed)
    return [_row(timer, handoffs.get(timer.ticket), owners, names, now) for timer in listed]


def _row(
    timer: SlaTimer,
    handoff: Handoff | None,
    owners: dict[str, str],
    names: dict[str, str],
    now: datetime,
) -> Row:
    used = used_time(timer, until=timer.stopped_at or now)
    contract = handoff.contract if handoff else timer.contract
    person = handoff.claimed_by if handoff else None
    holder = (person.get_full_name() or person.get_username()) if person else ""
    name = timer.customer_name or names.get(timer.ticket, "")
    return Row(timer, used, holder or owners.get(contract, ""), handoff, name)


def used_time(timer: SlaTimer, *, until: datetime) -> timedelta:
    """Return the open, unpaused time that a promise has used up to `until`."""
    pauses = [Pause(pause.started_at, pause.ended_at) for pause in timer.pauses.all()]
    calendar = documents.calendar_of(timer.calendar)
    return elapsed(timer.started_at, calendar, pauses, until=max(until, timer.started_at))


def _names(tickets: Iterable[str]) -> dict[str, str]:
    """Return the customers' names by ticket, as any promise to the ticket knows them."""
    rows = SlaTimer.objects.filter(ticket__in=set(tickets)).exclude(customer_name="")
    return dict(rows.order_by("pk").values_list("ticket", "customer_name"))


def _handoffs(tickets: Iterable[str]) -> dict[str, Handoff]:
    """Return the newest handoff of each ticket that is not resolved."""
    rows = Handoff.objects.filter(ticket__in=set(tickets)).exclude(state=HandoffState.RESOLVED)
    return {row.ticket: row for row in rows.select_related("claimed_by").order_by("pk")}


def _add_depths(
    found: dict[tuple[str, str], Line], rows: QuerySet[SlaTimer], *, now: datetime
) -> None:
    """Say how deep the newest broken promises went, by kind."""
    depths: dict[tuple[str, str], list[timedelta]] = {}
    timers = rows.select_related("calendar").prefetch_related("pauses").order_by("-pk")[:DEPTHS]
    for timer in timers:
        used = used_time(timer, until=timer.stopped_at or now)
        over = max(used - timedelta(seconds=timer.target_s), timedelta(0))
        depths.setdefault((timer.metric, timer.contract), []).append(over)
    for key, spans in depths.items():
        if key in found:
            found[key].depth_p50 = quantile(spans, 0.5)
            found[key].depth_p90 = quantile(spans, 0.9)


def total_of(listed: Sequence[Line]) -> Score:
    """Return the score of all lines together."""
    return sum((line.score for line in listed), Score())
