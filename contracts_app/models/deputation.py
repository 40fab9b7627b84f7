"""Who stands in for an owner for a while, and who was asked to sign a version."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Deputation(models.Model):
    """A person who drafts and signs for an owner from one moment to another."""

    owner = models.ForeignKey(
        "contracts_app.Owner", on_delete=models.PROTECT, related_name="deputations"
    )
    deputy = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="deputations"
    )
    starts_at = models.DateTimeField(verbose_name="from")
    ends_at = models.DateTimeField(verbose_name="until", help_text="It ends by itself then.")
    reason = models.CharField(max_length=200, help_text="Kept in the audit log.")
    named_by = models.CharField(max_length=150, editable=False)
    named_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-ends_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")),
                name="deputation_has_an_end",
                violation_error_message="The deputation would end before it begins.",
            )
        ]
        indexes = [models.Index(fields=["deputy", "ends_at"], name="deputation_of_person")]

    def __str__(self) -> str:
        return f"{self.deputy} for {self.owner}"


class SignOffAsk(models.Model):
    """A role that is asked to sign a proposed text, told when the text was proposed.

    `verdict` and `why` say what the change means for it. A consumer that the change leaves
    untouched is not asked.
    """

    version = models.ForeignKey(
        "contracts_app.ContractVersion", on_delete=models.CASCADE, related_name="asks"
    )
    role = models.CharField(max_length=80, help_text="contract, runtime, product or consumer:<x>")
    digest = models.CharField(max_length=64)
    team = models.CharField(max_length=80, blank=True, help_text="The owner that the text names.")
    verdict = models.CharField(max_length=10, help_text="compatible, breaking, unknown")
    why = models.CharField(max_length=400, blank=True)
    asked_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["asked_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "role", "digest"], name="signoff_asked_once_per_text"
            )
        ]

    def __str__(self) -> str:
        return f"{self.version_id}: {self.role}"
