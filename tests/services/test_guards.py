"""What the database itself refuses: changing the audit log, changing what is published."""

from __future__ import annotations

import os
from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from contracts_app.models import AuditEntry, Rota
from contracts_app.queries import clock
from contracts_app.services import audit
from meshline.core.ids import uuid7_at
from tests.conftest import database_url

pytestmark = pytest.mark.django_db


def given_entry() -> AuditEntry:
    return audit.record(
        action="handoff.claim", actor="nadia", object_type="handoff", object_id=1, ticket="desk:1"
    )


def test_audit_entry_cannot_be_changed_or_deleted_by_its_owner() -> None:
    entry = given_entry()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(reason="nothing happened")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).delete()


def test_audit_log_cannot_be_emptied() -> None:
    given_entry()

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE contracts_app_auditentry ENABLE TRIGGER audit_no_truncate")
        with pytest.raises(DatabaseError, match="append-only"):
            cursor.execute("TRUNCATE contracts_app_auditentry")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contracts_app_auditentry SET reason = 'x'",
        "DELETE FROM contracts_app_auditentry",
        "TRUNCATE contracts_app_auditentry",
        "DELETE FROM contracts_app_auditentry_default",
        "DROP TRIGGER audit_append_only ON contracts_app_auditentry",
        "ALTER TABLE contracts_app_auditentry DISABLE TRIGGER ALL",
    ],
)
def test_application_role_can_neither_alter_the_audit_nor_its_guard(statement: str) -> None:
    address = database_url(role_url=os.environ["MESHLINE_TEST_APPLICATION_URL"])
    with psycopg.connect(address) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute(statement)


def test_application_role_can_add_to_the_audit_and_ask_for_partitions() -> None:
    address = database_url(role_url=os.environ["MESHLINE_TEST_APPLICATION_URL"])
    with psycopg.connect(address) as session:
        session.execute("SELECT meshline_make_partitions(1)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(
                "CREATE TABLE sneaky PARTITION OF contracts_app_auditentry "
                "FOR VALUES FROM ('ffffffff-0000-0000-0000-000000000000') TO (MAXVALUE)"
            )


def test_events_of_this_month_and_the_next_have_a_partition() -> None:
    now = clock.now()
    for moment in (now, now + timedelta(days=31)):
        entry_id = uuid7_at(moment)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_class WHERE relname = %s",
                [f"orchestration_event_{moment:%Y%m}"],
            )
            assert cursor.fetchone() == (1,), entry_id


def test_published_rota_is_frozen() -> None:
    rota = Rota.objects.create(name="primary", number=1, state="published", text="a", digest="d")

    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        Rota.objects.filter(pk=rota.pk).update(text="b")
    with pytest.raises(DatabaseError, match="never deleted"), transaction.atomic():
        rota.delete()
