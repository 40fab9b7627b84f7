"""A temporary tolerance: what a contract lets through for some hours after a vendor's change."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models

from contracts_app.models.contract import Contract
from contracts_app.rules.temporary_tolerance import CONFIRM_WITHIN, LONGEST, Allowance


class TemporaryTolerance(models.Model):
    """Named departures that are let through until an end; two people open one, it ends by itself.

    `allowances` are pairs of path and rule; nothing of it changes after it was asked for.
    """

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="tolerances")
    allowances = models.JSONField(help_text="[path, rule]")
    digest = models.CharField(max_length=64)
    reason = models.CharField(max_length=500)
    ticket = models.CharField(max_length=80)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, help_text="Ended early, or taken back.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(confirmed_by=None)
                | ~models.Q(confirmed_by=models.F("asked_by")),
                name="tolerance_two_people",
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("asked_at"))
                & models.Q(ends_at__lte=models.F("asked_at") + LONGEST),
                name="tolerance_bounded",
            ),
        ]
        indexes = [
            models.Index(fields=["contract", "-id"], name="tolerance_of_contract"),
            models.Index(
                fields=["contract", "ends_at"],
                name="tolerance_confirmed",
                condition=models.Q(confirmed_at__isnull=False, ended_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"T-{self.pk}"

    @property
    def allowed(self) -> tuple[Allowance, ...]:
        """What it lets through."""
        return tuple(Allowance(path, rule) for path, rule in self.allowances)

    @property
    def confirm_by(self) -> datetime:
        """Until when it can be confirmed."""
        return min(self.ends_at, self.asked_at + CONFIRM_WITHIN)

    @property
    def hours(self) -> int:
        """For how many hours it was asked."""
        return round((self.ends_at - self.asked_at) / timedelta(hours=1))

    def state_at(self, now: datetime) -> str:
        """Return "asked", "runs", "ended", "taken back" or "ran out" (nobody confirmed it)."""
        if self.confirmed_at is None:
            if self.ended_at is not None:
                return "taken back"
            return "asked" if now < self.confirm_by else "ran out"
        return "ended" if self.ended_at is not None or now >= self.ends_at else "runs"
