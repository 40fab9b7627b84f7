"""Typed readers of the environment; each fails at start with a sentence that names the variable."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
TRUE = {"1", "true", "yes", "on"}
FALSE = {"", "0", "false", "no", "off"}


class SettingError(Exception):
    """A variable is missing or cannot be read; the text says which one and what to do."""


def var_dir() -> Path:
    """Where embedded servers, logs and local.json live: MESHLINE_VAR, or var/ in the checkout."""
    home = ROOT if (ROOT / "pyproject.toml").exists() else Path.cwd()
    return Path(os.environ.get("MESHLINE_VAR") or home / "var").resolve()


def text(name: str, default: str | None = None) -> str:
    """The variable's value, else what `meshline up` left for it, else `default`.

    Raises: SettingError if there is none of them.
    """
    value = os.environ.get(name) or _left_by_up().get(name) or default
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
    """An address with one of `schemes`; empty stays empty. Raises: SettingError."""
    value = text(name, default)
    if value and urlsplit(value).scheme not in schemes:
        raise SettingError(f"{name} must begin with {' or '.join(s + '://' for s in schemes)}.")
    return value.rstrip("/")


def database(name: str, default: str | None = None) -> dict[str, Any]:
    """A PostgreSQL address as Django's NAME, USER, PASSWORD, HOST, PORT and OPTIONS.

    `?host=/dir` names a Unix socket; other query values (sslmode, ...) go to libpq.
    Raises: SettingError if the address is not a PostgreSQL one or names no database.
    """
    value = text(name, default)
    parts = urlsplit(value)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise SettingError(f"{name} must look like postgresql://user:password@host:5432/name.")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": options.pop("port", str(parts.port or "")),
        "OPTIONS": options,
    }


def database_user(address: str) -> str:
    """The role that a PostgreSQL address signs in as."""
    return unquote(urlsplit(address).username or "")


def _left_by_up() -> dict[str, str]:
    """What `meshline up` wrote for its own database; nothing beside another database."""
    try:
        left = json.loads((var_dir() / "local.json").read_bytes())["environment"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    named = os.environ.get("DATABASE_URL")
    return left if named in {None, "", left.get("DATABASE_URL")} else {}
