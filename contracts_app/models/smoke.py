"""Smoke tests of contracts in service: when each is due, and what it came to the last times."""

from __future__ import annotations

from django.db import models

from contracts_app.models.contract import Contract


class SmokeTestRow(models.Model):
    """One smoke test of a contract, as the version in service declares it.

    `due_at` is moved ahead when somebody takes the test up: who dies over it loses a few minutes.
    """

    contract = models.ForeignKey(
        Contract, on_delete=models.CASCADE, related_name="smoke_tests", db_index=False
    )
    name = models.CharField(max_length=80)
    version = models.CharField(max_length=32, help_text="The version that declares it.")
    digest = models.CharField(max_length=64, help_text="Of its definition.")
    due_at = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    alerted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "contracts_app_smoketest"
        ordering = ["contract", "name"]
        constraints = [models.UniqueConstraint(fields=["contract", "name"], name="smoke_test_once")]
        indexes = [
            models.Index(fields=["due_at"], name="smoke_test_due"),
            models.Index(
                fields=["-alerted_at"],
                condition=models.Q(alerted_at__isnull=False),
                name="smoke_test_alerts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract_id}: {self.name}"


class SmokeResult(models.Model):
    """What a smoke test came to once; the newest few are kept."""

    test = models.ForeignKey(
        SmokeTestRow, on_delete=models.CASCADE, related_name="results", db_index=False
    )
    at = models.DateTimeField()
    version = models.CharField(max_length=32)
    outcome = models.CharField(max_length=7, help_text="passed, failed, skipped")
    sentence = models.CharField(max_length=400)
    took_ms = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["test", "-id"], name="smoke_result_newest")]

    def __str__(self) -> str:
        return f"{self.test_id}: {self.outcome}"
