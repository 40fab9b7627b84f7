"""What the application's role may do with tables that the owner's role makes."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from meshline.local import databases

_RIGHTS = (("SELECT, INSERT, UPDATE, DELETE", "TABLES"), ("USAGE, SELECT", "SEQUENCES"))


def grant_by_default(connection: psycopg.Connection[Any], *, owner: str, application: str) -> None:
    """Let `application` use every table that `owner` makes from now on in this database.

    Migrations take back what it must not do, such as changing the audit.
    """
    for right, kind in _RIGHTS:
        connection.execute(
            sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT {} ON {} TO {}").format(
                sql.Identifier(owner), sql.SQL(right), sql.SQL(kind), sql.Identifier(application)
            )
        )


@contextmanager
def as_owner(name: str, address: str, *, application: str) -> Generator[None]:
    """While inside, only this process of all may migrate; `application` may use what it makes.

    `address` is the owner's, the value of the variable `name`. Nothing is granted if both roles
    are one. Raises: SettingError if the database cannot be reached.
    """
    with databases.connect(name, address) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext('meshline.migrate'))")
        if connection.info.user != application:
            grant_by_default(connection, owner=connection.info.user, application=application)
        yield
