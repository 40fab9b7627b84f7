"""What Meshline itself says it has done, to be held against the books of the other systems."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Sum

from orchestration.models import Effect, EffectState, Tally
from orchestration.queries.health import overdue_runs

REFUND = "billing.create_refund"
MAIL = "mail.send"
ONCE = (REFUND, "billing.cancel_subscription", MAIL)
REFUND_ASKED = "support.refund.requested"


@dataclass(frozen=True)
class Claims:
    """Counts since the beginning. `lost`: refused deliveries and forgotten runs."""

    refunds_asked: int
    refunds_made: int
    duplicates_stopped: int
    mails: int
    lost: int
    doubled: int


def claims(*, staff: Iterable[str], now: datetime) -> Claims:
    """Return what ledger and tallies say; mails to `staff` (addresses) are not to customers.

    Meant for the demo, whose ledger is small.
    """
    done = Effect.objects.filter(state=EffectState.DONE).order_by()
    mails = done.filter(scope=MAIL).values_list("request__to", flat=True)
    ours = {address.casefold() for address in staff}
    return Claims(
        refunds_asked=_tallied("received", contract=REFUND_ASKED),
        refunds_made=done.filter(scope=REFUND).count(),
        duplicates_stopped=_tallied("duplicate"),
        mails=sum(str(to).casefold() not in ours for to in mails),
        lost=_tallied("rejected") + overdue_runs(now),
        doubled=_doubled(),
    )


def _tallied(metric: str, **of: str) -> int:
    rows = Tally.objects.filter(metric=metric, **of)
    return int(rows.aggregate(n=Sum("count"))["n"] or 0)


def _doubled(scopes: Iterable[str] = ONCE) -> int:
    """The same thing asked of the same system under two keys, and done both times."""
    rows = Effect.objects.filter(scope__in=list(scopes), state=EffectState.DONE).order_by()
    groups = rows.values("scope", "digest").annotate(times=Count("pk")).filter(times__gt=1)
    return int(groups.aggregate(n=Sum(F("times") - 1))["n"] or 0)
