"""Keys and secrets with which outside systems prove who they are."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from contracts_app.models.source import Source


class ApiKey(models.Model):
    """A bearer key; only the SHA-256 of its secret part is kept."""

    key_id = models.CharField(max_length=12, unique=True, help_text="Public part: msh_<id>_…")
    name = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=list, help_text='["ingest:billing", "runs:read"]')
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API key"
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} (msh_{self.key_id}_…)"


class WebhookSecret(models.Model):
    """A source's signing secret, encrypted; two may be live while one is rolled."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="secrets")
    sealed = models.TextField(editable=False, help_text="AES-256-GCM, bound to this source.")
    hint = models.CharField(max_length=4, editable=False, help_text="Last four characters.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.source.name} …{self.hint}"
