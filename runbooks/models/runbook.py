"""Runbooks as versioned documents."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from contracts_app.models import VersionedDocument


class RunbookVersion(VersionedDocument):
    """One version of a runbook (`runbook/v1`)."""

    contracts = ArrayField(models.CharField(max_length=120), default=list, editable=False)
    failure_modes = ArrayField(models.CharField(max_length=60), default=list, editable=False)
    owner = models.CharField(max_length=80, blank=True, editable=False)

    class Meta:
        ordering = ["name", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["name", "number"], name="runbook_version_once"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(state="draft"), name="runbook_one_draft"
            ),
        ]
        indexes = [GinIndex(fields=["failure_modes"], name="runbook_modes")]
