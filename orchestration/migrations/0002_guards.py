"""Freeze published flows in the database; make the first months' partitions."""

from __future__ import annotations

from django.db import migrations

from contracts_app.migrations._partitions import FIRST_PARTITIONS


class Migration(migrations.Migration):
    """One trigger, and the partitions of the tables that 0001 made."""

    dependencies = [("orchestration", "0001_initial"), ("contracts_app", "0002_guards")]
    operations = [
        migrations.RunSQL(
            """CREATE TRIGGER flow_version_frozen
               BEFORE UPDATE OR DELETE ON orchestration_flowversion
               FOR EACH ROW EXECUTE FUNCTION meshline_frozen_document()""",
            "DROP TRIGGER flow_version_frozen ON orchestration_flowversion",
        ),
        migrations.RunSQL(FIRST_PARTITIONS, migrations.RunSQL.noop),
    ]
