"""Handoffs: work that automation gave to a person."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from contracts_app.models import RiskClass


class HandoffState(models.TextChoices):
    """Where a handoff stands."""

    OPEN = "open", "Needs a person"
    CLAIMED = "claimed", "Somebody has it"
    SNOOZED = "snoozed", "Snoozed"
    RESOLVED = "resolved", "Resolved"


class Handoff(models.Model):
    """One piece of trouble in front of people, with everything they need to act on it."""

    reason = models.CharField(max_length=60, help_text="callback_timeout, retries_exhausted, …")
    cause = models.CharField(max_length=200, help_text="One sentence: the heading of its group.")
    detail = models.CharField(max_length=1000, blank=True)
    state = models.CharField(max_length=10, choices=HandoffState.choices, default=HandoffState.OPEN)
    generation = models.PositiveIntegerField(default=1, help_text="Rises with every press.")
    risk = models.CharField(max_length=8, choices=RiskClass.choices, default=RiskClass.MEDIUM)
    run_id = models.UUIDField(null=True, help_text="The run that needs a person now.")
    event_id = models.UUIDField(null=True)
    held_event_id = models.UUIDField(null=True, help_text="Set when a held event is the trouble.")
    step = models.CharField(max_length=120, blank=True)
    flow = models.CharField(max_length=80, blank=True)
    contract = models.CharField(max_length=120)
    contract_version = models.CharField(max_length=32, blank=True)
    ticket = models.CharField(max_length=80, blank=True, help_text="Empty: none named yet.")
    customer = models.CharField(max_length=200, blank=True)
    customer_name = models.CharField(max_length=200, blank=True)
    order = models.CharField(max_length=80, blank=True)
    amount_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    promise_at = models.DateTimeField(null=True, help_text="The promise that breaks next.")
    runbook = models.CharField(max_length=80, blank=True)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=150, blank=True)
    resolution = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["run_id", "step", "reason"],
                condition=models.Q(run_id__isnull=False) & ~models.Q(state="resolved"),
                name="handoff_one_open",
            ),
            models.UniqueConstraint(
                fields=["held_event_id"],
                condition=models.Q(held_event_id__isnull=False) & ~models.Q(state="resolved"),
                name="handoff_one_per_held",
            ),
        ]
        indexes = [
            models.Index(
                fields=["promise_at", "id"],
                name="handoff_unresolved",
                condition=~models.Q(state="resolved"),
            ),
            models.Index(
                fields=["-resolved_at", "-id"],
                name="handoff_resolved",
                condition=models.Q(state="resolved"),
            ),
            models.Index(fields=["ticket", "-id"], name="handoff_ticket"),
            models.Index(fields=["run_id"], name="handoff_run"),
            models.Index(fields=["contract", "-id"], name="handoff_contract"),
        ]

    def __str__(self) -> str:
        return f"H-{self.pk} {self.reason}"

    @property
    def reference(self) -> str:
        """Short name that people say to each other: H-12."""
        return f"H-{self.pk}"

    @property
    def explanation(self) -> str:
        """What is known beside the cause, in a sentence; empty if it is only the reason's code."""
        return "" if self.detail == self.reason else self.detail
