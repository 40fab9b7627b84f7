"""Sources: where deliveries come in and how they are proved genuine."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Source(models.Model):
    """One way in for events; `text` is its `source/v1` document."""

    name = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120, blank=True)
    scheme = models.CharField(max_length=32, help_text="Signature scheme, or apikey, or internal.")
    on_violation = models.CharField(
        max_length=8, choices=[("reject", "Reject with 422"), ("hold", "Hold for a person")]
    )
    enabled = models.BooleanField(default=True)
    text = models.TextField(help_text="The source document (YAML 1.2 or JSON).")
    body = models.JSONField(default=dict, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.title or self.name
