"""The databases that the environment names: whether they answer, and whether they are one."""

from __future__ import annotations

from typing import Any

import psycopg

from meshline import env, mishaps

# Anybody may ask this. Host names differ for one server (a socket, an alias); what it says not.
_WHICH = (
    "SELECT current_database(), current_setting('port'),"
    " extract(epoch FROM pg_postmaster_start_time())"
)


def connect(name: str, address: str) -> psycopg.Connection[Any]:
    """Sign in to the database at `address`, the value of the variable `name`.

    Raises: SettingError, naming the variable and never the password.
    """
    found = env.database_parts(name, address)
    # By parts: libpq would repeat a malformed address, with its password, in its message.
    parts: dict[str, Any] = {
        key: found[key.upper()] or None for key in ("user", "password", "host", "port")
    }
    options = {"connect_timeout": 5, **found["OPTIONS"]}
    try:
        return psycopg.connect(dbname=found["NAME"], autocommit=True, **parts, **options)
    except psycopg.Error as error:
        raise env.SettingError(
            f"{name} cannot be used: {mishaps.reason(error)}. "
            "Is that server up, and are its user, password and database right?"
        ) from None


def check_one(application: str, owner: str) -> None:
    """Sign in at both addresses and see that they lead to one database.

    Raises: SettingError, naming both variables if there are two.
    """
    with connect("DATABASE_URL", application) as connection:
        ours = connection.execute(_WHICH).fetchone()
    if owner == application:
        return
    with connect("MIGRATE_DATABASE_URL", owner) as connection:
        theirs = connection.execute(_WHICH).fetchone()
    if ours != theirs:
        raise env.SettingError(
            f"DATABASE_URL leads to {_place('DATABASE_URL', application)} and MIGRATE_DATABASE_URL "
            f"to {_place('MIGRATE_DATABASE_URL', owner)}: another database. Let both name the "
            "same one; only their users differ."
        )


def _place(name: str, address: str) -> str:
    found = env.database_parts(name, address)
    port = f":{found['PORT']}" if found["PORT"] else ""
    return f"{found['NAME']} at {found['HOST'] or 'localhost'}{port}"
