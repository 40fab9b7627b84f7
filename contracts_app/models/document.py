"""Shape shared by everything that is written as a document and published as versions."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class DocumentState(models.TextChoices):
    """Life of a flow, runbook, calendar, policy or rota version."""

    DRAFT = "draft", "Draft"
    PUBLISHED = "published", "Published"
    RETIRED = "retired", "Retired"


class VersionedDocument(models.Model):
    """One version of a named document; its text is frozen by a trigger once it is published."""

    name = models.CharField(max_length=80)
    number = models.PositiveIntegerField(help_text="Rises by one with each version.")
    title = models.CharField(max_length=200, blank=True)
    state = models.CharField(
        max_length=12, choices=DocumentState.choices, default=DocumentState.DRAFT
    )
    text = models.TextField(help_text="The document as its author wrote it (YAML 1.2 or JSON).")
    body = models.JSONField(default=dict, editable=False, help_text="The text, parsed.")
    digest = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the text.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"

    @property
    def frozen(self) -> bool:
        """Whether the text can no longer change."""
        return self.state != DocumentState.DRAFT
