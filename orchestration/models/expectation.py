"""Awaited events: correlation key, deadline, and what satisfied them."""

from __future__ import annotations

from django.db import models

from orchestration.models.run import Run


class Expectation(models.Model):
    """One event that one step of one run waits for."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="expectations")
    path = models.CharField(max_length=120)
    contract = models.CharField(max_length=120)
    key = models.CharField(max_length=200, help_text="In its canonical form.")
    given = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="The key as the flow gave it, if that is another text.",
    )
    ticket = models.CharField(max_length=80, blank=True)
    state = models.CharField(
        max_length=10,
        choices=[
            ("open", "Waiting"),
            ("fulfilled", "Arrived"),
            ("consumed", "Satisfied"),
            ("expired", "Overdue"),
            ("cancelled", "Cancelled"),
        ],
        default="open",
    )
    seen = models.JSONField(default=list, help_text="Ids of events that have been judged already.")
    event_id = models.UUIDField(null=True, help_text="The event that is to be judged next.")
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    overdue_at = models.DateTimeField(null=True, help_text="When its deadline was found passed.")
    satisfied_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "path", "key"],
                condition=models.Q(state__in=["open", "fulfilled"]),
                name="expectation_one_open",
            )
        ]
        indexes = [
            models.Index(fields=["contract", "key"], name="expectation_key"),
            models.Index(
                fields=["due_at"], name="expectation_due", condition=models.Q(state="open")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract} {self.key} {self.state}"

    @property
    def keys(self) -> tuple[str, ...]:
        """Under which keys an event may have been stored that this one waits for."""
        return (self.key, self.given) if self.given else (self.key,)
