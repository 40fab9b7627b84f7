"""The verdict over the API, and `meshline check --against` on a real server: one answer."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from contracts_app.models import ContractVersion
from meshline.check_against import MOST_AT_ONCE
from meshline.core import yaml12
from tests.api.between import between
from tests.api.web import ROOT, Web, running_web
from tests.builders import given_pilot
from tests.rules.test_change_check import NAME, NO_FAILED, ONE_MORE, REFUND, UNSURE, written

Keys = Callable[..., str]
BLOCK = ("on_unknown: review", "on_unknown: block")
ADDRESS = f"/api/v1/contracts/{NAME}/check"


def post(client: Client, body: Any, token: str, address: str = ADDRESS) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return client.post(address, json.dumps(body), "application/json", headers=headers)


def proposal(tmp_path: Path, version: str, *edits: tuple[str, str]) -> Any:
    return yaml12.load(written(tmp_path, version, *edits).read_bytes()).value


@pytest.mark.django_db
@pytest.mark.usefixtures("world")
class TestApi:
    @pytest.mark.parametrize(
        ("version", "edits", "outcome", "verdict", "least"),
        [
            ("1.3.0", ONE_MORE, "passes", "compatible", "1.3.0"),
            ("1.2.1", ONE_MORE, "refused", "compatible", "1.3.0"),
            ("1.3.0", NO_FAILED, "refused", "breaking", "2.0.0"),
            ("1.3.0", UNSURE, "undecided", "unknown", "2.0.0"),
            ("2.0.0", (*UNSURE, BLOCK), "refused", "unknown", "2.0.0"),
        ],
    )
    def test_contract_is_judged_against_what_is_in_service(
        self, client: Client, key: Keys, tmp_path: Path, version: str, edits: Any, outcome: str,
        verdict: str, least: str,
    ) -> None:  # fmt: skip
        body = proposal(tmp_path, version, *edits)
        before = ContractVersion.objects.count()

        answer = post(client, body, key("contracts:read"))

        told = answer.json()
        assert answer.status_code == 200
        assert (told["outcome"], told["verdict"]) == (outcome, verdict)
        assert told["least_version"] == least
        assert ContractVersion.objects.count() == before

    def test_what_is_in_service_exactly_so_is_unchanged(self, client: Client, key: Keys) -> None:
        told = post(client, yaml12.load(REFUND).value, key("contracts:read")).json()
        assert (told["outcome"], told["verdict"]) == ("passes", "unchanged")

    def test_schema_alone_is_judged_with_its_payload(self, client: Client, key: Keys) -> None:
        value: Any = yaml12.load(REFUND).value
        schema = copy.deepcopy(value["schema"]["payload"])
        schema["properties"]["data"]["properties"]["status"]["enum"] = ["pending", "succeeded"]

        told = post(client, {"schema": schema}, key("contracts:read")).json()

        (comparison,) = told["comparisons"]
        assert told["outcome"] == "refused"
        assert comparison["counterexample"]["payload"]["data"]["status"] == "failed"
        assert "enum-value-removed" in {one["rule"] for one in comparison["changes"]}

    @pytest.mark.parametrize(
        ("body", "status", "address"),
        [
            ({}, 400, ADDRESS),
            ([], 400, ADDRESS),
            ({"schema": {"type": "strin"}}, 422, ADDRESS),
            ({"schema": {"$ref": "http://x.example/s"}}, 422, ADDRESS),
            ({"schema": True}, 404, "/api/v1/contracts/no.such/check"),
            ({"meshline": "contract/v1", "name": NAME}, 422, ADDRESS),
            ({"schema": {"description": "x" * 300_000}}, 413, ADDRESS),
        ],
    )
    def test_wrong_body_is_a_problem_that_says_what(
        self, client: Client, key: Keys, body: Any, status: int, address: str
    ) -> None:
        answer = post(client, body, key("contracts:read"), address)
        assert answer.status_code == status
        assert answer["content-type"] == "application/problem+json"
        assert answer.json()["detail"]

    def test_needs_its_scope(self, client: Client, key: Keys) -> None:
        assert post(client, {"schema": True}, key("runs:read")).status_code == 403
        assert client.post(ADDRESS, "{}", "application/json").status_code == 401

    def test_contract_of_another_name_is_refused(self, client: Client, key: Keys) -> None:
        body = {**yaml12.load(REFUND).value, "name": "billing.refund.other"}
        answer = post(client, body, key("contracts:read"))
        assert answer.status_code == 422
        assert "billing.refund.other" in answer.json()["detail"]

    def test_named_contracts_are_listed_with_the_digests_of_their_texts(
        self, client: Client, key: Keys
    ) -> None:
        headers = {"Authorization": f"Bearer {key('contracts:read')}"}
        answer = client.get(f"/api/v1/contracts?name={NAME}&name=no.such", headers=headers)
        (told,) = answer.json()["contracts"]
        assert told["name"] == NAME
        assert len(told["versions"][0]["text_sha256"]) == 64
        many = "&".join(f"name=a.b{number}" for number in range(51))
        assert client.get(f"/api/v1/contracts?{many}", headers=headers).status_code == 400


@pytest.fixture
def web(process_environment: dict[str, str]) -> Iterator[Web]:
    given_pilot("contracts")
    with running_web(process_environment) as started:
        yield started


def check(address: str, token: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "meshline.cli", "check", "--against", address]
    environment = {"PATH": "", "MESHLINE_API_KEY": token}
    return subprocess.run(
        [*command, *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


@pytest.mark.django_db(transaction=True)
def test_command_gives_the_answer_of_the_api(
    web: Web, client: Client, key: Keys, tmp_path: Path
) -> None:
    address, token = f"http://localhost:{web.port}", key("contracts:read")
    folder = tmp_path / "contracts"
    written(folder, "1.3.0", *NO_FAILED)
    (folder / "billing" / NAME / "1.2.0.yaml").write_text(REFUND)

    done = check(address, token, folder, "--format", "json")

    told = json.loads(done.stdout)
    assert (done.returncode, told["unchanged"]) == (1, 1)
    (entry,) = told["entries"]
    answer = post(client, proposal(tmp_path / "again", "1.3.0", *NO_FAILED), token).json()
    assert {key: entry[key] for key in answer} == answer

    safe = written(tmp_path / "safe", "1.3.0", *ONE_MORE)
    assert check(address, token, safe).returncode == 0
    for other, said in ((key("runs:read"), "contracts:read"), ("msh_no", "does not know the key")):
        refused = check(address, other, safe)
        assert refused.returncode == 2
        assert said in refused.stdout
        assert "msh_" not in refused.stdout


@pytest.mark.django_db(transaction=True)
def test_what_a_registry_has_is_fetched_side_by_side_and_once(
    web: Web, key: Keys, tmp_path: Path
) -> None:
    token, folder = key("contracts:read"), tmp_path / "contracts"
    for published in ContractVersion.objects.filter(state="active").select_related("contract"):
        file = folder / published.contract.domain / published.contract.name / "9.0.0.yaml"
        file.parent.mkdir(parents=True)
        line = f"\nversion: {published.version}"
        assert line in published.text
        file.write_text(published.text.replace(line, "\nversion: 9.0.0", 1))

    alone = check(f"http://localhost:{web.port}", token, folder, "--format", "json")
    with between(web.port) as slow:
        slow.delay_s = 0.1
        told = check(f"http://localhost:{slow.port}", token, folder, "--format", "json")
    with between(web.port) as broken:
        broken.mishap = lambda method, path: "before" if "refund.completed/" in path else ""
        away = check(f"http://localhost:{broken.port}", token, folder, "--format", "json")

    assert (told.returncode, told.stdout) == (alone.returncode, alone.stdout)
    fetched = [one for one in slow.asked if "/versions/" in one]
    assert len(fetched) == len(set(fetched)) == len(json.loads(told.stdout)["entries"]) > 10
    assert 2 <= slow.most_at_once <= MOST_AT_ONCE
    (unreadable,) = json.loads(away.stdout)["unreadable"]
    assert away.returncode == 2
    assert "answered 503: The storage does not answer." in unreadable["message"]


@pytest.mark.parametrize(
    ("address", "token", "said"),
    [
        ("http://127.0.0.1:1", "msh_x", "cannot be reached"),
        ("http://registry.example", "msh_x", "is no address of a registry"),
        ("https://user:word@registry.example", "msh_x", "is no address of a registry"),
        ("http://127.0.0.1:1", "", "set MESHLINE_API_KEY"),
    ],
)
def test_registry_that_cannot_be_asked_is_told_in_one_sentence(
    tmp_path: Path, address: str, token: str, said: str
) -> None:
    done = check(address, token, written(tmp_path, "1.3.0"))
    assert done.returncode == 2
    assert said in done.stdout
    assert done.stderr == ""
