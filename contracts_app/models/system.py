"""Outside systems that contracts name as producer or consumer."""

from __future__ import annotations

from django.db import models


class System(models.Model):
    """An outside application; its address and secrets come from the environment."""

    name = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120)
    connector = models.SlugField(
        max_length=60, blank=True, help_text="Connector that reaches it; empty: it only sends."
    )
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.title
