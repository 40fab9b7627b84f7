"""Count changes of owners and systems as the registry's: the catalogue is remembered by its stamp."""

from __future__ import annotations

from django.db import migrations

from contracts_app.migrations._stamp import watch

WATCHED = ("contracts_app_ownership", "contracts_app_owner", "contracts_app_system")


class Migration(migrations.Migration):
    """Triggers on small tables that people change by hand."""

    dependencies = [("contracts_app", "0005_sunset")]
    operations = [migrations.RunSQL(*watch(table)) for table in WATCHED]
