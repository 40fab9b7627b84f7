import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contracts_app", "0009_gate_evidence"),
    ]

    operations = [
        migrations.CreateModel(
            name="DriftWatch",
            fields=[
                (
                    "contract",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="drift_watch",
                        serialize=False,
                        to="contracts_app.contract",
                    ),
                ),
                (
                    "seen_through",
                    models.UUIDField(help_text="The newest event that was passed.", null=True),
                ),
                ("next_look_at", models.DateTimeField()),
                ("looked_at", models.DateTimeField(null=True)),
                (
                    "events",
                    models.PositiveBigIntegerField(default=0, help_text="How many were looked at."),
                ),
                (
                    "passed_over",
                    models.PositiveBigIntegerField(
                        default=0, help_text="How many looks had more events than one look takes."
                    ),
                ),
                (
                    "judged_by",
                    models.CharField(
                        blank=True, help_text="Digest of that version.", max_length=64
                    ),
                ),
                (
                    "known",
                    models.JSONField(
                        default=dict, help_text="What the sources' bodies are known to hold."
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["next_look_at"], name="drift_watch_due")],
            },
        ),
        migrations.CreateModel(
            name="DriftFinding",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(help_text="field, value, body, body_value", max_length=12),
                ),
                ("path", models.CharField(max_length=300)),
                ("value", models.CharField(blank=True, max_length=60)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("aside", "Set aside"), ("settled", "Settled")],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("events", models.PositiveBigIntegerField(default=0)),
                ("refused", models.PositiveBigIntegerField(default=0)),
                ("sources", models.JSONField(default=dict)),
                ("types", models.JSONField(default=list)),
                ("samples", models.JSONField(default=list, help_text="[event id, shape or word]")),
                ("words", models.JSONField(default=list)),
                ("tallies", models.JSONField(default=dict, null=True)),
                ("first_seen", models.DateTimeField()),
                ("last_seen", models.DateTimeField()),
                (
                    "verdict",
                    models.CharField(
                        blank=True, help_text="Of the change by itself.", max_length=10
                    ),
                ),
                ("least_version", models.CharField(blank=True, max_length=32)),
                (
                    "drafted_at",
                    models.DateTimeField(help_text="Once told by a draft, not again.", null=True),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("decided_by", models.CharField(blank=True, max_length=150)),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drift",
                        to="contracts_app.contract",
                    ),
                ),
                (
                    "draft",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="drift",
                        to="contracts_app.contractversion",
                    ),
                ),
            ],
            options={
                "ordering": ["contract", "-last_seen", "id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["contract"],
                        name="drift_open",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("contract", "kind", "path", "value"), name="drift_once"
                    )
                ],
            },
        ),
    ]
