"""Counts per minute, and signs of life of the processes."""

from __future__ import annotations

from django.db import models


class Tally(models.Model):
    """How often something happened in one minute; shards keep writers apart."""

    minute = models.DateTimeField()
    metric = models.CharField(max_length=24, help_text="received, duplicate, straight, …")
    contract = models.CharField(max_length=120, blank=True)
    source = models.CharField(max_length=60, blank=True)
    flow = models.CharField(max_length=80, blank=True)
    shard = models.PositiveSmallIntegerField(default=0)
    count = models.BigIntegerField(default=0)
    total_ms = models.BigIntegerField(default=0, help_text="Sum of durations, where one is told.")

    class Meta:
        verbose_name_plural = "tallies"
        constraints = [
            models.UniqueConstraint(
                fields=["minute", "metric", "contract", "source", "flow", "shard"],
                name="tally_once",
            )
        ]
        indexes = [models.Index(fields=["metric", "minute"], name="tally_metric")]

    def __str__(self) -> str:
        return f"{self.minute:%H:%M} {self.metric} {self.count}"


class Heartbeat(models.Model):
    """The last sign of life of a worker, the sweeper or beat."""

    name = models.CharField(primary_key=True, max_length=120)
    kind = models.CharField(max_length=20)
    at = models.DateTimeField()
    skew_ms = models.IntegerField(default=0, help_text="Its wall clock less the database's.")
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
