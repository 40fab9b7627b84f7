"""The key of a wait as its flow gave it, beside its canonical form."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add a column with a default of the database's: no row is written."""

    dependencies = [("orchestration", "0008_flows_in_stamp")]
    operations = [
        migrations.AddField(
            model_name="expectation",
            name="given",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The key as the flow gave it, if that is another text.",
                max_length=200,
            ),
        ),
        migrations.AlterField(
            model_name="expectation",
            name="key",
            field=models.CharField(help_text="In its canonical form.", max_length=200),
        ),
    ]
