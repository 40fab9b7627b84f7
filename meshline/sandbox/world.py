"""The simulated world: its record, its secrets, its clock, and what it has planned."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from meshline.sandbox import faults
from meshline.sandbox.state import Db, Json, Record

API_USER = "9000"
STAFF_DOMAIN = "harbour.example"
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz"


@dataclass
class World:
    """What every simulated system shares. `wake` is called after a change that plans work."""

    record: Record
    secrets: Mapping[str, str]
    ingest: str
    supervisor: str = ""
    pace: str = "demo"
    seed: int = 7
    wake: list[Callable[[], None]] = field(default_factory=list)

    @property
    def api_token(self) -> str:
        """The token with which the vendors' APIs are called."""
        return self.secrets["api_token"]

    def stir(self) -> None:
        """Let the threads that send and do planned things look at once."""
        for call in self.wake:
            call()


def clock(db: Db, system: str) -> float:
    """The vendor's wall clock in seconds, fast when its clock_fast switch is on."""
    fast = faults.lasting(db, system, "clock_fast")
    return time.time() + (fast.delay_s if fast else 0.0)


def later(db: Db, delay_s: float, act: str, args: Json) -> None:
    """Plan an act; it is done once, also when the process is restarted in between."""
    db.run(
        "INSERT INTO due (due_at, act, args) VALUES (?, ?, ?)",
        time.time() + delay_s,
        act,
        json.dumps(args),
    )


def apply(
    db: Db,
    system: str,
    effect: str,
    *,
    key: str,
    thing: str,
    amount: int | None = None,
    request_id: int | None = None,
) -> None:
    """Write down that an effect really happened."""
    db.run(
        "INSERT INTO applied (at, system, effect, key, object, amount, request_id) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        time.time(),
        system,
        effect,
        key,
        thing,
        amount,
        request_id,
    )


def new_id(prefix: str, length: int) -> str:
    """A vendor's id that has not been used before."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


def rfc3339(at: float, *, digits: int = 0) -> str:
    """A time as text; `digits` of a fraction (9 as Zendesk writes it)."""
    text = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{at % 1:.9f}"[1 : digits + 2] if digits else ""
    return f"{text}{fraction}Z"
