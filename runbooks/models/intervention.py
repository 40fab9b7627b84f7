"""Interventions: one press of a button, who, why, and what came of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Intervention(models.Model):
    """One manual action, tied to a ticket, a contract and a reason."""

    action = models.CharField(max_length=40, help_text="flow.replay, flow.backfill, escalate, …")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="interventions"
    )
    ticket = models.CharField(max_length=80)
    contract = models.CharField(max_length=120)
    contract_version = models.CharField(max_length=32, blank=True)
    reason = models.CharField(max_length=1000)
    handoff_id = models.BigIntegerField(null=True)
    generation = models.PositiveIntegerField(default=0, help_text="Of the handoff, when pressed.")
    press_key = models.CharField(
        max_length=80, unique=True, help_text="Two presses under one key make one action."
    )
    run_id = models.UUIDField(null=True, help_text="The run that was acted on.")
    result_run_id = models.UUIDField(null=True, help_text="The run that it started or woke.")
    values = models.JSONField(default=dict, help_text="The form's other values.")
    result = models.CharField(max_length=1000, blank=True)
    pressed_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(ticket="") & ~models.Q(reason="") & ~models.Q(contract=""),
                name="intervention_says_why",
            )
        ]
        indexes = [
            models.Index(fields=["ticket", "-id"], name="intervention_ticket"),
            models.Index(fields=["handoff_id"], name="intervention_handoff"),
            models.Index(fields=["result_run_id"], name="intervention_result_run"),
            models.Index(fields=["-pressed_at"], name="intervention_pressed"),
        ]

    def __str__(self) -> str:
        who = self.actor.get_full_name() or self.actor.get_username()
        return f"{self.action} by {who} for {self.ticket}"
