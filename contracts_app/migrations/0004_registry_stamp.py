"""A mark that changes with the registry, so that what was read of it may be remembered."""

from __future__ import annotations

from django.db import migrations, models

from contracts_app.migrations._stamp import DROP_STAMP, MAKE_STAMP, watch

WATCHED = (
    "contracts_app_source",
    "contracts_app_webhooksecret",
    "contracts_app_contract",
    "contracts_app_contractversion",
    "contracts_app_slapolicy",
)


class Migration(migrations.Migration):
    """One row, and triggers on small tables: nothing that grows with the events is touched."""

    dependencies = [
        ("contracts_app", "0003_names"),
    ]

    operations = [
        migrations.CreateModel(
            name="RegistryStamp",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("value", models.UUIDField()),
            ],
        ),
        migrations.RunSQL(MAKE_STAMP, DROP_STAMP),
        *(migrations.RunSQL(*watch(table)) for table in WATCHED),
    ]
