"""Runs know how often a lease ran out, and whether they are to be cancelled."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Both have a default in the database, so that workers of the version before go on."""

    dependencies = [("orchestration", "0004_names")]
    operations = [
        migrations.AddField(
            "run",
            "lapses",
            models.PositiveIntegerField(
                default=0,
                db_default=0,
                help_text="Leases that ran out: a worker died, or was cut off.",
            ),
        ),
        migrations.AddField(
            "run",
            "cancelling",
            models.BooleanField(
                default=False,
                db_default=False,
                help_text="To be cancelled once its call has come back.",
            ),
        ),
    ]
