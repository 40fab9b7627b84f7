"""Pages of runbooks, and of what people pressed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from contracts_app.admin.base import UncountedAdmin
from contracts_app.admin.documents import DocumentAdmin
from runbooks.models import Backfill, Intervention, RunbookVersion
from runbooks.rules.runbook_schema import RUNBOOK_SCHEMA
from runbooks.services.drafts import RUNBOOK


@admin.register(RunbookVersion)
class RunbookVersionAdmin(DocumentAdmin[RunbookVersion]):
    """Written steps with buttons; once published it is on the matching handoffs."""

    kind = RUNBOOK
    shape = RUNBOOK_SCHEMA
    list_display = ("name", "number", "state", "title", "owner", "helps_with", "published_at")
    list_filter = ("state", ("owner", admin.AllValuesFieldListFilter))
    search_fields = ("name", "title", "owner")
    identity = (
        "name",
        "number",
        "state",
        "owner",
        "helps_with",
        "created_by",
        "published_at",
        "published_by",
    )
    skeleton = """\
meshline: runbook/v1
name: my-runbook
version: 1
title: What went wrong
summary: What to do about it, in one sentence.
owner: support-platform
contracts: [support.ticket.created]
failure_modes: [retries_exhausted]
require: {ticket: true, contract: true}
permissions: {run: [support_agent, ops_lead, runtime_owner]}
start: read
steps:
  - {id: read, type: instruction, title: Look, text: "Read the ticket {run.ticket}.", next: log}
  - id: log
    type: action
    title: Record it
    action: incident.log
    effect: write
    with: {outcome: recovered}
    end: recovered
"""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_readonly_fields(request, obj)
        return (*found, "helps_with") if obj is not None else found

    @admin.display(description="Helps with")
    def helps_with(self, obj: RunbookVersion) -> str:
        """The reasons of handoffs that offer it."""
        return ", ".join(obj.failure_modes)


@admin.register(Intervention)
class InterventionAdmin(UncountedAdmin[Intervention]):
    """Who pressed what, for which ticket, and why."""

    list_display = ("pressed_at", "actor", "action", "ticket", "contract", "reason", "result")
    list_filter = ("action",)
    search_fields = ("ticket__exact",)
    search_help_text = "A ticket such as desk:4812, written out"
    list_select_related = ("actor",)
    ordering = ("-id",)


@admin.register(Backfill)
class BackfillAdmin(UncountedAdmin[Backfill]):
    """Replays of many events, and how far they are."""

    list_display = ("reference", "title", "state", "total", "contract", "ticket", "created_at")
    list_filter = ("state",)
    search_fields = ("ticket__exact", "title")
    list_select_related = ("intervention__actor",)
    ordering = ("-id",)
