"""Promised times: business calendars and SLA policies, as versioned documents."""

from __future__ import annotations

from django.db import models

from contracts_app.models.document import VersionedDocument


class BusinessCalendar(VersionedDocument):
    """One version of a business calendar (`calendar/v1`)."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "number"], name="calendar_version_once")
        ]


class SlaPolicy(VersionedDocument):
    """One version of an SLA policy (`sla-policy/v1`)."""

    class Meta:
        verbose_name = "SLA policy"
        verbose_name_plural = "SLA policies"
        constraints = [
            models.UniqueConstraint(fields=["name", "number"], name="sla_policy_version_once")
        ]
