"""Console routes, named console:<screen>-<verb>."""

from __future__ import annotations

from django.urls import path

from meshline.console import (
    account,
    audit,
    backfills,
    buttons,
    contract_downloads,
    dashboards,
    demo,
    held,
    inbox,
    inventory,
    inventory_form,
    inventory_import,
    registry,
    runs,
    search,
    signin,
    tickets,
    today,
)

app_name = "console"


urlpatterns = [
    path("", today.today, name="today"),
    path("today.csv", today.today_csv, name="today-csv"),
    path("duplicates/", today.duplicates, name="duplicates"),
    path("search/", search.search, name="search"),
    path("sla/", dashboards.dashboard, name="sla"),
    path("sla.csv", dashboards.sla_csv, name="sla-csv"),
    path("signin/", signin.SignIn.as_view(), name="signin"),
    path("signout/", signin.SignOut.as_view(), name="signout"),
    path("account/", account.account, name="account"),
    path("account/password/", signin.PasswordChange.as_view(), name="password"),
    path("account/password/done/", signin.PasswordDone.as_view(), name="password-done"),
    path("demo/", demo.ribbon_part, name="demo-ribbon"),
    path("demo/start/", demo.start, name="demo-start"),
    path("demo/pause/", demo.pause, name="demo-pause"),
    path("demo/again/", demo.again, name="demo-again"),
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
    path(
        "contracts/<str:name>/<str:version>/as/<str:standard>",
        contract_downloads.contract_standard,
        name="contract-standard",
    ),
    path("inventory/", inventory.flow_list, name="inventory"),
    path("inventory.csv", inventory.inventory_csv, name="inventory-csv"),
    path("inventory/pilot/", inventory.pilot, name="inventory-pilot"),
    path("inventory/add/", inventory_form.flow_add, name="inventory-add"),
    path("inventory/assess/", inventory_form.assess_part, name="inventory-assess"),
    path("inventory/import/", inventory_import.import_page, name="inventory-import"),
    path("inventory/import/apply/", inventory_import.import_apply, name="inventory-import-apply"),
    path("inventory/<str:name>/", inventory_form.flow_page, name="inventory-flow"),
    path("inventory/<str:name>/remove/", inventory_form.flow_remove, name="inventory-remove"),
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
