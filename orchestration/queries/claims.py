"""What Meshline itself says it has done, to be held against the books of the other systems."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from orchestration.models import Effect, EffectState, Expectation, Run, RunState, Tally
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
        refunds_made=_confirmed(done.filter(scope=REFUND)),
        duplicates_stopped=_tallied("duplicate"),
        mails=sum(str(to).casefold() not in ours for to in mails),
        lost=_tallied("rejected") + overdue_runs(now),
        doubled=_doubled(),
    )


def _confirmed(effects: QuerySet[Effect]) -> int:
    """Those that the other system has acknowledged, or was found to have done; no mere answer."""
    heard = Expectation.objects.filter(run_id=OuterRef("last_run_id"), state="consumed")
    ended = Run.objects.filter(pk=OuterRef("last_run_id"), state=RunState.SUCCEEDED)
    return effects.filter(Q(Exists(heard)) | Q(Exists(ended))).count()


def _tallied(metric: str, **of: str) -> int:
    rows = Tally.objects.filter(metric=metric, **of)
    return int(rows.aggregate(n=Sum("count"))["n"] or 0)


def _doubled(scopes: Iterable[str] = ONCE) -> int:
    """The same thing asked of the same system under two keys, and done both times."""
    rows = Effect.objects.filter(scope__in=list(scopes), state=EffectState.DONE).order_by()
    groups = rows.values("scope", "digest").annotate(times=Count("pk")).filter(times__gt=1)
    return int(groups.aggregate(n=Sum(F("times") - 1))["n"] or 0)
