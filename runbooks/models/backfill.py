"""Backfills: a frozen list of events whose flow runs again, at a pace."""

from __future__ import annotations

from django.db import models

from runbooks.models.intervention import Intervention


class Backfill(models.Model):
    """One backfill: what was asked, how far it is."""

    title = models.CharField(max_length=200)
    contract = models.CharField(max_length=120)
    flow = models.CharField(max_length=80)
    ticket = models.CharField(max_length=80)
    intervention = models.OneToOneField(Intervention, on_delete=models.PROTECT)
    state = models.CharField(
        max_length=10,
        choices=[
            ("running", "Running"),
            ("paused", "Paused"),
            ("done", "Done"),
            ("stopped", "Stopped"),
        ],
        default="running",
    )
    per_second = models.PositiveSmallIntegerField(default=10)
    total = models.PositiveIntegerField()
    wake_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["wake_at"], name="backfill_due", condition=models.Q(state="running")
            )
        ]

    def __str__(self) -> str:
        return f"BF-{self.pk} {self.title}"

    @property
    def reference(self) -> str:
        """Short name: BF-3."""
        return f"BF-{self.pk}"


class BackfillItem(models.Model):
    """One event of a backfill's frozen list."""

    backfill = models.ForeignKey(Backfill, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    event_id = models.UUIDField()
    handoff_id = models.BigIntegerField(null=True)
    ticket = models.CharField(max_length=80, blank=True)
    run_id = models.UUIDField(null=True, help_text="Empty: not started yet.")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["backfill", "event_id"], name="backfill_item_once")
        ]

    def __str__(self) -> str:
        return f"BF-{self.backfill_id} {self.position}"
