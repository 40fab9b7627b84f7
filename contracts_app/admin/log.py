"""The audit log to read: filtered, searched, never counted, never changed."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from contracts_app.admin.base import UncountedAdmin, person, pre
from contracts_app.models import AuditEntry, Contract
from contracts_app.queries.people import owned_contracts, roles_of

# These roles read every entry; a contract owner reads those of their own contracts.
_READ_ALL = frozenset({"auditor", "admin", "runtime_owner", "product_owner", "ops_lead"})
_AREAS = {
    "contract.": "Contracts",
    "flow.": "Flows",
    "runbook.": "Runbooks",
    "source.": "Sources",
    "user.": "Accounts",
    "key.": "API keys",
    "handoff.": "Handoffs",
    "timer.": "Promises",
    "held.": "Held events",
}


class AreaFilter(admin.SimpleListFilter):
    """Entries by what was acted on: the beginning of the action's name."""

    title = "area"
    parameter_name = "area"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(_AREAS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action__startswith=self.value()) if self.value() else queryset


class ContractFilter(admin.SimpleListFilter):
    """Rows of one contract; the names come from the registry, not from the big table."""

    title = "contract"
    parameter_name = "contract"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in Contract.objects.values_list("name", flat=True)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(contract=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(UncountedAdmin[AuditEntry]):
    """What was done, by whom, when, why."""

    list_display = ("at", "actor", "action", "thing", "ticket", "reason")
    list_filter = (AreaFilter, ContractFilter)
    search_fields = ("actor__exact", "ticket__exact", "object_id__exact", "action__exact")
    search_help_text = "An actor, a ticket, an object or an action, written out"
    list_select_related = True
    ordering = ("-id",)
    fields = (
        ("at", "actor", "role"),
        ("action", "object_type", "object_id"),
        ("contract", "contract_version"),
        ("ticket", "run_id"),
        "reason",
        ("before", "after"),
        "detail_shown",
        ("address", "request_id"),
    )
    readonly_fields = ("detail_shown",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """All entries, or those that a contract owner may see."""
        rows = super().get_queryset(request)
        asks = person(request)
        if asks.is_superuser or roles_of(asks) & _READ_ALL:
            return rows
        return rows.filter(contract__in=owned_contracts(asks))

    @admin.display(description="Object")
    def thing(self, obj: AuditEntry) -> str:
        """What was acted on."""
        return f"{obj.object_type} {obj.object_id}"

    @admin.display(description="Detail")
    def detail_shown(self, obj: AuditEntry) -> str:
        """Ids and figures."""
        return pre(json.dumps(obj.detail, indent=2, ensure_ascii=False))
