"""SLA timers: one promise running for one ticket, its pauses and its alarms."""

from __future__ import annotations

from django.db import models

from contracts_app.models import BusinessCalendar, SlaPolicy


class TimerState(models.TextChoices):
    """Where a promise stands; met and breached are final."""

    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    MET = "met", "Kept"
    BREACHED = "breached", "Broken"
    CANCELLED = "cancelled", "Cancelled"


class SlaTimer(models.Model):
    """One promise for one ticket under one policy and calendar version."""

    ticket = models.CharField(max_length=80)
    metric = models.CharField(max_length=60)
    title = models.CharField(max_length=120, blank=True)
    policy = models.ForeignKey(SlaPolicy, on_delete=models.PROTECT, related_name="+")
    calendar = models.ForeignKey(BusinessCalendar, on_delete=models.PROTECT, related_name="+")
    contract = models.CharField(max_length=120)
    customer = models.CharField(max_length=200, blank=True)
    customer_name = models.CharField(max_length=200, blank=True)
    amount_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    target_s = models.FloatField(help_text="Seconds of open time promised.")
    state = models.CharField(max_length=10, choices=TimerState.choices, default=TimerState.RUNNING)
    started_at = models.DateTimeField()
    start_event_id = models.UUIDField()
    stopped_at = models.DateTimeField(null=True, blank=True)
    stop_event_id = models.UUIDField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, help_text="Empty while paused.")
    remaining_s = models.FloatField(null=True, blank=True, help_text="Only for display.")
    breached_at = models.DateTimeField(null=True, blank=True)
    breach_detected_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=200, blank=True, help_text="What a broken one waited for.")
    generation = models.PositiveIntegerField(default=1)
    tzdata_version = models.CharField(max_length=16, blank=True)

    class Meta:
        verbose_name = "SLA timer"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "metric"],
                condition=models.Q(state__in=["running", "paused"])
                | models.Q(state="breached", stopped_at__isnull=True),
                name="timer_one_open",
            )
        ]
        indexes = [
            models.Index(fields=["ticket", "-id"], name="timer_ticket"),
            models.Index(fields=["contract", "state", "due_at"], name="timer_contract"),
            models.Index(
                fields=["due_at"], name="timer_running", condition=models.Q(state="running")
            ),
            models.Index(
                fields=["-breached_at"], name="timer_broken", condition=models.Q(state="breached")
            ),
            models.Index(
                fields=["-stopped_at"], name="timer_kept", condition=models.Q(state="met")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ticket} {self.metric} {self.state}"


class TimerPause(models.Model):
    """Time that does not count; at most one is open."""

    timer = models.ForeignKey(SlaTimer, on_delete=models.CASCADE, related_name="pauses")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    event_id = models.UUIDField(null=True)

    class Meta:
        ordering = ["started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["timer"], condition=models.Q(ended_at__isnull=True), name="pause_one_open"
            )
        ]

    def __str__(self) -> str:
        return f"{self.timer_id} from {self.started_at}"


class TimerAlarm(models.Model):
    """A level of a timer (75, 100 % of target) that fires once a generation."""

    timer = models.ForeignKey(SlaTimer, on_delete=models.CASCADE, related_name="alarms")
    generation = models.PositiveIntegerField()
    level = models.PositiveSmallIntegerField(help_text="Per cent of the target.")
    due_at = models.DateTimeField(null=True, help_text="Empty while paused or stopped.")
    fired_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["level"]
        constraints = [
            models.UniqueConstraint(fields=["timer", "generation", "level"], name="alarm_once")
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="alarm_due",
                condition=models.Q(fired_at__isnull=True, due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.timer_id} at {self.level} %"
