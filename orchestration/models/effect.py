"""The ledger: every change outside, at most once."""

from __future__ import annotations

from django.db import models


class EffectState(models.TextChoices):
    """What is known of an effect."""

    INTENT = "intent", "Intended"
    DONE = "done", "Done once"
    REFUSED = "refused", "Refused"
    UNKNOWN = "unknown", "Unknown"


class Effect(models.Model):
    """One outside change; (scope, key) is unique and the key travels to the vendor."""

    scope = models.CharField(max_length=80, help_text="System and operation: billing.create_refund")
    key = models.CharField(max_length=160, help_text="Sent to the vendor as its idempotency key")
    event_id = models.UUIDField()
    run_id = models.UUIDField(help_text="The run that reserved it first.")
    last_run_id = models.UUIDField(help_text="The run that touched it last.")
    path = models.CharField(max_length=120)
    flow = models.CharField(max_length=80)
    contract = models.CharField(max_length=120)
    ticket = models.CharField(max_length=80, blank=True)
    digest = models.CharField(max_length=64, help_text="Of the canonical arguments.")
    request = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=EffectState.choices, default=EffectState.INTENT)
    result = models.JSONField(null=True)
    adopted = models.BooleanField(default=False, help_text="Found done by other hands.")
    attempts = models.PositiveIntegerField(default=0)
    reused = models.PositiveIntegerField(default=0, help_text="Times a later run took the result.")
    last_error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="effect_once")]
        indexes = [
            models.Index(fields=["event_id"], name="effect_event"),
            models.Index(fields=["ticket", "-id"], name="effect_ticket"),
            models.Index(
                fields=["id"], name="effect_open", condition=models.Q(state__in=["unknown"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.key} {self.state}"
