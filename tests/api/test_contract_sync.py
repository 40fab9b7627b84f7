"""Drafts over the API, and `meshline contracts pull|push|diff` on a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from contracts_app.models import ApiKey, AuditEntry, Contract, ContractVersion
from contracts_app.queries import clock
from contracts_app.services.drafts import edit_draft
from contracts_app.services.pushed_drafts import put_draft, sha256_of
from meshline.core.errors import ChangedMeanwhile, Conflict, MeshlineError
from tests.api.between import between
from tests.api.web import ROOT, running_web
from tests.builders import given_document
from tests.rules.test_change_check import NAME, REFUND

Keys = Callable[..., str]
NEW = REFUND.replace("\nversion: 1.2.0", "\nversion: 1.3.0", 1).replace(
    "supersedes: 1.1.0", "supersedes: null"
)
ADDRESS = f"/api/v1/contracts/{NAME}/versions/1.3.0/text"


def put(client: Client, text: str, token: str, expected: str = "", address: str = ADDRESS) -> Any:
    condition = {"If-Match": f'"{expected}"'} if expected else {"If-None-Match": "*"}
    headers = {"Authorization": f"Bearer {token}", **condition}
    body = json.dumps({"text": text, "reason": "because", "ticket": "desk:4812"})
    return client.put(address, body, "application/json", headers=headers)


@pytest.fixture
def refund(db: None) -> None:
    given_document(REFUND)


@pytest.mark.usefixtures("refund")
class TestApi:
    def test_draft_is_made_then_changed_and_audited(self, client: Client, key: Keys) -> None:
        token = key("contracts:draft", "contracts:read")
        assert put(client, NEW, token).status_code == 201
        changed = f"{NEW}# a comment\r\n"
        answer = put(client, changed, token, sha256_of(NEW))
        assert (answer.status_code, answer["etag"]) == (200, f'"{sha256_of(changed)}"')
        assert ContractVersion.objects.get(version="1.3.0").text == changed
        told = client.get(ADDRESS, headers={"Authorization": f"Bearer {token}"}).json()
        assert (told["text"], told["state"]) == (changed, "draft")
        entries = AuditEntry.objects.filter(action__in=["contract.draft", "contract.edit"])
        key_id = ApiKey.objects.get().key_id
        assert {(one.actor, one.reason, one.ticket) for one in entries} == {
            (f"key:{key_id}", "because", "desk:4812")
        }
        assert len(entries) == 2

    def test_what_was_changed_meanwhile_stays(self, client: Client, key: Keys) -> None:
        token = key("contracts:draft")
        put(client, NEW, token)
        for expected in ("", "0" * 64):
            answer = put(client, f"{NEW}# more\n", token, expected)
            assert answer.status_code == 412
            assert answer.json()["current"]["text_sha256"] == sha256_of(NEW)
        assert ContractVersion.objects.get(version="1.3.0").text == NEW

    def test_published_version_cannot_change(self, client: Client, key: Keys) -> None:
        address = ADDRESS.replace("1.3.0", "1.2.0")
        answer = put(client, f"{REFUND}# x\n", key("contracts:draft"), sha256_of(REFUND), address)
        assert answer.status_code == 409
        assert "1.2.0 is published and cannot change." in answer.json()["detail"]
        assert answer.json()["remedy"] == "Make 1.2.1."

    def test_refused_text_is_told_with_line_and_remedy(self, client: Client, key: Keys) -> None:
        token = key("contracts:draft")
        for text in (NEW.replace("title: ", "titel: ", 1), REFUND, f"\ufeff{NEW}"):
            answer = put(client, text, token)
            assert answer.status_code == 422
            finding = answer.json()["findings"][0]
            assert finding["line"] >= 1
            assert finding["message"]
            assert finding["remedy"]
            if "titel" in text:
                missing = [one for one in answer.json()["findings"] if "missing" in one["message"]]
                assert [one["remedy"] for one in missing] == [
                    "Add the key 'title' at the top of the document, or mend its spelling."
                ]
        assert not ContractVersion.objects.filter(version="1.3.0").exists()

    def test_key_drafts_no_more_than_who_issued_it(self, client: Client, key: Keys) -> None:
        token = key("contracts:draft")
        ApiKey.objects.update(created_by=User.objects.create(username="nobody"))
        assert put(client, NEW, token).status_code == 403
        assert put(client, NEW, key("contracts:read")).status_code == 403

    def test_drafts_are_listed_for_keys_that_may_draft(self, client: Client, key: Keys) -> None:
        put(client, NEW, key("contracts:draft"))
        seen = []
        for token in (key("contracts:read"), key("contracts:read", "contracts:draft")):
            headers = {"Authorization": f"Bearer {token}"}
            told = client.get("/api/v1/contracts/versions", headers=headers).json()
            seen.append({(one["version"], one["state"]) for one in told["versions"]})
        assert seen == [{("1.2.0", "active")}, {("1.2.0", "active"), ("1.3.0", "draft")}]


@pytest.mark.django_db(transaction=True)
def test_folder_and_registry_walk_together(
    process_environment: dict[str, str], key: Keys, tmp_path: Path
) -> None:
    given_document(REFUND)
    Contract.objects.update(domain="billing")
    token = key("contracts:read", "contracts:draft")
    folder = tmp_path / "contracts"
    with running_web(process_environment) as web:

        def run(*words: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "meshline.cli", "contracts", words[0], str(folder)]
            return subprocess.run(
                [*command, "--registry", f"http://localhost:{web.port}", *words[1:]],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
                env={"PATH": "", "MESHLINE_API_KEY": token},
            )

        assert run("diff").returncode == 1
        assert run("pull", "--dry-run").returncode == 0
        assert not folder.exists()
        assert run("pull").returncode == 0
        published = folder / "billing" / NAME / "1.2.0.yaml"
        assert published.read_text() == REFUND
        assert run("diff").returncode == 0

        file = published.with_name("1.3.0.yaml")
        file.write_text(NEW)
        assert run("push").returncode == 0
        draft = ContractVersion.objects.get(version="1.3.0")
        assert (draft.text, draft.state) == (NEW, "draft")

        theirs, mine = f"{NEW}# theirs\n", f"{NEW}# mine\n"
        edit_draft(version=draft, text=theirs, now=clock.now())
        assert run("pull").returncode == 0
        assert file.read_text() == theirs
        file.write_text(mine)
        edit_draft(version=draft, text=NEW, now=clock.now())
        for verb in ("pull", "push"):
            clash = run(verb, "--format", "json")
            (entry,) = json.loads(clash.stdout)["entries"]
            assert (clash.returncode, entry["standing"]) == (1, "both_changed")
            assert "+# mine" in entry["diff"]
            draft.refresh_from_db()
            assert (file.read_text(), draft.text) == (mine, NEW)
        assert run("push", "--take", "folder", f"{NAME}/1.3.0").returncode == 0
        draft.refresh_from_db()
        assert draft.text == mine

        published.write_text(f"{REFUND}# edited\n")
        frozen = run("push")
        assert frozen.returncode == 1
        assert "1.2.0 is published and cannot change; make 1.2.1." in frozen.stdout
        assert run("pull", "--take", "registry", f"{NAME}/1.2.0").returncode == 0
        assert published.read_text() == REFUND
        file.unlink()
        assert run("push").returncode == 0
        assert ContractVersion.objects.filter(version="1.3.0").exists()
        assert run("pull", "--take", "folder", "x/1").returncode == 2

        ContractVersion.objects.filter(version="1.3.0").delete()
        file.write_text(NEW)
        assert "gone in the registry; push --take folder" in run("push").stdout
        file.unlink()
        assert run("pull").returncode == 0
        file.write_text(NEW)
        assert run("push").returncode == 0
        ContractVersion.objects.filter(version="1.3.0").delete()
        gone = run("pull")
        assert "gone in the registry" in gone.stdout
        assert file.read_text() == NEW
        assert run("push").returncode == 0
        assert not ContractVersion.objects.filter(version="1.3.0").exists()
        assert run("push", "--take", "folder", f"{NAME}/1.3.0").returncode == 0
        assert ContractVersion.objects.get(version="1.3.0").text == NEW
    away = run("diff")
    assert (away.returncode, away.stderr) == (2, "")
    assert "cannot be reached" in away.stdout


@pytest.mark.parametrize("known", [True, False], ids=["draft", "contract"])
@pytest.mark.django_db(transaction=True)
def test_of_two_that_push_at_once_one_wins_and_the_other_is_told(key: Keys, known: bool) -> None:
    name = NAME if known else "billing.refund.raced"
    text = NEW.replace(f"name: {NAME}", f"name: {name}", 1)
    key("contracts:draft")
    holder = ApiKey.objects.get()
    now = clock.now()
    if known:
        given_document(REFUND)
        put_draft(name=name, version="1.3.0", text=text, expected="", key=holder, now=now)
    expected = sha256_of(text) if known else ""
    start, won, lost = Barrier(2), [], []

    def push(mine: str) -> None:
        try:
            start.wait(10)
            put_draft(name=name, version="1.3.0", text=mine, expected=expected, key=holder, now=now)
            won.append(mine)
        except MeshlineError as error:
            lost.append(error)
        finally:
            connection.close()

    threads = [Thread(target=push, args=(f"{text}# {who}\n",)) for who in ("one", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert (len(won), len(lost)) == (1, 1)
    assert isinstance(lost[0], ChangedMeanwhile | Conflict)
    assert lost[0].remedy
    assert ContractVersion.objects.get(contract__name=name, version="1.3.0").text == won[0]


@pytest.mark.parametrize("mishap", ["before", "after"])
@pytest.mark.django_db(transaction=True)
def test_push_that_breaks_off_tells_what_was_sent_and_the_next_one_finishes(
    process_environment: dict[str, str], key: Keys, tmp_path: Path, mishap: str
) -> None:
    token = key("contracts:read", "contracts:draft")
    folder = tmp_path / "contracts"
    names = [f"billing.refund.sent{number}" for number in range(3)]
    for name in names:
        file = folder / "billing" / name / "1.3.0.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(NEW.replace(f"name: {NAME}", f"name: {name}", 1))

    def push(port: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "meshline.cli", "contracts", "push", str(folder)]
        return subprocess.run(
            [*command, "--registry", address.format(port), "--format", "json"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": "", "MESHLINE_API_KEY": token},
        )

    address = "http://localhost:{}"
    with running_web(process_environment) as web, between(web.port) as proxy:
        proxy.mishap = lambda method, path: mishap if method == "PUT" and "sent1" in path else ""
        broken = push(proxy.port)
        stored = set(ContractVersion.objects.values_list("contract__name", flat=True))
        proxy.mishap = lambda method, path: ""
        finished = push(proxy.port)

    told, rest = json.loads(broken.stdout), json.loads(finished.stdout)
    assert broken.returncode == told["exit_code"] == 2
    assert [(one["name"], one["done"]) for one in told["entries"]] == [
        (names[0], "sent as a draft")
    ]
    assert "answered 503" in told["summary"] or "cannot be reached" in told["summary"]
    assert names[0] in stored
    assert names[2] not in stored
    assert finished.returncode == 0, finished.stdout
    sent = names[1:] if mishap == "before" else names[2:]
    assert [one["name"] for one in rest["entries"]] == sent
    assert set(ContractVersion.objects.values_list("contract__name", flat=True)) == set(names)
