"""The list of resolved handoffs, newest first, without reading all of them."""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Partial, and built without locking the table."""

    atomic = False
    dependencies = [("orchestration", "0006_run_due_by_contract")]
    operations = [
        AddIndexConcurrently(
            "handoff",
            models.Index(
                fields=["-resolved_at", "-id"],
                name="handoff_resolved",
                condition=models.Q(state="resolved"),
            ),
        ),
    ]
