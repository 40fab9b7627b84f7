"""Runs of a version's contract tests, and what each test came to; the newest few are kept."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from contracts_app.models.contract import ContractVersion
from contracts_app.rules.contract_tests import TITLES, Kind


class Occasion(models.TextChoices):
    """Why the tests of a version were run."""

    REVIEW = "review", "when it was proposed"
    PUBLISH = "publish", "before it was published"
    INSTALL = "install", "when it came in as a file"
    HAND = "hand", "by hand"


class ContractTestRun(models.Model):
    """All tests of one version, run once; bound to the text by its digest."""

    version = models.ForeignKey(
        ContractVersion, on_delete=models.CASCADE, related_name="test_runs", db_index=False
    )
    digest = models.CharField(max_length=64)
    occasion = models.CharField(max_length=8, choices=Occasion.choices)
    passed = models.PositiveSmallIntegerField(default=0)
    failed = models.PositiveSmallIntegerField(default=0)
    skipped = models.PositiveSmallIntegerField(default=0)
    at = models.DateTimeField(db_default=Now(), editable=False)
    by = models.CharField(max_length=150, blank=True, help_text="Empty: the registry itself.")

    class Meta:
        indexes = [models.Index(fields=["version", "-id"], name="contract_test_run_newest")]

    def __str__(self) -> str:
        return f"{self.version_id}: {self.passed} passed, {self.failed} failed"


class ContractTestResult(models.Model):
    """What one test of a run came to."""

    run = models.ForeignKey(
        ContractTestRun, on_delete=models.CASCADE, related_name="results", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, help_text="valid, invalid, consumer, unique")
    name = models.CharField(max_length=80)
    outcome = models.CharField(max_length=7, help_text="passed, failed, skipped")
    sentence = models.CharField(max_length=400)

    class Meta:
        ordering = ["run", "position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="contract_test_result_once")
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}"

    @property
    def title(self) -> str:
        """What is tested, in words."""
        kind: Kind = self.kind  # type: ignore[assignment]
        return TITLES.get(kind, self.kind)
