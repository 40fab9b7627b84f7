"""The runbooks app."""

from __future__ import annotations

from functools import partial

from django.apps import AppConfig


class RunbooksConfig(AppConfig):
    """Adds its due work to the sweep."""

    name = "runbooks"
    label = "runbooks"
    verbose_name = "Runbooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let the sweep work off backfills, and the lower apps know which runbooks there are."""
        from contracts_app.queries.documents import published_names
        from contracts_app.queries.golive import PUBLISHED_RUNBOOKS
        from contracts_app.rules import facts
        from orchestration.services import sweeper
        from runbooks.models import RunbookVersion
        from runbooks.services import backfills

        facts.provide(PUBLISHED_RUNBOOKS, partial(published_names, RunbookVersion))
        if backfills.run_due not in sweeper.DUE_WORK:
            sweeper.DUE_WORK.append(backfills.run_due)
