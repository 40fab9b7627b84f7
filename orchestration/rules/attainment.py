"""What was promised and what was kept: shares, error budgets and burn, exact; no data is None."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal

RISK_SHARE = Decimal("0.25")


@dataclass(frozen=True)
class Score:
    """How many were good and bad. Nothing at all is "no data", never 100 %."""

    good: int = 0
    bad: int = 0

    @property
    def total(self) -> int:
        """Everything that was judged."""
        return self.good + self.bad

    @property
    def share(self) -> Decimal | None:
        """The good ones' share, 0…1; None without data."""
        return Decimal(self.good) / self.total if self.total else None

    def __add__(self, other: Score) -> Score:
        return Score(self.good + other.good, self.bad + other.bad)

    def keeps(self, objective: Decimal) -> bool | None:
        """Say whether the share reaches the objective; None without data."""
        return None if not self.total else self.good >= objective * self.total

    def budget_left(self, objective: Decimal) -> Decimal | None:
        """Return 1 - bad / ((1 - objective) * total): 1 untouched, 0 spent, below 0 overspent."""
        allowed = (1 - objective) * self.total
        return 1 - self.bad / allowed if allowed else None

    def burn(self, objective: Decimal) -> Decimal | None:
        """Return how many times faster than allowed the budget is spent; None without data."""
        allowed = (1 - objective) * self.total
        return self.bad / allowed if allowed else None


def percent(share: Decimal | None, *, places: int = 2) -> str:
    """Show a share as "99.71"; rounded down, so that 100 means all of them. None is a dash."""
    if share is None:
        return "—"
    if share in (0, 1):
        return str(int(share * 100))
    shown = (share * 100).quantize(Decimal(1).scaleb(-places), rounding=ROUND_FLOOR)
    return f"{shown:f}"


def quantile(spans: Sequence[timedelta], share: float) -> timedelta | None:
    """Return the smallest span that at least `share` of them do not exceed; None of none."""
    if not spans:
        return None
    ordered = sorted(spans)
    rank = -(-len(ordered) * round(share * 100) // 100)
    return ordered[max(rank, 1) - 1]
