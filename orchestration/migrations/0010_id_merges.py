"""Identifiers that turned out to be one; a merge counts as a change of the registry."""

from __future__ import annotations

from django.db import migrations, models

from contracts_app.migrations._stamp import watch


class Migration(migrations.Migration):
    """One new table with its trigger."""

    dependencies = [
        ("contracts_app", "0004_registry_stamp"),
        ("orchestration", "0009_expectation_given"),
    ]

    operations = [
        migrations.CreateModel(
            name="IdMerge",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        editable=False, help_text="UUIDv7", primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("customer", "Customer"),
                            ("order", "Order"),
                            ("ticket", "Ticket"),
                            ("cart", "Cart"),
                        ],
                        max_length=10,
                    ),
                ),
                ("merged", models.CharField(max_length=200)),
                ("into", models.CharField(max_length=200)),
                ("contract", models.CharField(max_length=120)),
                ("ticket", models.CharField(max_length=80)),
                ("reason", models.CharField(max_length=1000)),
                ("made_by", models.CharField(max_length=150)),
                ("made_at", models.DateTimeField()),
                ("ended_by", models.CharField(blank=True, max_length=150)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("end_reason", models.CharField(blank=True, max_length=1000)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("ended_at", None)),
                        fields=["kind", "into"],
                        name="id_merge_into",
                    ),
                    models.Index(fields=["merged"], name="id_merge_merged"),
                    models.Index(fields=["into"], name="id_merge_target"),
                    models.Index(fields=["ticket"], name="id_merge_ticket"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("kind", "merged"),
                        name="id_merge_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("merged", models.F("into")), _negated=True),
                        name="id_merge_of_two",
                    ),
                ],
            },
        ),
        migrations.RunSQL(*watch("orchestration_idmerge")),
    ]
