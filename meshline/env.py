"""Typed readers of the environment; each fails at start with a sentence that names the variable."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import psycopg
from psycopg.conninfo import make_conninfo

from meshline.core import zones
from meshline.core.errors import Misconfigured
from meshline.core.secretbox import Keyring

ROOT = Path(__file__).resolve().parent.parent
TRUE = {"1", "true", "yes", "on"}
FALSE = {"", "0", "false", "no", "off"}
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LAST_PORT = 65535


class SettingError(Exception):
    """A variable is missing or cannot be read; the text says which one and what to do."""


def var_dir() -> Path:
    """Where embedded servers, logs and local.json live: MESHLINE_VAR, or var/ in the checkout."""
    home = ROOT if (ROOT / "pyproject.toml").exists() else Path.cwd()
    return Path(os.environ.get("MESHLINE_VAR") or home / "var").resolve()


def check_var_dir(*, make: bool = False) -> None:
    """See that we can work in var_dir() if it is there, or make it. Raises: SettingError."""
    folder = var_dir()
    try:
        if make:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        usable = folder.is_dir() and os.access(folder, os.R_OK | os.W_OK | os.X_OK)
        why = "" if usable or not folder.exists() else "it is no folder this user may write in"
    except OSError as error:
        why = error.strerror or "it cannot be made"
    if why:
        raise SettingError(
            f"MESHLINE_VAR: {folder} cannot be used: {why}. "
            "Name a folder of the user who runs this."
        )


def text(name: str, default: str | None = None) -> str:
    """The variable's value, else what `meshline up` left for it, else `default`.

    Raises: SettingError if there is none of them.
    """
    value = os.environ.get(name) or _left_by_up().get(name) or default
    if value is None and name != "DATABASE_URL" and os.environ.get("DATABASE_URL"):
        raise SettingError(
            f"{name} is not set. Beside a DATABASE_URL of your own, set it to what `meshline up` "
            "and its parts get."
        )
    if value is None:
        raise SettingError(
            f"{name} is not set, and no embedded server is running here. Start one with "
            f"`meshline up` (or `make demo`), or set {name} in the environment."
        )
    return value


def flag(name: str, default: bool = False) -> bool:
    """A yes or no. Raises: SettingError for a word that is neither."""
    value = text(name, "1" if default else "0").strip().lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise SettingError(f"{name} is {value!r}; write 1 or 0.")


def whole(name: str, default: int) -> int:
    """A whole number, zero or more. Raises: SettingError for anything else."""
    value = text(name, str(default))
    if not value.strip().isdecimal():
        raise SettingError(f"{name} is {value!r}; write a whole number such as {default}.")
    return int(value)


def seconds(name: str, default: float) -> float:
    """A duration in seconds, zero or more. Raises: SettingError for anything else."""
    value = text(name, str(default))
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9:
        raise SettingError(f"{name} is {value!r}; write seconds such as {default}.")
    return number


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list without empty entries."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def url(name: str, default: str | None = None, schemes: tuple[str, ...] = ("http", "https")) -> str:
    """An address with one of `schemes`; empty stays empty. Plain http is for loopback only.

    Raises: SettingError, which repeats nothing of the address: it may hold a password.
    """
    value = text(name, default)
    parts = _split(name, value)
    if value and parts.scheme not in schemes:
        raise SettingError(f"{name} must begin with {' or '.join(s + '://' for s in schemes)}.")
    if parts.scheme in {"http", "https", "smtp", "smtps"} and not parts.hostname:
        raise SettingError(f"{name} names no host; write it like {parts.scheme}://host.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise SettingError(
            f"{name} must begin with https://; plain http is for loopback only, "
            "such as http://127.0.0.1:8000."
        )
    return value.rstrip("/")


def port(name: str) -> int | None:
    """A TCP port, or None where it is not set. Raises: SettingError for anything else."""
    value = text(name, "").strip()
    if value and not (value.isdecimal() and 1 <= int(value) <= LAST_PORT):
        raise SettingError(f"{name} is {value!r:.40}; write a port from 1 to {LAST_PORT}.")
    return int(value) if value else None


def long_text(name: str, least: int) -> str:
    """A secret of at least so many characters. Raises: SettingError, which never repeats it."""
    value = text(name)
    if len(value) < least:
        raise SettingError(
            f"{name} has {len(value)} characters; set a random text of {least} or more, such as "
            "`python -c 'import secrets; print(secrets.token_urlsafe(50))'` prints."
        )
    return value


def sealing_keys(name: str) -> list[str]:
    """The keys that seal stored secrets, none if it is not set. Raises: SettingError."""
    entries = words(name)
    try:
        if entries:
            Keyring.parse(entries)
    except Misconfigured as error:
        raise SettingError(f"{error.message} {error.remedy}") from None
    return entries


def zone(name: str, default: str) -> str:
    """The name of a time zone. Raises: SettingError."""
    value = text(name, default)
    if not zones.is_zone(value):
        raise SettingError(f"{name} is {value!r:.60}, no time zone; write it like {default}.")
    return value


def level(name: str, default: str) -> str:
    """The name of a log level, in capitals. Raises: SettingError."""
    value = text(name, default).strip().upper()
    if value not in LEVELS:
        raise SettingError(f"{name} is {value!r:.40}; write {', '.join(LEVELS[:-1])}.")
    return value


def database(name: str, default: str | None = None) -> dict[str, Any]:
    """The variable's PostgreSQL address, taken apart by database_parts(). Raises: SettingError."""
    return database_parts(name, text(name, default))


def database_parts(name: str, value: str) -> dict[str, Any]:
    """A PostgreSQL address as Django's NAME, USER, PASSWORD, HOST, PORT and OPTIONS.

    `?host=/dir` names a Unix socket; other query values (sslmode, ...) go to libpq.
    Raises: SettingError if the address is not a PostgreSQL one, names no database or a port that
    there is not; it repeats nothing of the address, which holds a password.
    """
    parts = _split(name, value)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise SettingError(
            f"{name} must look like postgresql://user:password@host:5432/name; in the password, "
            "write what is no letter or digit as %XX."
        )
    options = dict(parse_qsl(parts.query))
    found: dict[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": options.pop("port", str(parts.port or "")),
        "OPTIONS": options,
    }
    for number in filter(None, found["PORT"].split(",")):
        if not (number.isdecimal() and 1 <= int(number) <= LAST_PORT):
            raise SettingError(f"{name} names a port that is no number from 1 to {LAST_PORT}.")
    try:
        make_conninfo(**options)
    except psycopg.Error:
        raise SettingError(
            f"{name} has a word behind its `?` that libpq does not know; it takes such as "
            "sslmode=require."
        ) from None
    return found


def database_user(address: str) -> str:
    """The role that a PostgreSQL address signs in as."""
    return unquote(urlsplit(address).username or "")


def _split(name: str, value: str) -> SplitResult:
    """The parts of an address whose port can be read. Raises: SettingError, repeating nothing."""
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - raises if it is no port
    except ValueError:
        raise SettingError(
            f"{name} is no address: its host or port cannot be read (a port is a number from 1 to "
            f"{LAST_PORT}; in a password, write what is no letter or digit as %XX)."
        ) from None
    return parts


def console_of_up() -> str:
    """The console's address of the set on this var_dir(); empty where none has left its own."""
    return str(_local().get("address", ""))


def _local() -> dict[str, Any]:
    try:
        left = json.loads((var_dir() / "local.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return left if isinstance(left, dict) else {}


def _left_by_up() -> dict[str, str]:
    """What `meshline up` wrote for its own database; nothing beside another database."""
    left = _local().get("environment") or {}
    named = os.environ.get("DATABASE_URL")
    return dict(left) if named in {None, "", left.get("DATABASE_URL")} else {}
