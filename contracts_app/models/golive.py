"""Evidence that people gave for a gate which nothing can compute."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from contracts_app.models.contract import Contract


class GateEvidence(models.Model):
    """What somebody says was done for one gate of a contract; taken back, it stays to be read."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="gate_evidence")
    gate = models.CharField(max_length=80)
    statement = models.CharField(max_length=500)
    done_on = models.DateField(help_text="The day on which it was done, UTC.")
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    given_at = models.DateTimeField(db_default=Now(), editable=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "gate"],
                condition=models.Q(withdrawn_at=None),
                name="gate_evidence_one_that_counts",
            )
        ]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.gate}: {self.statement}"
