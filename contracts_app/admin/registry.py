"""Pages of systems, owners and the documents of promises."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from contracts_app.admin.base import GuardedAdmin, person
from contracts_app.admin.documents import DocumentAdmin
from contracts_app.models import BusinessCalendar, Owner, Rota, SlaPolicy, System
from contracts_app.queries import clock
from contracts_app.queries.oncall import on_call
from contracts_app.rules.calendar_spec import CALENDAR_SHAPE
from contracts_app.rules.rota_spec import ROTA_SHAPE
from contracts_app.rules.sla_policy_spec import SLA_POLICY_SHAPE
from contracts_app.services import owners
from contracts_app.services.promises import CALENDAR, POLICY, ROTA


class RowAdmin(GuardedAdmin[Any]):
    """Plain rows that a service stores; a name is fixed once documents may refer to it."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("name",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(System)
class SystemAdmin(RowAdmin):
    """Outside applications: which connector reaches them."""

    list_display = ("name", "title", "connector", "note")
    list_filter = (("connector", admin.AllValuesFieldListFilter),)
    search_fields = ("name", "title", "note")
    list_select_related = True

    def save_model(self, request: HttpRequest, obj: System, form: Any, change: bool) -> None:
        owners.save_system(system=obj, by=person(request), now=clock.now())


@admin.register(Owner)
class OwnerAdmin(RowAdmin):
    """Who answers: a person, and a rota when it cannot wait."""

    list_display = ("name", "title", "person", "rota", "on_call_now", "contracts")
    list_filter = (("rota", admin.AllValuesFieldListFilter),)
    search_fields = ("name", "title", "email", "person__username", "person__last_name")
    list_select_related = ("person",)
    autocomplete_fields = ("person",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("ownerships__contract")

    def save_model(self, request: HttpRequest, obj: Owner, form: Any, change: bool) -> None:
        owners.save_owner(owner=obj, by=person(request), now=clock.now())

    @admin.display(description="On call now")
    def on_call_now(self, obj: Owner) -> str:
        """Who would be paged at this moment."""
        found = on_call(obj.rota, clock.now()) if obj.rota else None
        return found.name if found else "nobody"

    @admin.display(description="Owns")
    def contracts(self, obj: Owner) -> str:
        """How many contracts, in any role."""
        names = {one.contract.name for one in obj.ownerships.all()}
        return f"{len(names)} contract{'' if len(names) == 1 else 's'}"


@admin.register(BusinessCalendar)
class CalendarAdmin(DocumentAdmin[BusinessCalendar]):
    """Opening hours and holidays."""

    kind = CALENDAR
    shape = CALENDAR_SHAPE
    skeleton = """\
meshline: calendar/v1
name: office-hours
version: 1
title: Office hours
zone: Europe/Berlin
weekly_hours:
  mon: [["09:00", "17:00"]]
holidays: []
"""


@admin.register(SlaPolicy)
class SlaPolicyAdmin(DocumentAdmin[SlaPolicy]):
    """Promised times."""

    kind = POLICY
    shape = SLA_POLICY_SHAPE
    skeleton = """\
meshline: sla-policy/v1
name: support-standard
version: 1
title: Support, standard
calendar: office-hours
contract: support.ticket.created
metrics:
  - name: first_reply
    title: First reply
    target: PT30M
    start: {contract: support.ticket.created}
    stop: {contract: support.ticket.replied, when: "event.data.author == 'agent'"}
    warn: ["0.75"]
    escalate: {rota: support-primary}
"""


@admin.register(Rota)
class RotaAdmin(DocumentAdmin[Rota]):
    """Who takes turns."""

    kind = ROTA
    shape = ROTA_SHAPE
    list_display = ("name", "number", "state", "title", "on_call_now", "published_at")
    skeleton = """\
meshline: rota/v1
name: support-primary
version: 1
title: Support, first line
zone: Europe/Berlin
handoff: {time: "09:00", every_days: 7, from: "2026-01-05"}
people:
  - {name: First Person, email: first@example.com}
"""

    @admin.display(description="On call now")
    def on_call_now(self, obj: Rota) -> str:
        """Who would be paged at this moment by the version in service."""
        found = on_call(obj.name, clock.now()) if obj.state == "published" else None
        return found.name if found else ""
