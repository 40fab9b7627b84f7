"""Flows as versioned documents."""

from __future__ import annotations

from django.db import models

from contracts_app.models import VersionedDocument


class FlowVersion(VersionedDocument):
    """One version of a flow (`flow/v1`); each run pins the one that it started under."""

    trigger = models.CharField(max_length=120, blank=True, help_text="Contract that starts it.")

    class Meta:
        ordering = ["name", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["name", "number"], name="flow_version_once"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(state="draft"), name="flow_one_draft"
            ),
        ]
        indexes = [
            models.Index(
                fields=["trigger"], name="flow_trigger", condition=models.Q(state="published")
            )
        ]
