"""The courier: takes queued webhooks to Meshline and tries again until they are taken."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from meshline.sandbox.webhooks import SCHEMES, sign
from meshline.sandbox.world import World, clock

_LOG = logging.getLogger(__name__)
_LOOK_S = 0.05
_TIMEOUT_S = 5.0
_THREADS = 10
_REFUSALS = 6  # of a 4xx, after which the vendor gives up; anything else is tried for ever
_LONGEST_WAIT_S = 5.0


_PENDING = (
    "SELECT id, source, external_id, subject, headers, body, attempts, twin, loose, due_at "
    "FROM delivery WHERE state = 'pending' ORDER BY id LIMIT 2000"
)
_CARRIED = ("id", "source", "external_id", "subject", "headers", "body", "attempts")


@dataclass(frozen=True)
class Parcel:
    """One delivery that is due. `pair` lets twins of the same moment leave together."""

    id: int
    source: str
    external_id: str
    subject: str
    headers: str
    body: bytes
    attempts: int
    pair: threading.Barrier | None


@dataclass(frozen=True)
class Reply:
    """What Meshline said; status None when the connection failed or the answer never came."""

    status: int | None
    error: str | None
    retry_after_s: float
    ms: float


Chosen = tuple[Mapping[str, Any], threading.Barrier | None]


def choose(
    rows: Sequence[Mapping[str, Any]], *, now: float, busy: Mapping[int, str], room: int
) -> list[Chosen]:
    """Which pending deliveries leave now, oldest first, at most `room` of them.

    One subject's webhooks keep their order, unless one is late on purpose (`loose`). Twins that
    are due at the same moment leave together: each gets the other's barrier.
    """
    twins = Counter((row["external_id"], row["due_at"]) for row in rows if row["due_at"] <= now)
    barriers: dict[tuple[str, float], threading.Barrier] = {}
    held = set(busy.values())
    chosen: list[Chosen] = []
    for row in rows:
        late = row["due_at"] > now
        blocked = row["subject"] in held and not row["loose"]
        if not row["loose"] and (not late or row["attempts"]):
            held.add(row["subject"])
        if late or blocked or row["id"] in busy or len(chosen) >= room:
            continue
        moment = (row["external_id"], row["due_at"])
        if twins[moment] == 2:
            if row["twin"] and moment not in barriers:
                continue  # the first of the pair has to wait, and so does this one
            barriers.setdefault(moment, threading.Barrier(2))
        chosen.append((row, barriers.get(moment)))
    return chosen


class Courier:
    """A thread that finds what is due and a few that carry it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._to_do: queue.Queue[Parcel | None] = queue.Queue()
        self._lock = threading.Lock()
        self._under_way: dict[int, str] = {}
        self._quiet_until = 0.0
        self._failures = 0
        self._ending = threading.Event()
        self._look = threading.Event()
        world.wake.append(self._look.set)
        self._threads = [threading.Thread(target=self._carry, daemon=True) for _ in range(_THREADS)]
        self._threads.append(threading.Thread(target=self._find, daemon=True))

    def begin(self) -> None:
        """Deliver from now on, what an earlier process left included."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Stop; what is not delivered stays in the record."""
        self._ending.set()
        for _ in range(_THREADS):
            self._to_do.put(None)
        for thread in self._threads:
            thread.join(timeout=_TIMEOUT_S + 1)

    def _find(self) -> None:
        while not self._ending.is_set():
            self._look.wait(_LOOK_S)
            self._look.clear()
            try:
                for parcel in self._due():
                    self._to_do.put(parcel)
            except Exception:  # noqa: BLE001 - the thread must outlive a full disk
                _LOG.exception("The courier could not read the record; it looks again.")
                time.sleep(0.5)

    def _due(self) -> list[Parcel]:
        now = time.time()
        if now < self._quiet_until:
            return []
        # What was under way before the record is read may be settled meanwhile: not this time.
        with self._lock:
            busy = dict(self._under_way)
        with self._world.record.read() as db:
            rows = [dict(row) for row in db.rows(_PENDING)]
        # A silent endpoint gets one knock at a time until it answers again.
        room = (1 if self._failures else 4 * _THREADS) - len(busy)
        found = [
            Parcel(**{name: row[name] for name in _CARRIED}, pair=pair)
            for row, pair in choose(rows, now=now, busy=busy, room=room)
        ]
        with self._lock:
            self._under_way |= {parcel.id: parcel.subject for parcel in found}
        return found

    def _carry(self) -> None:
        while (parcel := self._to_do.get()) is not None:
            try:
                if not self._ending.is_set():
                    self._deliver(parcel)
            except Exception:  # noqa: BLE001 - the thread must outlive a full disk
                _LOG.exception("Delivery %s could not be written down.", parcel.external_id)
            finally:
                with self._lock:
                    self._under_way.pop(parcel.id, None)
                self._look.set()

    def _deliver(self, parcel: Parcel) -> None:
        n = parcel.attempts + 1
        with self._world.record.write() as db:
            at = clock(db, parcel.source)
            sql = "INSERT INTO attempt (delivery_id, n, at) VALUES (?, ?, ?)"
            attempt = db.run(sql, parcel.id, n, time.time())
        if parcel.pair is not None:
            with contextlib.suppress(threading.BrokenBarrierError):
                parcel.pair.wait(timeout=0.5)
        reply = self._post(parcel, at)
        with self._lock:
            self._failures = self._failures + 1 if reply.status is None else 0
            if reply.status is None:
                self._quiet_until = time.time() + min(0.2 * 2 ** min(self._failures, 5), 2.0)
        self._settle(parcel, attempt, n, reply)

    def _settle(self, parcel: Parcel, attempt: int, n: int, reply: Reply) -> None:
        taken = reply.status is not None and 200 <= reply.status < 300
        refused = reply.status is not None and 300 <= reply.status < 500 and reply.status != 429
        state = "delivered" if taken else "refused" if refused and n >= _REFUSALS else "pending"
        wait = max(min(0.25 * 2 ** min(n - 1, 10), _LONGEST_WAIT_S), reply.retry_after_s)
        now = time.time()
        with self._world.record.write() as db:
            db.run(
                "UPDATE attempt SET status = ?, error = ?, ms = ? WHERE id = ?",
                reply.status,
                reply.error,
                reply.ms,
                attempt,
            )
            db.run(
                "UPDATE delivery SET state = ?, attempts = ?, due_at = ?, "
                "first_2xx_at = coalesce(first_2xx_at, ?) WHERE id = ?",
                state,
                n,
                now + wait,
                now if taken else None,
                parcel.id,
            )

    def _post(self, parcel: Parcel, at: float) -> Reply:
        world, begun = self._world, time.monotonic()
        place = urlsplit(world.ingest)
        headers = {"Content-Type": "application/json", "User-Agent": f"sandbox-{parcel.source}/1"}
        headers |= json.loads(parcel.headers)
        scheme, secret = SCHEMES[parcel.source], world.secrets[parcel.source]
        headers |= sign(scheme, secret, parcel.body, at=at, external_id=parcel.external_id)
        path = f"{place.path.rstrip('/')}/api/v1/ingest/{parcel.source}"
        connection = http.client.HTTPConnection(
            place.hostname or "127.0.0.1", place.port or 80, timeout=_TIMEOUT_S
        )
        status, error, wait = None, None, 0.0
        try:
            connection.request("POST", path, body=parcel.body, headers=headers)
            answer = connection.getresponse()
            answer.read(65536)
            status, wait = answer.status, _seconds(answer.getheader("Retry-After"))
        except (OSError, http.client.HTTPException, ValueError) as problem:
            error = f"{type(problem).__name__}: {problem}"[:200]
        finally:
            connection.close()
        return Reply(status, error, wait, round((time.monotonic() - begun) * 1000, 1))


def _seconds(text: str | None) -> float:
    try:
        return min(max(float(text or 0), 0.0), _LONGEST_WAIT_S)
    except ValueError:
        return 0.0
