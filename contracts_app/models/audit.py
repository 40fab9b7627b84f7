"""The audit log: append-only by database trigger, partitioned by month."""

from __future__ import annotations

from django.db import models


class AuditEntry(models.Model):
    """One thing that somebody or the engine did; never changed, never deleted."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="UUIDv7 of `at`.")
    at = models.DateTimeField(help_text="The database's time.")
    actor = models.CharField(max_length=150, help_text="User name, `engine`, `key:<id>`, …")
    role = models.CharField(max_length=40, blank=True)
    action = models.CharField(max_length=60, help_text="flow.replay")
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=80)
    contract = models.CharField(max_length=120, blank=True)
    contract_version = models.CharField(max_length=32, blank=True)
    ticket = models.CharField(max_length=80, blank=True)
    run_id = models.UUIDField(null=True, blank=True)
    reason = models.CharField(max_length=1000, blank=True)
    before = models.CharField(max_length=64, blank=True, help_text="Digest before.")
    after = models.CharField(max_length=64, blank=True, help_text="Digest after.")
    detail = models.JSONField(default=dict, blank=True)
    address = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=36, blank=True)

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["ticket", "-id"], name="audit_ticket"),
            models.Index(fields=["contract", "-id"], name="audit_contract"),
            models.Index(fields=["actor", "-id"], name="audit_actor"),
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["run_id", "-id"], name="audit_run"),
            models.Index(fields=["object_type", "object_id", "-id"], name="audit_object"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor} {self.action}"
