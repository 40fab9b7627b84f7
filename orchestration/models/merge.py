"""Two identifiers that turned out to be one: said by a person, and taken back by one."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from contracts_app.rules.identifiers import KINDS


class IdMerge(models.Model):
    """The canonical id `merged` of a kind is `into` now; while `ended_at` is empty.

    Nothing that is stored is rewritten: whoever looks is led through, so that it can be taken back.
    """

    id = models.UUIDField(primary_key=True, editable=False, help_text="UUIDv7")
    kind = models.CharField(max_length=10, choices=[(kind, kind.capitalize()) for kind in KINDS])
    merged = models.CharField(max_length=200)
    into = models.CharField(max_length=200)
    contract = models.CharField(max_length=120)
    ticket = models.CharField(max_length=80)
    reason = models.CharField(max_length=1000)
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField()
    ended_by = models.CharField(max_length=150, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "merged"], condition=Q(ended_at=None), name="id_merge_once"
            ),
            models.CheckConstraint(condition=~Q(merged=F("into")), name="id_merge_of_two"),
        ]
        indexes = [
            models.Index(fields=["kind", "into"], name="id_merge_into", condition=Q(ended_at=None)),
            models.Index(fields=["merged"], name="id_merge_merged"),
            models.Index(fields=["into"], name="id_merge_target"),
            models.Index(fields=["ticket"], name="id_merge_ticket"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
