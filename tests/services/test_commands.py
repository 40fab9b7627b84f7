"""Commands of operators: rights of a database role, a run's timeline."""

from __future__ import annotations

import json
from collections.abc import Generator

import pytest
from django.conf import settings
from django.core import management
from django.core.management.base import CommandError
from django.db import connections

from contracts_app.queries import clock
from meshline.core.ids import uuid7_at
from orchestration.models import Effect, FlowVersion, Run, StepRecord

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
