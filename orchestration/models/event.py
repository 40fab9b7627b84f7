"""Accepted events: the key that dedupes, the facts, the bytes, and what is held."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class EventState(models.TextChoices):
    """What became of an accepted delivery."""

    ACCEPTED = "accepted", "Accepted"
    IGNORED = "ignored", "Kept, starts nothing"
    HELD = "held", "Held"
    DISCARDED = "discarded", "Discarded"


class EventKey(models.Model):
    """The claim on (source, external id): never partitioned, so that it stays unique for ever."""

    source = models.CharField(max_length=60)
    external_id = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="Of the canonical body of the first.")
    event_id = models.UUIDField()
    duplicates = models.PositiveIntegerField(default=0)
    last_duplicate_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="event_key_once")
        ]
        indexes = [
            models.Index(fields=["event_id"], name="event_key_event"),
            models.Index(
                fields=["-last_duplicate_at"],
                name="event_key_repeated",
                condition=models.Q(last_duplicate_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}/{self.external_id}"


class DeliveryConflict(models.Model):
    """A second delivery under a known id whose body differed: refused with 409, kept in sight."""

    source = models.CharField(max_length=60)
    external_id = models.CharField(max_length=200)
    event_id = models.UUIDField(help_text="The first one, which stands.")
    digest = models.CharField(max_length=64)
    raw = models.BinaryField()
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id", "digest"], name="conflict_once_per_body"
            )
        ]

    def __str__(self) -> str:
        return f"{self.source}/{self.external_id} differs"


class Event(models.Model):
    """The facts of one accepted event; partitioned by month of its UUIDv7 id."""

    id = models.UUIDField(primary_key=True, editable=False)
    source = models.CharField(max_length=60)
    external_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=120, help_text="The vendor's word for it.")
    contract = models.CharField(max_length=120, blank=True)
    contract_version = models.CharField(max_length=32, blank=True)
    state = models.CharField(max_length=10, choices=EventState.choices)
    own_write = models.BooleanField(default=False, help_text="Our own effect coming back.")
    occurred_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    digest = models.CharField(max_length=64)
    correlation = models.CharField(max_length=200, blank=True)
    ticket = models.CharField(max_length=80, blank=True)
    customer = models.CharField(max_length=200, blank=True)
    customer_name = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=254, blank=True)
    order = models.CharField(max_length=80, blank=True)
    subject = models.CharField(max_length=200, blank=True, help_text="Key of its state machine.")
    state_before = models.CharField(max_length=40, blank=True)
    state_after = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["ticket", "-id"], name="event_ticket"),
            models.Index(fields=["customer", "-id"], name="event_customer"),
            models.Index(
                fields=["correlation", "id"],
                name="event_correlation",
                condition=~models.Q(correlation=""),
            ),
            models.Index(fields=["contract", "-id"], name="event_contract"),
            models.Index(
                fields=["order", "-id"], name="event_order", condition=~models.Q(order="")
            ),
            models.Index(
                fields=["email", "-id"], name="event_email", condition=~models.Q(email="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.external_id}"


class EventBody(models.Model):
    """The bytes of one event as received, and the payload as mapped; emptied by retention."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="Same as the event's.")
    raw = models.BinaryField(null=True)
    content_type = models.CharField(max_length=100, blank=True)
    headers = models.JSONField(default=dict, help_text="Those the source's mapping reads.")
    payload = models.JSONField(null=True, help_text="After mapping; what the contract checked.")

    def __str__(self) -> str:
        return str(self.id)


class HeldEvent(models.Model):
    """Quarantine: an accepted event that broke its contract and waits for a person."""

    event_id = models.UUIDField(unique=True)
    source = models.CharField(max_length=60)
    contract = models.CharField(max_length=120, blank=True)
    ticket = models.CharField(max_length=80, blank=True)
    reason = models.CharField(max_length=40, help_text="violation, unmatched, backward")
    violations = models.JSONField(default=list)
    state = models.CharField(
        max_length=10,
        choices=[("held", "Held"), ("released", "Released"), ("discarded", "Discarded")],
        default="held",
    )
    held_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["-id"], name="held_open", condition=models.Q(state="held"))]

    def __str__(self) -> str:
        return f"{self.source} {self.event_id} {self.state}"


class SubjectState(models.Model):
    """Where one subject of a contract's state machine stands (a refund, a subscription)."""

    contract = models.CharField(max_length=120)
    kind = models.CharField(max_length=60, blank=True, help_text="refund, subscription, …")
    subject = models.CharField(max_length=200)
    state = models.CharField(max_length=40)
    event_id = models.UUIDField(null=True)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract", "subject"], name="subject_state_once")
        ]
        indexes = [models.Index(fields=["kind", "subject"], name="subject_state_kind")]

    def __str__(self) -> str:
        return f"{self.contract}/{self.subject}: {self.state}"
