"""Pages of flows."""

from __future__ import annotations

from django.contrib import admin

from contracts_app.admin.documents import DocumentAdmin
from orchestration.models import FlowVersion
from orchestration.rules.flow_schema import FLOW_SCHEMA
from orchestration.services.flows import FLOW


@admin.register(FlowVersion)
class FlowVersionAdmin(DocumentAdmin[FlowVersion]):
    """Declared steps; each run pins the version under which it began."""

    kind = FLOW
    shape = FLOW_SCHEMA
    list_display = ("name", "number", "state", "trigger", "title", "published_at", "published_by")
    list_filter = ("state", ("trigger", admin.AllValuesFieldListFilter))
    search_fields = ("name", "title", "trigger")
    identity = (
        "name",
        "number",
        "state",
        "trigger",
        "created_by",
        "published_at",
        "published_by",
    )
    skeleton = """\
meshline: flow/v1
name: my-flow
version: 1
title: What it achieves for the customer
risk: medium
owner: {runtime: support-platform}
trigger: {contract: support.ticket.created, version: "^1"}
ticket: "= event.data.ticket_id"
deadline: PT4H
exception_route: {runbook: run-failed}
steps:
  - id: note
    call: helpdesk.add_note
    with: {ticket: "= run.ticket", comment: "Seen."}
"""
