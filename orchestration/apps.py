"""The orchestration app."""

from __future__ import annotations

from django.apps import AppConfig


class OrchestrationConfig(AppConfig):
    name = "orchestration"
    label = "orchestration"
    verbose_name = "Orchestration"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the registry what only the engine knows."""
        from contracts_app.queries.golive import FLOWS_OF
        from contracts_app.queries.temporary_tolerances import MONEY_PATHS
        from contracts_app.rules import facts
        from contracts_app.services.contract_tests import SEND_TWICE
        from contracts_app.services.promises import (
            CONDITION_FINDINGS,
            LAST_EVENTS,
            NEWEST_PAYLOADS,
            REFUSED_TRAFFIC,
        )
        from orchestration.queries.last_events import last_events
        from orchestration.queries.past_events import newest_payloads, refused_traffic
        from orchestration.queries.tolerated import money_paths_of
        from orchestration.queries.traffic import names_of_flows_using
        from orchestration.rules.policy_conditions import condition_findings
        from orchestration.services.send_twice import send_twice

        facts.provide(CONDITION_FINDINGS, condition_findings)
        facts.provide(FLOWS_OF, names_of_flows_using)
        facts.provide(LAST_EVENTS, last_events)
        facts.provide(MONEY_PATHS, money_paths_of)
        facts.provide(NEWEST_PAYLOADS, newest_payloads)
        facts.provide(REFUSED_TRAFFIC, refused_traffic)
        facts.provide(SEND_TWICE, send_twice)
