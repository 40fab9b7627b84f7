"""Commands of operators: rights of a database role, a run's timeline."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core import management
from django.core.management.base import CommandError
from django.db import connections

from contracts_app.models import ApiKey, Source
from contracts_app.queries import clock
from contracts_app.services import publishing
from meshline.core.ids import uuid7_at
from orchestration.models import Effect, FlowVersion, Run, StepRecord
from tests.builders import PILOT

pytestmark = pytest.mark.django_db(databases=["default", "owner"])

ROLE = settings.APPLICATION_ROLE


@pytest.fixture(scope="module", autouse=True)
def _owners_connection_ends(django_db_setup: None) -> Generator[None]:
    yield
    connections["owner"].close()


def may(right: str, table: str) -> bool:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, %s, %s)", [ROLE, table, right])
        return bool(cursor.fetchone()[0])


def test_granted_role_gets_every_table_but_cannot_change_the_audit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(f'REVOKE ALL ON ALL TABLES IN SCHEMA public FROM "{ROLE}"')
    assert not may("SELECT", "contracts_app_contract")

    management.call_command("database_grant", ROLE)

    printed = json.loads(capsys.readouterr().out)
    assert printed["role"] == ROLE
    assert printed["tables"] > 20
    for right in ("SELECT", "INSERT", "UPDATE", "DELETE"):
        assert may(right, "contracts_app_contract"), right
    assert may("INSERT", "contracts_app_auditentry")
    for right in ("UPDATE", "DELETE", "TRUNCATE"):
        assert not may(right, "contracts_app_auditentry"), right
    assert not may("DELETE", "contracts_app_auditentry_default")
    assert not may("INSERT", "contracts_app_auditentry_default")


def test_grant_refuses_the_owner_and_an_unknown_role() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT current_user")
        owner = cursor.fetchone()[0]

    with pytest.raises(CommandError, match="owns the tables"):
        management.call_command("database_grant", owner)
    with pytest.raises(CommandError, match="no database role"):
        management.call_command("database_grant", "nobody_of_that_name")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["apikey_create", "erp", "--source", "nosuch"], "no source nosuch"),
        (["apikey_create", "erp", "--scope", "runs:read", "--days", "0"], "cannot live 0 days"),
        (["apikey_create", "erp", "--scope", "runs:read", "--days=-5"], "cannot live -5 days"),
        (["apikey_create", "erp", "--scope", "runs:read", "--days", "9" * 11], "--days from 1"),
        (["apikey_create", "erp"], "something that it may do"),
        (["user_create", "", "--role", "admin"], "name is empty"),
        (["user_create", "anna", "--role", "admin", "--role", "auditor"], "one role"),
        (["source_create", "erp", "--scheme", "apikey", "--contract", "a.b", "--secret", "x" * 20],
         "takes no signing secret"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_and_nothing_is_made(words: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        management.call_command(*words)
    assert [kind for kind in (ApiKey, User, Source) if kind.objects.exists()] == []


def test_a_source_of_a_running_set_gets_an_absolute_address(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = PILOT / "contracts" / "support" / "support.refund.requested" / "1.0.0.yaml"
    publishing.install(text=file.read_text(), now=clock.now())
    monkeypatch.setattr(settings, "CONSOLE_URL", "")
    monkeypatch.setenv("MESHLINE_VAR", str(tmp_path))
    (tmp_path / "local.json").write_text(json.dumps({"address": "http://127.0.0.1:8123"}))

    management.call_command("source_create", "erp", "--contract", "support.refund.requested")

    printed = json.loads(capsys.readouterr().out)
    assert printed["address"] == "http://127.0.0.1:8123/api/v1/ingest/erp"


def test_timeline_of_a_run_is_found_by_run_event_and_ticket(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = clock.now()
    event_id = uuid7_at(now)
    flow = FlowVersion.objects.create(name="f", number=1, state="published", text="-", digest="d")
    run = Run.objects.create(
        id=uuid7_at(now), event_id=event_id, flow="f", flow_version=flow, contract="a.b",
        contract_version="1.0.0", ticket="desk:7", state="waiting", created_at=now, advanced_at=now,
    )  # fmt: skip
    StepRecord.objects.create(run=run, path="refund", state="done", result={"secret": "of Jane"})
    Effect.objects.create(
        scope="billing.create_refund", key="k", event_id=event_id, run_id=run.pk,
        last_run_id=run.pk, path="refund", flow="f", contract="a.b", digest="d", state="done",
        created_at=now,
    )  # fmt: skip

    for what in (str(run.pk), str(event_id), "desk:7"):
        management.call_command("run_show", what)
        text = capsys.readouterr().out
        (shown,) = json.loads(text)
        assert (shown["run"], shown["state"]) == (str(run.pk), "waiting")
        assert [step["path"] for step in shown["steps"]] == ["refund"]
        assert [effect["state"] for effect in shown["effects"]] == ["done"]
        assert "Jane" not in text
    with pytest.raises(CommandError, match="No run"):
        management.call_command("run_show", "desk:8")
