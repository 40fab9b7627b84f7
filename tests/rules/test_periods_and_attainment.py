"""Periods cut at the reader's midnight, shares without data, budgets, and lock-outs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from meshline.core.zones import zone
from orchestration.rules.attainment import Score, percent, quantile
from orchestration.rules.periods import buckets, period_of
from runbooks.rules.lockout import standing

BERLIN = zone("Europe/Berlin")
NOON = datetime(2026, 11, 23, 11, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_today_begins_at_the_readers_midnight() -> None:
    assert period_of("today", now=NOON, zone=BERLIN).start == datetime(2026, 11, 22, 23, tzinfo=UTC)


def test_seven_days_hold_today_and_the_six_before() -> None:
    period = period_of("7d", now=NOON, zone=BERLIN)

    assert period.start == datetime(2026, 11, 16, 23, tzinfo=UTC)
    assert len(period.day_edges()) == 8


def test_day_of_the_clock_change_has_twenty_five_hours() -> None:
    period = period_of("7d", now=datetime(2026, 10, 26, 12, tzinfo=UTC), zone=BERLIN)
    edges = period.day_edges()
    lengths = [later - earlier for earlier, later in pairwise(edges)]

    assert lengths.count(timedelta(hours=25)) == 1
    assert lengths.count(timedelta(hours=24)) == 6


def test_period_that_is_not_offered_gives_the_first_offered() -> None:
    assert period_of("90d", now=NOON, zone=BERLIN).key == "today"
    assert period_of("x", now=NOON, zone=BERLIN, offered=("28d", "7d")).key == "28d"


@pytest.mark.parametrize(
    ("since", "step"),
    [
        (timedelta(minutes=2), MINUTE),
        (timedelta(minutes=40), 2 * MINUTE),
        (timedelta(hours=11), 30 * MINUTE),
    ],
)
def test_slices_are_short_when_little_time_has_passed(since: timedelta, step: timedelta) -> None:
    period = period_of("today", now=NOON, zone=BERLIN)
    found = buckets(period, since=NOON - since)
    edges = found.edges()

    assert found.step == step
    assert 8 <= found.count <= 31
    assert edges[0] >= period.start
    assert edges[-2] <= NOON < edges[-1]


def test_slices_right_after_midnight_do_not_reach_into_yesterday() -> None:
    now = datetime(2026, 11, 22, 23, 2, tzinfo=UTC)
    found = buckets(period_of("today", now=now, zone=BERLIN), since=None)

    assert found.edges()[0] == datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert found.edges()[-1] > now


def test_nothing_at_all_is_no_data_and_never_a_hundred_per_cent() -> None:
    nothing = Score()

    assert nothing.share is None
    assert nothing.keeps(Decimal("0.99")) is None
    assert nothing.budget_left(Decimal("0.99")) is None
    assert nothing.burn(Decimal("0.99")) is None
    assert percent(nothing.share) == "—"


@pytest.mark.parametrize(
    ("good", "bad", "shown"), [(99999, 1, "99.99"), (1, 0, "100"), (0, 3, "0"), (2, 1, "66.66")]
)
def test_share_is_rounded_down_so_that_a_hundred_means_all(good: int, bad: int, shown: str) -> None:
    assert percent(Score(good, bad).share) == shown


@pytest.mark.parametrize(
    ("good", "bad", "kept", "left"),
    [(999, 1, True, "0"), (998, 2, False, "-1"), (1000, 0, True, "1")],
)
def test_error_budget_is_exact(good: int, bad: int, kept: bool, left: str) -> None:
    score, objective = Score(good, bad), Decimal("0.999")

    assert score.keeps(objective) is kept
    assert score.budget_left(objective) == Decimal(left)


def test_burn_of_one_spends_the_budget_just_in_its_window() -> None:
    assert Score(990, 10).burn(Decimal("0.99")) == 1


def test_quantile_is_a_value_that_occurred() -> None:
    spans = [timedelta(seconds=n) for n in (5, 1, 3)]

    assert quantile(spans, 0.5) == timedelta(seconds=3)
    assert quantile(spans, 0.9) == timedelta(seconds=5)
    assert quantile([], 0.5) is None


@pytest.mark.parametrize(
    ("minutes_ago", "left"), [([], 5), ([1, 2], 3), ([1, 2, 3, 20], 2), ([16, 17, 18, 19, 20], 5)]
)
def test_only_refusals_of_the_last_quarter_of_an_hour_cost_tries(
    minutes_ago: list[int], left: int
) -> None:
    found = standing([NOON - n * MINUTE for n in minutes_ago], tries=5, now=NOON)

    assert (found.tries_left, found.locked) == (left, False)


def test_fifth_refusal_locks_for_a_quarter_of_an_hour_from_the_last() -> None:
    refusals = [NOON - n * MINUTE for n in (1, 2, 3, 4, 5)]

    assert standing(refusals, tries=5, now=NOON).locked_until == NOON + 14 * MINUTE
