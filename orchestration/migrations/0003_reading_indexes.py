"""Indexes for two questions of dashboards: what came again, and which promises were kept when."""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Both are partial and built without locking the tables."""

    atomic = False
    dependencies = [("orchestration", "0002_guards")]
    operations = [
        AddIndexConcurrently(
            "eventkey",
            models.Index(
                fields=["-last_duplicate_at"],
                name="event_key_repeated",
                condition=models.Q(last_duplicate_at__isnull=False),
            ),
        ),
        AddIndexConcurrently(
            "slatimer",
            models.Index(
                fields=["-stopped_at"], name="timer_kept", condition=models.Q(state="met")
            ),
        ),
    ]
