"""The claim takes each contract's oldest due runs by an index of their own."""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Partial, and built without locking the table."""

    atomic = False
    dependencies = [("orchestration", "0005_run_lapses")]
    operations = [
        AddIndexConcurrently(
            "run",
            models.Index(
                fields=["contract", "wake_at"],
                name="run_due_by_contract",
                condition=models.Q(state__in=["ready", "waiting"], wake_at__isnull=False),
            ),
        ),
    ]
