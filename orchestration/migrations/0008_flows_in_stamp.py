"""A published flow changes what deliveries start: it counts as a change of the registry."""

from __future__ import annotations

from django.db import migrations

from contracts_app.migrations._stamp import watch


class Migration(migrations.Migration):
    """One trigger on a small table."""

    dependencies = [
        ("contracts_app", "0004_registry_stamp"),
        ("orchestration", "0007_handoff_resolved"),
    ]

    operations = [
        migrations.RunSQL(*watch("orchestration_flowversion")),
    ]
