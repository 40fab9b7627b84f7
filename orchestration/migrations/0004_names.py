"""Names of things as people read them."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    """Only words; no table changes."""

    dependencies = [
        ("orchestration", "0003_reading_indexes"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="slatimer",
            options={"ordering": ["-id"], "verbose_name": "SLA timer"},
        ),
    ]
