"""Runs: a narrow hot row with lease and fence, checkpoints a step, and attempts."""

from __future__ import annotations

from django.db import models

from orchestration.models.flow import FlowVersion


class RunState(models.TextChoices):
    """Where a run stands."""

    READY = "ready", "Ready"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Needs a person"
    CANCELLED = "cancelled", "Cancelled"


class RunOutcome(models.TextChoices):
    """How a run got where it is: what Today counts."""

    NONE = "", "Under way"
    STRAIGHT = "straight", "Straight through"
    RECOVERED = "recovered", "Recovered by retry"
    PERSON = "person", "Needs a person"


class Run(models.Model):
    """One execution of one flow version for one event."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="UUIDv7")
    event_id = models.UUIDField()
    flow = models.CharField(max_length=80)
    flow_version = models.ForeignKey(FlowVersion, on_delete=models.PROTECT, related_name="+")
    contract = models.CharField(max_length=120)
    contract_version = models.CharField(max_length=32)
    ticket = models.CharField(max_length=80, blank=True)
    customer = models.CharField(max_length=200, blank=True)
    customer_name = models.CharField(max_length=200, blank=True)
    order = models.CharField(max_length=80, blank=True)
    amount_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    state = models.CharField(max_length=10, choices=RunState.choices, default=RunState.READY)
    outcome = models.CharField(
        max_length=10, choices=RunOutcome.choices, default=RunOutcome.NONE, blank=True
    )
    step = models.CharField(max_length=120, blank=True, help_text="Path of the step it stands at.")
    wake_at = models.DateTimeField(null=True, help_text="When a worker should look again.")
    pokes = models.PositiveIntegerField(default=0, help_text="Rises when news arrives.")
    lease_until = models.DateTimeField(null=True)
    lease_by = models.CharField(max_length=80, blank=True)
    fence = models.PositiveIntegerField(default=0)
    lapses = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Leases that ran out: a worker died, or was cut off."
    )
    cancelling = models.BooleanField(
        default=False, db_default=False, help_text="To be cancelled once its call has come back."
    )
    deadline_at = models.DateTimeField(null=True)
    replay_of = models.UUIDField(null=True, blank=True, help_text="The run that this one repeats.")
    internal = models.BooleanField(
        default=False, help_text="Started by Meshline's own event; no customer's journey."
    )
    ordinal = models.PositiveSmallIntegerField(default=1, help_text="Which run of its event.")
    created_at = models.DateTimeField()
    advanced_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["event_id", "flow", "ordinal"], name="run_once"),
        ]
        indexes = [
            models.Index(
                fields=["wake_at"],
                name="run_due",
                condition=models.Q(state__in=["ready", "waiting"], wake_at__isnull=False),
            ),
            models.Index(
                fields=["contract", "wake_at"],
                name="run_due_by_contract",
                condition=models.Q(state__in=["ready", "waiting"], wake_at__isnull=False),
            ),
            models.Index(
                fields=["lease_until"], name="run_leased", condition=models.Q(state="running")
            ),
            models.Index(fields=["ticket", "-id"], name="run_ticket"),
            models.Index(fields=["customer", "-id"], name="run_customer"),
            models.Index(fields=["flow", "-id"], name="run_flow"),
            models.Index(fields=["contract", "-id"], name="run_contract"),
            models.Index(fields=["state", "-id"], name="run_state"),
            models.Index(fields=["outcome", "-id"], name="run_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.flow} {str(self.id)[-12:]}"


class StepRecord(models.Model):
    """The checkpoint of one step of one run; partitioned by month of the run's id."""

    pk = models.CompositePrimaryKey("run_id", "path")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    path = models.CharField(max_length=120, help_text="Step id, with the parents of each/call_flow")
    position = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=10, default="ready")
    facts = models.JSONField(default=dict, help_text="StepFacts of the interpreter, whole.")
    result = models.JSONField(null=True)
    error = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position", "path"]

    def __str__(self) -> str:
        return f"{self.path}: {self.state}"


class Attempt(models.Model):
    """One try of a step: a call, a look-up, a probe, a deadline that passed, an event that came."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="UUIDv7")
    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="attempts", db_constraint=True
    )
    path = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, help_text="call, look_up, probe, deadline, event")
    operation = models.CharField(max_length=80, blank=True)
    effect_key = models.CharField(max_length=160, blank=True)
    outcome = models.CharField(max_length=12, blank=True, help_text="done, refused, transient, …")
    reason = models.CharField(max_length=500, blank=True)
    detail = models.JSONField(null=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["run", "id"], name="attempt_run")]

    def __str__(self) -> str:
        return f"{self.path} {self.kind} {self.outcome}"
