"""Rotas: who is on call, as versioned documents."""

from __future__ import annotations

from django.db import models

from contracts_app.models.document import VersionedDocument


class Rota(VersionedDocument):
    """One version of a rota (`rota/v1`)."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "number"], name="rota_version_once")]
