"""Sign-offs that are asked for: whom they wait for, and how long one counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Exists, F, Max, OuterRef, Q, Subquery

from contracts_app.models import ContractState, Ownership, SignOff, SignOffAsk
from contracts_app.queries.people import owners_of, roles_of, stood_in_for
from contracts_app.rules.signoff import ACCOUNT_ROLE, title_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from contracts_app.models import ContractVersion

MOST = 50


@dataclass(frozen=True)
class WaitingSignOff:
    """One signature that waits for a person; `ran_out_at` where it was given and counts no more."""

    version: ContractVersion
    role: str
    verdict: str
    why: str
    asked_at: datetime
    as_deputy: bool
    ran_out_at: datetime | None = None

    @property
    def title(self) -> str:
        """The role in words."""
        return title_of(self.role)


def lifetime() -> timedelta:
    """Return how long a sign-off counts; set as MESHLINE_SIGNOFF_DAYS."""
    return timedelta(days=settings.SIGNOFF_DAYS)


def waiting_for(user: AbstractBaseUser, *, now: datetime) -> list[WaitingSignOff]:
    """Return the sign-offs that only this person, or whom they stand in for, still has to give.

    Read from what was asked when each version was proposed: nothing is judged here, and only
    versions in review are looked at. Four small queries, two for who owns nothing.
    """
    own, deputised = owners_of(user), stood_in_for(user)
    mine = own | deputised
    if not mine:
        return []
    held = roles_of(user)
    signing = [role for role, account in ACCOUNT_ROLE.items() if account in held]
    seat = Ownership.objects.filter(contract=OuterRef("version__contract"), role=OuterRef("role"))
    given = SignOff.objects.filter(
        version=OuterRef("version"), role=OuterRef("role"), digest=OuterRef("digest")
    )
    counts = given.filter(Q(verdict="no") | Q(signed_at__gt=now - lifetime()))
    last = given.values("version").annotate(at=Max("signed_at")).values("at")
    rows = (
        SignOffAsk.objects.filter(
            Q(role__in=signing) | Q(role__startswith="consumer:"),
            version__state=ContractState.IN_REVIEW,
            digest=F("version__digest"),
        )
        .annotate(owner=Subquery(seat.values("owner__name")[:1]), signed=Subquery(last))
        .filter(Q(owner__in=mine) | Q(owner=None, team__in=mine))
        .exclude(Exists(counts))
        .select_related("version__contract")
        .defer("version__text", "version__body")
    )
    return [
        WaitingSignOff(
            version=row.version,
            role=row.role,
            verdict=row.verdict,
            why=row.why,
            asked_at=row.asked_at,
            as_deputy=(row.owner or row.team) not in own,
            ran_out_at=row.signed + lifetime() if row.signed else None,
        )
        for row in rows[:MOST]
    ]
