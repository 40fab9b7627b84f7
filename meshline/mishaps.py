"""What an operator can mend is told in one sentence; anything else keeps its traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable

from meshline.core.errors import Misconfigured

MIGRATE = "Run `meshline up`, or `python manage.py migrate --database owner`."


def told(run: Callable[[], int]) -> int:
    """Return what `run` returns; 1 and one sentence on standard error for a known mishap."""
    try:
        return run()
    except Exception as error:
        said = sentence(error)
        if said is None:
            raise
        sys.stderr.write(f"meshline: {said}\n")
        return 1


def sentence(error: BaseException) -> str | None:
    """What happened and what to do about it, without secrets; None for what we do not know."""
    from meshline.env import SettingError  # loads psycopg, which most commands do without

    if isinstance(error, SettingError):
        return str(error)
    if isinstance(error, Misconfigured):
        return f"{error.message} {error.remedy}".rstrip()
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    return _of_database(error)


def reason(error: BaseException) -> str:
    """The first line that says something in a message of libpq's, without its full stop."""
    lines = [line.strip(" -") for line in str(error).strip().splitlines()]
    found = next((line for line in lines if line and not line.startswith("Multiple")), "")
    for prefix in ("connection failed: ", "connection is bad: "):
        found = found.removeprefix(prefix)
    return found.rstrip(".") or type(error).__name__


def is_missing_table(error: BaseException) -> bool:
    """Whether the database has not been migrated yet, or not far enough."""
    from psycopg import errors

    return isinstance(error.__cause__ or error, errors.UndefinedTable | errors.UndefinedColumn)


def _of_database(error: BaseException) -> str | None:
    import psycopg
    from django.db import OperationalError

    cause = error.__cause__ or error
    if is_missing_table(error):
        return f"The tables are missing or too old: {reason(error)}. {MIGRATE}"
    if isinstance(cause, psycopg.errors.InsufficientPrivilege):
        return (
            f"The database refuses its role: {reason(error)}. MIGRATE_DATABASE_URL names the owner "
            "of the tables; `python manage.py database_grant ROLE` gives DATABASE_URL's its rights."
        )
    if isinstance(error, psycopg.OperationalError | OperationalError):
        return (
            f"The database of DATABASE_URL (for the owner, MIGRATE_DATABASE_URL): {reason(error)}. "
            "Is that server up, and are its user, password and database right?"
        )
    return None
