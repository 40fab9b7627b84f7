"""Rights of the application's role on tables that another role owns."""

from __future__ import annotations

from django.db import connections
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from meshline.core.errors import Misconfigured, NotFound

AUDIT = "contracts_app_auditentry"


def grant_application(role: str) -> dict[str, int]:
    """Give a role what the application needs in this database, and no way to change the audit.

    Runs as the owner's role (MIGRATE_DATABASE_URL). Safe to repeat. Returns how many tables and
    sequences there are.
    Raises: NotFound if there is no such role; Misconfigured if it is the owner itself.
    """
    connection = connections["owner"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        owner = cursor.fetchone()[0]
        if owner == role:
            raise Misconfigured(
                f"{role} owns the tables, so nothing can be kept from it.",
                remedy="Name the role of DATABASE_URL, and set MIGRATE_DATABASE_URL to the owner.",
            )
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            raise NotFound(
                f"There is no database role {role}.", remedy="CREATE ROLE … LOGIN first."
            )
        who = sql.Identifier(role)
        for statement in _STATEMENTS:
            cursor.execute(sql.SQL(statement).format(who=who, audit=sql.Identifier(AUDIT)))
        _narrow_partitions(cursor, who)
        return {"tables": _count(cursor, "r"), "sequences": _count(cursor, "S")}


_STATEMENTS = (
    "GRANT USAGE ON SCHEMA public TO {who}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {who}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {who}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public "
    "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {who}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {who}",
    "REVOKE UPDATE, DELETE, TRUNCATE ON {audit} FROM {who}",
    "GRANT EXECUTE ON FUNCTION meshline_make_partitions(integer) TO {who}",
)


def _narrow_partitions(cursor: CursorWrapper, who: sql.Identifier) -> None:
    """Everybody but the owner comes in by the parent, whose rights are the narrow ones."""
    cursor.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_partitioned_table p"
        " ON p.partrelid = inhparent"
    )
    for (name,) in cursor.fetchall():
        cursor.execute(
            sql.SQL("REVOKE ALL ON {part} FROM {who}").format(part=sql.Identifier(name), who=who)
        )


def _count(cursor: CursorWrapper, kind: str) -> int:
    cursor.execute(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind = %s",
        [kind],
    )
    return int(cursor.fetchone()[0])
