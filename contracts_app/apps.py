"""The contracts_app app."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class ContractsConfig(AppConfig):
    name = "contracts_app"
    label = "contracts_app"
    verbose_name = "Contracts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Keep the roles' groups in step with their data after every migration."""
        post_migrate.connect(_keep_roles, sender=self, dispatch_uid="contracts_app.roles")


def _keep_roles(*, using: str, **_: Any) -> None:
    from contracts_app.services.roles import ensure_roles

    # Migrating backwards, the tables of accounts may be gone already.
    if using == "default" and "auth_group" in connections[using].introspection.table_names():
        ensure_roles()
