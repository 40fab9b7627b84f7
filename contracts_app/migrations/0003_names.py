"""Names of things as people read them."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    """Only words; no table changes."""

    dependencies = [
        ("contracts_app", "0002_guards"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="apikey",
            options={"ordering": ["name"], "verbose_name": "API key"},
        ),
        migrations.AlterModelOptions(
            name="slapolicy",
            options={"verbose_name": "SLA policy", "verbose_name_plural": "SLA policies"},
        ),
    ]
