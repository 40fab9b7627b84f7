import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contracts_app", "0006_catalogue_in_stamp"),
    ]

    operations = [
        migrations.CreateModel(
            name="Deployment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("system", models.CharField(max_length=60)),
                ("system_version", models.CharField(max_length=80)),
                ("environment", models.SlugField(db_index=False, max_length=60)),
                (
                    "at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("by", models.CharField(help_text="key:<id>", max_length=150)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["environment", "system", "-id"], name="deployment_latest")
                ],
            },
        ),
        migrations.CreateModel(
            name="Verification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("system", models.CharField(max_length=60)),
                ("system_version", models.CharField(max_length=80)),
                ("passed", models.BooleanField()),
                ("details", models.CharField(blank=True, max_length=1000)),
                (
                    "at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("by", models.CharField(help_text="key:<id>", max_length=150)),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="verifications",
                        to="contracts_app.contractversion",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["version", "system", "system_version", "-id"],
                        name="verification_latest",
                    )
                ],
            },
        ),
    ]
