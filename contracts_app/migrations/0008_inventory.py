import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contracts_app", "0007_verification"),
    ]

    operations = [
        migrations.CreateModel(
            name="InventoryFlow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="billing.refund.completed", max_length=80, unique=True
                    ),
                ),
                ("title", models.CharField(max_length=120)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("event", "Event"),
                            ("command", "Command"),
                            ("enrichment", "Enrichment"),
                            ("callback", "Callback"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "producer",
                    models.CharField(blank=True, help_text="Name of a system.", max_length=80),
                ),
                (
                    "consumers",
                    models.CharField(blank=True, help_text="Parted by spaces.", max_length=4050),
                ),
                (
                    "owner",
                    models.CharField(blank=True, help_text="Name of an owner.", max_length=80),
                ),
                (
                    "service_level",
                    models.CharField(blank=True, help_text="ISO 8601: PT15M", max_length=40),
                ),
                ("manual_fallback", models.CharField(blank=True, max_length=500)),
                ("notes", models.TextField(blank=True)),
                (
                    "answers",
                    models.JSONField(
                        blank=True, default=dict, help_text="The questionnaire, as told."
                    ),
                ),
                (
                    "risk",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("critical", "Critical"),
                            ("high", "High"),
                            ("medium", "Medium"),
                            ("low", "Low"),
                        ],
                        help_text="Empty: not all answered.",
                        max_length=8,
                    ),
                ),
                (
                    "digest",
                    models.CharField(
                        editable=False, help_text="SHA-256 of every column.", max_length=64
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "indexes": [models.Index(fields=["owner"], name="inventory_owner")],
            },
        ),
    ]
