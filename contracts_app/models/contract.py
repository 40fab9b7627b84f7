"""Contracts, their versions and their sign-offs."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class ContractState(models.TextChoices):
    """Life of a contract version."""

    DRAFT = "draft", "Draft"
    IN_REVIEW = "in_review", "In review"
    ACTIVE = "active", "Active"
    DEPRECATED = "deprecated", "Deprecated"
    RETIRED = "retired", "Retired"


class RiskClass(models.TextChoices):
    """What a failure costs a customer."""

    CRITICAL = "critical", "Critical"
    HIGH = "high", "High"
    MEDIUM = "medium", "Medium"
    LOW = "low", "Low"


class Contract(models.Model):
    """The agreed shape and promises of one event type; versions carry the documents."""

    name = models.CharField(max_length=120, unique=True, help_text="billing.refund.completed")
    title = models.CharField(max_length=200, blank=True)
    domain = models.SlugField(max_length=60, blank=True)
    risk = models.CharField(max_length=8, choices=RiskClass.choices, default=RiskClass.MEDIUM)
    producer = models.CharField(max_length=60, blank=True, help_text="Name of a system.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ContractVersion(models.Model):
    """One version of a contract (`contract/v1`); its text is frozen once it leaves draft."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="versions")
    version = models.CharField(max_length=32)
    state = models.CharField(
        max_length=12, choices=ContractState.choices, default=ContractState.DRAFT
    )
    text = models.TextField(help_text="The document as its author wrote it (YAML 1.2 or JSON).")
    body = models.JSONField(default=dict, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    deprecated_at = models.DateTimeField(null=True, blank=True, editable=False)
    sunset_on = models.DateField(
        null=True, blank=True, editable=False, help_text="The first day without it, UTC."
    )

    class Meta:
        ordering = ["contract", "-published_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "version"], name="contract_version_once"),
            models.UniqueConstraint(
                fields=["contract"], condition=models.Q(state="draft"), name="contract_one_draft"
            ),
        ]
        indexes = [
            models.Index(
                fields=["contract"],
                condition=models.Q(state="in_review"),
                name="contract_version_in_review",
            )
        ]

    def __str__(self) -> str:
        return f"{self.contract.name} {self.version}"

    @property
    def frozen(self) -> bool:
        """Whether the text can no longer change."""
        return self.state != ContractState.DRAFT


class SignOff(models.Model):
    """An owner's yes or no to one version, bound to the digest of what they read."""

    version = models.ForeignKey(ContractVersion, on_delete=models.CASCADE, related_name="signoffs")
    role = models.CharField(max_length=80, help_text="contract, runtime, product or consumer:<x>")
    verdict = models.CharField(max_length=8, choices=[("yes", "Yes"), ("no", "No")])
    digest = models.CharField(max_length=64)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    signed_at = models.DateTimeField(db_default=Now(), editable=False)
    note = models.CharField(max_length=500, blank=True)
    stands_for = models.CharField(
        max_length=80, blank=True, help_text="The owner whose deputy signed; empty: the owner."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "role", "digest"], name="signoff_once_per_role_and_digest"
            )
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.verdict}"
