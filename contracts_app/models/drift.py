"""What the drift watch keeps: how far it has looked at each contract, and what it noticed."""

from __future__ import annotations

from django.db import models

from contracts_app.models.contract import Contract, ContractVersion
from contracts_app.rules.drift.evidence import Evidence


class DriftWatch(models.Model):
    """How far one contract's events have been looked at, and when the next look is due."""

    contract = models.OneToOneField(
        Contract, primary_key=True, on_delete=models.CASCADE, related_name="drift_watch"
    )
    seen_through = models.UUIDField(null=True, help_text="The newest event that was passed.")
    next_look_at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True)
    events = models.PositiveBigIntegerField(default=0, help_text="How many were looked at.")
    passed_over = models.PositiveBigIntegerField(
        default=0, help_text="How many looks had more events than one look takes."
    )
    judged_by = models.CharField(max_length=64, blank=True, help_text="Digest of that version.")
    known = models.JSONField(default=dict, help_text="What the sources' bodies are known to hold.")

    class Meta:
        indexes = [models.Index(fields=["next_look_at"], name="drift_watch_due")]

    def __str__(self) -> str:
        return f"{self.contract_id} through {self.seen_through}"


class DriftState(models.TextChoices):
    """What has become of something that was noticed."""

    OPEN = "open", "Open"
    ASIDE = "aside", "Set aside"
    SETTLED = "settled", "Settled"


class DriftFinding(models.Model):
    """One thing that came and that the contract does not name, with its masked evidence."""

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="drift")
    kind = models.CharField(max_length=12, help_text="field, value, body, body_value")
    path = models.CharField(max_length=300)
    value = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=8, choices=DriftState.choices, default=DriftState.OPEN)
    events = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)
    sources = models.JSONField(default=dict)
    types = models.JSONField(default=list)
    samples = models.JSONField(default=list, help_text="[event id, shape or word]")
    words = models.JSONField(default=list)
    tallies = models.JSONField(default=dict, null=True)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    verdict = models.CharField(max_length=10, blank=True, help_text="Of the change by itself.")
    least_version = models.CharField(max_length=32, blank=True)
    draft = models.ForeignKey(
        ContractVersion, null=True, on_delete=models.SET_NULL, related_name="drift"
    )
    drafted_at = models.DateTimeField(null=True, help_text="Once told by a draft, not again.")
    reason = models.CharField(max_length=500, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["contract", "-last_seen", "id"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "kind", "path", "value"], name="drift_once")
        ]
        indexes = [
            models.Index(fields=["contract"], name="drift_open", condition=models.Q(state="open"))
        ]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.kind} {self.path} {self.value}".strip()

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same thing when it is seen again."""
        return (self.kind, self.path, self.value)

    @property
    def evidence(self) -> Evidence:
        """What the rules read."""
        return Evidence(
            self.first_seen,
            self.last_seen,
            self.events,
            self.refused,
            self.sources,
            tuple(self.types),
            tuple((event, told) for event, told in self.samples),
            tuple(self.words),
            self.tallies,
        )

    def fill(self, evidence: Evidence) -> None:
        """Put evidence into the row."""
        self.first_seen, self.last_seen = evidence.first_seen, evidence.last_seen
        self.events, self.refused = evidence.events, evidence.refused
        self.sources, self.types = dict(evidence.sources), list(evidence.types)
        self.samples, self.words = [list(one) for one in evidence.samples], list(evidence.words)
        self.tallies = None if evidence.tallies is None else dict(evidence.tallies)
