"""API routes."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from meshline.api.base import no_such_address
from meshline.api.contract_check import ContractCheck
from meshline.api.contract_sync import VersionList, VersionText
from meshline.api.health import Health, Readiness
from meshline.api.intake import EventIntake
from meshline.api.registry import ContractList, VersionDetail
from meshline.api.runs import RunDetail, RunList
from meshline.api.verification import CanDeploy, DeploymentList, VerificationList

app_name = "api"

urlpatterns = [
    path("healthz", Health.as_view(), name="healthz"),
    path("readyz", Readiness.as_view(), name="readyz"),
    path("ingest/<str:source>", EventIntake.as_view(), name="ingest"),
    path("runs", RunList.as_view(), name="runs"),
    path("runs/<uuid:run_id>", RunDetail.as_view(), name="run"),
    path("contracts", ContractList.as_view(), name="contracts"),
    path("contracts/versions", VersionList.as_view(), name="contract-versions"),
    path(
        "contracts/<str:name>/versions/<str:version>/text",
        VersionText.as_view(),
        name="contract-text",
    ),
    path("contracts/<str:name>/check", ContractCheck.as_view(), name="contract-check"),
    path(
        "contracts/<str:name>/versions/<str:version>",
        VersionDetail.as_view(),
        name="contract-version",
    ),
    path(
        "contracts/<str:name>/versions/<str:version>/verifications",
        VerificationList.as_view(),
        name="verifications",
    ),
    path("deployments", DeploymentList.as_view(), name="deployments"),
    path("can-i-deploy", CanDeploy.as_view(), name="can-i-deploy"),
    re_path(r"", csrf_exempt(login_not_required(no_such_address))),
]
