"""Results of verifying systems against contracts, and what is deployed where."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from contracts_app.models.contract import ContractVersion


class Verification(models.Model):
    """One result of one version of a system against one contract version; the latest counts."""

    version = models.ForeignKey(
        ContractVersion, on_delete=models.PROTECT, related_name="verifications"
    )
    system = models.CharField(max_length=60)
    system_version = models.CharField(max_length=80)
    passed = models.BooleanField()
    details = models.CharField(max_length=1000, blank=True)
    at = models.DateTimeField(db_default=Now(), editable=False)
    by = models.CharField(max_length=150, help_text="key:<id>")

    class Meta:
        indexes = [
            models.Index(
                fields=["version", "system", "system_version", "-id"], name="verification_latest"
            )
        ]

    def __str__(self) -> str:
        return f"{self.system} {self.system_version}: {'passed' if self.passed else 'failed'}"


class Deployment(models.Model):
    """One deployment of a system's version to an environment; the latest is what is there."""

    system = models.CharField(max_length=60)
    system_version = models.CharField(max_length=80)
    environment = models.SlugField(max_length=60, db_index=False)
    at = models.DateTimeField(db_default=Now(), editable=False)
    by = models.CharField(max_length=150, help_text="key:<id>")

    class Meta:
        indexes = [models.Index(fields=["environment", "system", "-id"], name="deployment_latest")]

    def __str__(self) -> str:
        return f"{self.system} {self.system_version} in {self.environment}"
