"""What the engine did, to look at: events, runs, effects, expectations, handoffs, promises."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html

from contracts_app.admin.base import ReadOnlyAdmin, UncountedAdmin
from contracts_app.admin.log import ContractFilter
from orchestration.models import (
    DeliveryConflict,
    Effect,
    Event,
    Expectation,
    Handoff,
    Heartbeat,
    HeldEvent,
    Run,
    SlaTimer,
)

# Searching big tables means equality on an indexed column, written out.
_BY_TICKET = "A ticket such as desk:4812, written out"


@admin.register(Event)
class EventAdmin(UncountedAdmin[Event]):
    """Accepted events, without their bodies: those are shown by role in the console."""

    list_display = ("received_at", "source", "kind", "external_id", "contract", "state", "ticket")
    list_filter = ("state", "own_write", ContractFilter)
    search_fields = ("ticket__exact", "customer__exact", "order__exact")
    search_help_text = "A ticket, a customer or an order, written out"
    list_select_related = True
    ordering = ("-id",)
    exclude = ("email", "customer_name")


@admin.register(Run)
class RunAdmin(UncountedAdmin[Run]):
    """Runs and where they stand."""

    list_display = ("created_at", "flow", "version", "state", "outcome", "step", "ticket", "ended")
    list_filter = ("state", "outcome", ContractFilter)
    search_fields = ("ticket__exact", "customer__exact", "flow__exact")
    search_help_text = "A ticket, a customer or a flow, written out"
    list_select_related = ("flow_version",)
    ordering = ("-id",)
    exclude = ("customer_name",)

    @admin.display(description="Version", ordering="flow_version__number")
    def version(self, obj: Run) -> str:
        """The flow's version that the run pinned."""
        return f"v{obj.flow_version.number}"

    @admin.display(description="Finished", ordering="finished_at")
    def ended(self, obj: Run) -> object:
        """When it ended."""
        return obj.finished_at


@admin.register(Effect)
class EffectAdmin(UncountedAdmin[Effect]):
    """The ledger: each change outside, at most once."""

    list_display = (
        "created_at",
        "scope",
        "state",
        "attempts",
        "reused",
        "adopted",
        "ticket",
        "key",
    )
    list_filter = ("state", "adopted")
    search_fields = ("ticket__exact", "key__exact")
    search_help_text = "A ticket or an effect key, written out"
    list_select_related = True
    ordering = ("-id",)
    exclude = ("request", "result")


@admin.register(Expectation)
class ExpectationAdmin(UncountedAdmin[Expectation]):
    """Events that runs wait for."""

    list_display = ("opened_at", "contract", "key", "state", "due_at", "satisfied_at", "ticket")
    list_filter = ("state", ContractFilter)
    search_fields = ("key__exact", "ticket__exact")
    search_help_text = "A correlation key or a ticket, written out"
    list_select_related = ("run",)
    ordering = ("-id",)
    raw_id_fields = ("run",)


@admin.register(Handoff)
class HandoffAdmin(UncountedAdmin[Handoff]):
    """Work that automation gave to people; they act on it in the console."""

    list_display = ("reference", "reason", "state", "risk", "ticket", "claimed_by", "opened_at")
    list_filter = ("state", "risk", ContractFilter)
    search_fields = ("ticket__exact",)
    search_help_text = _BY_TICKET
    list_select_related = ("claimed_by",)
    ordering = ("-id",)
    exclude = ("customer_name",)


@admin.register(HeldEvent)
class HeldEventAdmin(UncountedAdmin[HeldEvent]):
    """Events that broke their contract; released or discarded in the console."""

    list_display = ("held_at", "source", "contract", "reason", "state", "ticket", "decided_by")
    list_filter = ("state", ContractFilter)
    search_fields = ("ticket__exact", "event_id__exact")
    search_help_text = "A ticket or an event's id, written out"
    list_select_related = True
    ordering = ("-id",)
    exclude = ("violations",)


@admin.register(DeliveryConflict)
class DeliveryConflictAdmin(UncountedAdmin[DeliveryConflict]):
    """Second deliveries under a known id whose body differed."""

    list_display = ("received_at", "source", "external_id", "event_id", "digest")
    search_fields = ("external_id__exact",)
    search_help_text = "An external id, written out"
    list_select_related = True
    ordering = ("-id",)
    exclude = ("raw",)


@admin.register(SlaTimer)
class SlaTimerAdmin(UncountedAdmin[SlaTimer]):
    """Promises running for tickets."""

    list_display = ("ticket", "title", "state", "due_at", "breached_at", "policy", "calendar")
    list_filter = ("state", ContractFilter)
    search_fields = ("ticket__exact",)
    search_help_text = _BY_TICKET
    list_select_related = ("policy", "calendar")
    ordering = ("-id",)
    exclude = ("customer_name",)


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin[Heartbeat]):
    """Signs of life of workers, sweeper and beat."""

    list_display = ("name", "kind", "at", "skew")
    list_filter = ("kind",)
    search_fields = ("name",)
    list_select_related = True

    @admin.display(description="Clock difference", ordering="skew_ms")
    def skew(self, obj: Heartbeat) -> str:
        """Its wall clock less the database's."""
        return format_html("{} ms", obj.skew_ms)
