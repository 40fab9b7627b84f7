"""Fault switches: what a simulated system does wrong, for whom, how often and how long."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meshline.sandbox.state import Db, Json

OPS: dict[str, tuple[str, ...]] = {
    "helpdesk": (
        "get_ticket",
        "update_ticket",
        "list_audits",
        "list_comments",
        "get_user",
        "list_fields",
    ),
    "billing": (
        "create_refund",
        "list_refunds",
        "search_refunds",
        "get_refund",
        "update_refund",
        "get_subscription",
        "update_subscription",
        "get_charge",
        "list_events",
    ),
    "shop": ("find_checkouts", "find_orders", "find_customers"),
    "mail": ("send", "messages"),
    "pager": ("enqueue", "alerts"),
}
WEBHOOK_KINDS = ("drop_webhook", "late_webhook", "twice_webhook", "out_of_order")
CALL_KINDS = ("status", "slow", "garbage", "do_and_time_out", "ack_no_apply")
LASTING_KINDS = ("forget_keys", "clock_fast")
KINDS = WEBHOOK_KINDS + CALL_KINDS + LASTING_KINDS
_USUAL_DELAY_S = {
    "slow": 2.0,
    "do_and_time_out": 2.5,
    "late_webhook": 4.0,
    "out_of_order": 2.0,
    "twice_webhook": 0.0,
    "clock_fast": 120.0,
}
_MATCH_KEYS = ("charge", "reference", "ticket", "subscription", "cart_token", "to", "dedup_key")


class FaultRefused(ValueError):
    """A switch that does not exist; the text says which ones do."""


@dataclass(frozen=True)
class Fault:
    """One switch that is on. `times` counts down, None is for ever; `until` is wall clock time."""

    id: int
    system: str
    op: str
    fault: str
    times: int | None
    until: float | None
    delay_s: float
    status: int
    retry_after: float | None
    match: dict[str, str]
    made: str

    def as_json(self) -> Json:
        """What `GET /_faults` shows."""
        left = None if self.until is None else max(0.0, round(self.until - time.time(), 2))
        shown = {key: value for key, value in vars(self).items() if key != "until"}
        return shown | {"seconds_left": left}

    def concerns(self, op: str, facts: Mapping[str, str]) -> bool:
        """Whether a call or webhook with these facts falls under the switch."""
        same = all(str(facts.get(name, "")) == value for name, value in self.match.items())
        return self.op in ("*", op) and same


def switch_on(db: Db, wanted: Mapping[str, Any], *, made: str = "hand") -> Fault:
    """Store a new switch. Raises FaultRefused for one that cannot exist."""
    system, kind = str(wanted.get("system", "")), str(wanted.get("fault", ""))
    if system not in OPS:
        raise FaultRefused(f"There is no system {system!r}; there are {', '.join(OPS)}.")
    if kind not in KINDS:
        raise FaultRefused(f"There is no fault {kind!r}; there are {', '.join(KINDS)}.")
    op = str(wanted.get("op") or "*")
    if op != "*" and kind in CALL_KINDS and op not in OPS[system]:
        raise FaultRefused(f"{system} has no operation {op!r}; it has {', '.join(OPS[system])}.")
    match = wanted.get("match") or {}
    if not isinstance(match, Mapping) or not set(match) <= set(_MATCH_KEYS):
        raise FaultRefused(f"A fault can match on {', '.join(_MATCH_KEYS)} only.")
    status = int(_number(wanted, "status") or 503)
    if not 400 <= status <= 599:
        raise FaultRefused(f"Status {status} is no error; give one from 400 to 599.")
    times, seconds = _number(wanted, "times"), _number(wanted, "seconds")
    delay = _number(wanted, "delay_s")
    found = Fault(
        id=0,
        system=system,
        op=op,
        fault=kind,
        times=None if times is None else int(times),
        until=None if seconds is None else time.time() + seconds,
        delay_s=min(_USUAL_DELAY_S.get(kind, 0.0) if delay is None else delay, 600.0),
        status=status,
        retry_after=_number(wanted, "retry_after"),
        match={str(k): str(v) for k, v in match.items()},
        made=made,
    )
    values = [
        json.dumps(found.match) if k == "match" else v for k, v in vars(found).items() if k != "id"
    ]
    columns = [k for k in vars(found) if k != "id"]
    marks = ", ".join("?" * len(columns))
    new = db.run(f"INSERT INTO fault ({', '.join(columns)}) VALUES ({marks})", *values)  # noqa: S608 - our own columns
    return Fault(**{**vars(found), "id": new})


def _number(wanted: Mapping[str, Any], name: str) -> float | None:
    value = wanted.get(name)
    if value is None or value == "":
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise FaultRefused(f"{name} is a number, not {value!r}.") from None
    if not 0 <= found < 10_000_000:
        raise FaultRefused(f"{name} is a number of 0 or more, not {value!r}.")
    return found


def switched_on(db: Db) -> list[Fault]:
    """The switches that are on now, oldest first."""
    now = time.time()
    sql = (
        "SELECT * FROM fault WHERE (times IS NULL OR times > 0) "
        "AND (until IS NULL OR until > ?) ORDER BY id"
    )
    return [_fault(row) for row in db.rows(sql, now)]


def switch_off(db: Db, which: object) -> int:
    """Turn off all (True), one (its id) or those of a `{"system"|"made"|"fault": …}`.

    Returns how many there were. Raises FaultRefused for anything else.
    """
    if which is True:
        return db.run("DELETE FROM fault")
    if isinstance(which, (int, str)) and str(which).isdigit():
        return db.run("DELETE FROM fault WHERE id = ?", int(which))
    if isinstance(which, Mapping):
        gone = [
            fault.id
            for fault in switched_on(db)
            if all(str(vars(fault).get(name)) == str(value) for name, value in which.items())
        ]
        return sum(db.run("DELETE FROM fault WHERE id = ?", one) for one in gone)
    raise FaultRefused('Say what to clear: true, a fault\'s id, or {"system": …}.')


def switch_off_for(db: Db, **match: str) -> int:
    """Turn off the switches that match exactly these facts."""
    return db.run("DELETE FROM fault WHERE match = ?", json.dumps(match))


def take(
    db: Db, system: str, kinds: tuple[str, ...], op: str, facts: Mapping[str, str]
) -> Fault | None:
    """The first switch that this call or webhook falls under; one of its times is used up."""
    for fault in switched_on(db):
        if fault.system == system and fault.fault in kinds and fault.concerns(op, facts):
            if fault.times is not None:
                db.run("UPDATE fault SET times = times - 1 WHERE id = ?", fault.id)
            return fault
    return None


def lasting(db: Db, system: str, kind: str) -> Fault | None:
    """The switch of a lasting kind (forget_keys, clock_fast) of a system, if it is on."""
    found = (f for f in switched_on(db) if f.system == system and f.fault == kind)
    return next(found, None)


def _fault(row: sqlite3.Row) -> Fault:
    values = dict(row)
    values["match"] = json.loads(values["match"])
    return Fault(**values)
