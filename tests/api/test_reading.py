"""Runs and contracts over the API: by scope, masked, published only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from contracts_app.models import ApiKey, Contract, ContractVersion
from contracts_app.queries import clock
from contracts_app.services.credentials import revoke_key
from orchestration.models import StepRecord
from tests.builders import accepted, refund_requested, run_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]

Keys = Callable[..., str]


def get(client: Client, address: str, token: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return client.get(f"/api/v1/{address}", headers=headers)


ADDRESSES = [
    "runs?ticket=desk:4812",
    "contracts",
    "contracts/billing.refund.completed/versions/1.2.0",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_reading_needs_a_key_with_its_own_scope(client: Client, key: Keys, address: str) -> None:
    wrong = "contracts:read" if address.startswith("runs") else "runs:read"
    right = "runs:read" if address.startswith("runs") else "contracts:read"
    unknown, refused = get(client, address), get(client, address, key(wrong, "ingest:*"))
    assert (unknown.status_code, unknown["www-authenticate"]) == (401, "Bearer")
    assert refused.status_code == 403
    assert f"the scope {right}" in refused.json()["remedy"]
    assert get(client, address, key(right)).status_code == 200
    for answer in (unknown, refused):
        assert answer["content-type"] == "application/problem+json"


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_is_written_over_the_reading_addresses(
    client: Client, key: Keys, address: str, method: str
) -> None:
    headers = {"Authorization": f"Bearer {key('runs:read', 'contracts:read')}"}
    answer = client.generic(method, f"/api/v1/{address}", headers=headers)
    assert answer.status_code == 405
    assert answer["allow"] == "GET, HEAD"


def test_revoked_key_reads_nothing_from_then_on(client: Client, key: Keys) -> None:
    token = key("contracts:read")
    assert get(client, "contracts", token).status_code == 200
    revoke_key(key=ApiKey.objects.get(), now=clock.now())
    assert get(client, "contracts", token).status_code == 401


def test_runs_of_a_ticket_are_listed_newest_first_and_of_that_ticket_only(
    client: Client, key: Keys
) -> None:
    runs = [run_of(accepted("helpdesk", refund_requested(ticket="5001"))) for _ in range(2)]
    accepted("helpdesk", refund_requested(ticket="5002"))
    told = get(client, "runs?ticket=desk:5001", key("runs:read")).json()
    assert [run["id"] for run in told["runs"]] == [str(run.pk) for run in reversed(runs)]
    assert told["next"] is None
    assert told["runs"][0]["flow"] == "refund-completion"


def test_run_is_found_by_its_event_and_shown_with_its_steps(client: Client, key: Keys) -> None:
    receipt = accepted("helpdesk", refund_requested(ticket="5003"))
    run = run_of(receipt)
    StepRecord.objects.update_or_create(
        run=run, path="refund", defaults={"state": "done", "result": {"id": "re_1"}, "position": 0}
    )
    token = key("runs:read")
    (listed,) = get(client, f"runs?event={receipt.event_id}", token).json()["runs"]
    told = get(client, f"runs/{listed['id']}", token).json()
    assert told["id"] == str(run.pk)
    assert told["amount_minor"] == run.amount_minor
    steps = {step["path"]: step for step in told["steps"]}
    assert (steps["refund"]["state"], steps["refund"]["result"]) == ("done", {"id": "re_1"})


def test_no_personal_data_leaves_with_a_run(client: Client, key: Keys) -> None:
    receipt = accepted("helpdesk", refund_requested(customer_id="", ticket="5004"))
    run = run_of(receipt)
    StepRecord.objects.update_or_create(
        run=run,
        path="ticket",
        defaults={
            "state": "failed",
            "error": "maja@example.com is no address",
            "result": {"requester": {"name": "Maja Lindqvist", "email": "maja@example.com"}},
        },
    )
    answer = get(client, f"runs/{run.pk}", key("runs:read")).content.decode()
    assert "desk:5004" in answer
    for personal in ("maja@", "Lindqvist", "Maja"):
        assert personal not in answer


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("runs", 400),
        ("runs?event=x", 400),
        ("runs?ticket=x", 400),
        ("runs?ticket=desk:1&event=0199c0de-0000-7000-8000-000000000001", 400),
        ("runs?ticket=desk:1&after=x", 400),
        ("runs/0199c0de-0000-7000-8000-000000000001", 404),
        ("runs/x", 404),
        ("contracts/nope/versions/1.0.0", 404),
        ("contracts/billing.refund.completed/versions/9.9.9", 404),
    ],
)
def test_wrong_question_is_a_problem(client: Client, key: Keys, address: str, status: int) -> None:
    answer = get(client, address, key("runs:read", "contracts:read"))
    assert answer.status_code == status
    assert answer["content-type"] == "application/problem+json"


def test_long_list_of_runs_comes_in_pages(client: Client, key: Keys) -> None:
    runs = {
        str(run_of(accepted("helpdesk", refund_requested(ticket="5005"))).pk) for _ in range(103)
    }
    token = key("runs:read")
    first = get(client, "runs?ticket=desk:5005", token).json()
    rest = get(client, f"runs?ticket=desk:5005&after={first['next']}", token).json()
    assert (len(first["runs"]), len(rest["runs"]), rest["next"]) == (100, 3, None)
    assert {run["id"] for run in first["runs"] + rest["runs"]} == runs


def test_contracts_are_listed_with_published_versions_and_no_drafts(
    client: Client, key: Keys
) -> None:
    contract = Contract.objects.get(name="billing.refund.completed")
    published = contract.versions.get()
    draft = {"text": published.text, "body": published.body, "digest": "0" * 64}
    ContractVersion.objects.create(contract=contract, version="2.0.0", state="draft", **draft)
    secret = Contract.objects.create(name="secret.plan")
    ContractVersion.objects.create(contract=secret, version="0.1.0", state="draft", **draft)
    token = key("contracts:read")
    told = {one["name"]: one for one in get(client, "contracts", token).json()["contracts"]}
    assert "secret.plan" not in told
    listed = told["billing.refund.completed"]["versions"]
    assert [(one["version"], one["state"]) for one in listed] == [(published.version, "active")]
    assert (
        get(client, "contracts/billing.refund.completed/versions/2.0.0", token).status_code == 404
    )


def test_version_is_told_with_its_whole_document(client: Client, key: Keys) -> None:
    version = ContractVersion.objects.get(contract__name="billing.refund.completed")
    address = f"contracts/billing.refund.completed/versions/{version.version}"
    told = get(client, address, key("contracts:read")).json()
    assert told["document"] == version.body
    assert told["digest"] == version.digest


def test_health_is_open_and_says_what_is_up(client: Client) -> None:
    assert get(client, "healthz").json() == {"status": "ok"}
    assert get(client, "readyz").json() == {"status": "ready", "database": "ok", "broker": "ok"}
    assert get(client, "readyz")["cache-control"] == "no-store"


def test_unknown_host_is_told_which_setting_names_it(client: Client) -> None:
    answer = client.get("/api/v1/healthz", headers={"Host": "console.example"})
    assert answer.status_code == 400
    assert "MESHLINE_ALLOWED_HOSTS" in answer.json()["remedy"]
