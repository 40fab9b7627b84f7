"""Verifications and deployments over the API, and `meshline can-i-deploy` on a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from contracts_app.models import AuditEntry, Deployment, Verification
from tests.api.web import ROOT, running_web
from tests.builders import given_document
from tests.rules.test_change_check import REFUND

Keys = Callable[..., str]
NAME = "billing.refund.completed"
VERIFY = f"/api/v1/contracts/{NAME}/versions/1.2.0/verifications"
DEPLOY = "/api/v1/deployments"
PASSED = {"system": "bi", "version": "7", "result": "passed"}
THERE = {"system": "bi", "version": "7", "environment": "production"}


def post(client: Client, address: str, body: Any, token: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return client.post(address, json.dumps(body), "application/json", headers=headers)


def ask(client: Client, token: str, system: str = "bi", version: str = "7") -> Any:
    address = f"/api/v1/can-i-deploy?system={system}&version={version}&to=production"
    return client.get(address, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def refund(db: None) -> None:
    """One contract alone: billing sends it, bi and the help desk take it."""
    given_document(REFUND)


@pytest.mark.usefixtures("refund")
class TestApi:
    def test_what_is_told_is_stored_and_audited(self, client: Client, key: Keys) -> None:
        token = key("contracts:verify")
        assert post(client, VERIFY, PASSED, token).status_code == 201
        assert post(client, DEPLOY, THERE, token).status_code == 201
        assert Verification.objects.get().passed
        assert Deployment.objects.get().environment == "production"
        entries = AuditEntry.objects.filter(action__in=["contract.verify", "system.deploy"])
        assert {one.actor.partition(":")[0] for one in entries} == {"key"}
        assert len(entries) == 2

    @pytest.mark.parametrize(
        ("address", "body", "status"),
        [
            (VERIFY, {**PASSED, "system": "nobody"}, 400),
            (VERIFY, {**PASSED, "result": "perhaps"}, 400),
            (VERIFY, {**PASSED, "more": "x"}, 400),
            (VERIFY, {"system": "bi", "version": "7"}, 400),
            (VERIFY, [], 400),
            (VERIFY, {**PASSED, "version": 7}, 400),
            (VERIFY.replace("1.2.0", "9.9.9"), PASSED, 404),
            (DEPLOY, {**THERE, "environment": "a b"}, 400),
        ],
    )
    def test_wrong_word_is_a_problem_and_stores_nothing(
        self, client: Client, key: Keys, address: str, body: Any, status: int
    ) -> None:
        assert post(client, address, body, key("contracts:verify")).status_code == status
        assert not Verification.objects.exists()
        assert not Deployment.objects.exists()

    def test_reading_key_writes_nothing(self, client: Client, key: Keys) -> None:
        token = key("contracts:read")
        assert post(client, VERIFY, PASSED, token).status_code == 403
        assert post(client, DEPLOY, THERE, token).status_code == 403
        assert ask(client, key("contracts:verify")).status_code == 403

    def test_latest_result_and_latest_deployment_count(self, client: Client, key: Keys) -> None:
        token = key("contracts:verify", "contracts:read")
        for result in ("failed", "passed"):
            post(client, VERIFY, {**PASSED, "result": result}, token)
        assert ask(client, token).json()["verdict"] == "yes"
        post(client, VERIFY, {**PASSED, "result": "failed"}, token)
        assert ask(client, token).json()["verdict"] == "failed"
        post(client, VERIFY, PASSED, token)
        billing = {"system": "billing", "environment": "production"}
        for version in ("4", "5"):
            post(client, DEPLOY, {**billing, "version": version}, token)
        post(client, VERIFY, {"system": "billing", "version": "4", "result": "passed"}, token)
        assert ask(client, token).json()["verdict"] == "unverified"
        post(client, VERIFY, {"system": "billing", "version": "5", "result": "passed"}, token)
        assert ask(client, token).json()["verdict"] == "yes"

    def test_system_that_no_contract_names_is_not_found(self, client: Client, key: Keys) -> None:
        token = key("contracts:read")
        assert ask(client, token, system="typo").status_code == 404
        assert ask(client, token, system="").status_code == 400


@pytest.mark.django_db(transaction=True)
def test_command_ends_with_a_code_of_its_own_for_each_answer(
    process_environment: dict[str, str], client: Client, key: Keys
) -> None:
    given_document(REFUND)
    token = key("contracts:verify", "contracts:read")
    with running_web(process_environment) as web:

        def asked(*words: str, token: str = token) -> subprocess.CompletedProcess[str]:
            address = f"http://localhost:{web.port}"
            command = [sys.executable, "-m", "meshline.cli", "can-i-deploy", *words]
            return subprocess.run(
                [*command, "--to", "production", "--against", address],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
                env={"PATH": "", "MESHLINE_API_KEY": token},
            )

        unverified = asked("bi", "7")
        post(client, VERIFY, PASSED, token)
        yes = asked("bi", "7")
        post(client, VERIFY, {**PASSED, "result": "failed"}, token)
        failed = asked("bi", "7")
        unknown, refused = asked("typo", "7"), asked("bi", "7", token="msh_no")

    done = [unverified, yes, failed, unknown, refused]
    assert [one.returncode for one in done] == [3, 0, 1, 2, 2], [one.stdout for one in done]
    assert yes.stdout.startswith("Yes: bi 7 may go to production.")
    assert "not-deployed: billing is not deployed there yet" in yes.stdout
    assert "names the system typo" in unknown.stdout
