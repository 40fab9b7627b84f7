"""Console routes, named console:<screen>-<verb>."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path

from meshline.console import audit, backfills, buttons, held, inbox, registry, runs, tickets

app_name = "console"


@login_not_required
def hello(request: HttpRequest) -> HttpResponse:
    """The first page, until Today takes its place."""
    return HttpResponse("Meshline runs here.\n", content_type="text/plain")


urlpatterns = [
    path("", hello, name="signin"),
    path("handoffs/", inbox.handoff_list, name="handoffs"),
    path("handoffs/<int:ref>/", inbox.handoff_page, name="handoff"),
    path("handoffs/<int:ref>/claim/", inbox.handoff_claim, name="handoff-claim"),
    path("handoffs/<int:ref>/resolve/", inbox.handoff_resolve, name="handoff-resolve"),
    path("buttons/<str:kind>/<str:ref>/<str:slug>/", buttons.button_preview, name="button-preview"),
    path(
        "buttons/<str:kind>/<str:ref>/<str:slug>/press/", buttons.button_press, name="button-press"
    ),
    path("presses/<int:pk>/", buttons.press_page, name="press"),
    path("runs/", runs.run_list, name="runs"),
    path("runs/<uuid:pk>/", runs.run_page, name="run"),
    path("tickets/<str:key>/", tickets.ticket_page, name="ticket"),
    path("receipts/<str:key>/", tickets.receipt, name="receipt"),
    path("contracts/", registry.contract_list, name="contracts"),
    path("contracts/export.csv", registry.contracts_csv, name="contracts-csv"),
    path("contracts/<str:name>/", registry.contract_detail, name="contract"),
    path("contracts/<str:name>/<str:version>/", registry.contract_detail, name="contract-version"),
    path(
        "contracts/<str:name>/<str:version>/schema.json",
        registry.contract_schema,
        name="contract-schema",
    ),
    path("audit/", audit.audit_log, name="audit"),
    path("audit/export.csv", audit.audit_csv, name="audit-csv"),
    path("held/", held.held_list, name="held"),
    path("held/<uuid:event_id>/release/", held.held_release, name="held-release"),
    path("held/<uuid:event_id>/discard/", held.held_discard, name="held-discard"),
    path("backfills/", backfills.backfill_list, name="backfills"),
    path("backfills/<int:pk>/", backfills.backfill_page, name="backfill"),
    path("backfills/<int:pk>/report.csv", backfills.backfill_csv, name="backfill-csv"),
    path("backfills/<int:pk>/steer/", backfills.backfill_steer, name="backfill-steer"),
]
