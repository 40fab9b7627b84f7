"""Freeze published runbooks in the database."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    """One trigger."""

    dependencies = [("runbooks", "0001_initial"), ("contracts_app", "0002_guards")]
    operations = [
        migrations.RunSQL(
            """CREATE TRIGGER runbook_version_frozen
               BEFORE UPDATE OR DELETE ON runbooks_runbookversion
               FOR EACH ROW EXECUTE FUNCTION meshline_frozen_document()""",
            "DROP TRIGGER runbook_version_frozen ON runbooks_runbookversion",
        ),
    ]
