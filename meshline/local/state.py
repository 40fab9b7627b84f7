"""var/local.json: what runs here and how to reach it; and the small files kept beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from meshline.env import var_dir
from meshline.local import places, processes

_LOCAL = "local.json"


@dataclass(frozen=True)
class Login:
    """A demo person: what to type, and what they are for.

    `changed`: the person has chosen another password since, which is nobody else's to know.
    """

    username: str
    password: str
    role: str
    name: str
    changed: bool = False


@dataclass(frozen=True)
class Running:
    """A supervisor that runs, or ran: its process, the console's address, its environment."""

    pid: int
    identity: str
    address: str
    ports: dict[str, int] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    ready: bool = False

    def is_alive(self) -> bool:
        """Whether that very process still runs."""
        return bool(self.identity) and processes.identity(self.pid) == self.identity


def read(home: Path | None = None) -> Running | None:
    """What the last supervisor of `home` (our var/) left, alive or not; None after a clean stop."""
    try:
        return Running(**json.loads(((home or var_dir()) / _LOCAL).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def alive() -> Running | None:
    """The supervisor that runs on this var/ now."""
    found = read()
    return found if found and found.is_alive() else None


def write(running: Running) -> None:
    """Publish it for `manage.py`, `meshline doctor` and tests."""
    write_private(var_dir() / _LOCAL, asdict(running))


def remove() -> None:
    """Say that nothing runs any more."""
    (var_dir() / _LOCAL).unlink(missing_ok=True)


def kept(name: str, make: Callable[[], Any]) -> Any:
    """The JSON kept in var/<name>; made and stored the first time."""
    path = var_dir() / name
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        value = make()
        write_private(path, value)
        return value


def write_private(path: Path, value: Any) -> None:
    """Replace a JSON file at once; only its owner reads it."""
    places.private_folder(path.parent)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open(fresh, "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
        json.dump(value, file, indent=1)
    fresh.replace(path)
