"""Events that a temporary tolerance let through."""

from __future__ import annotations

from django.db import models

from contracts_app.models import TemporaryTolerance


class ToleratedEvent(models.Model):
    """The mark of one event: which tolerance let it through, and where it departs; no contents."""

    event_id = models.UUIDField()
    tolerance = models.ForeignKey(
        TemporaryTolerance, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    departures = models.JSONField(help_text="[path, rule]")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event_id", "tolerance"], name="tolerated_event_once")
        ]
        indexes = [models.Index(fields=["tolerance", "-id"], name="tolerated_by")]

    def __str__(self) -> str:
        return f"{self.event_id} by T-{self.tolerance_id}"
