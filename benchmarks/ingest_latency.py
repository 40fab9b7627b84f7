"""How long ingest takes to answer at a steady rate, beside the bare web server in the same run.

    python -m benchmarks.ingest_latency [--rate 50] [--seconds 20]

Needs a running demo (`make demo`); sends signed desk webhooks to its ingest address on loopback.
The peer is `GET /healthz` of the same server in the same seconds: what a request costs when
nothing is verified, judged or stored.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import httpx

from meshline.env import var_dir
from meshline.local import state

LIMIT_MS = 100.0
MOST_REQUESTS = 20_000
TICKETS = 1_000


@dataclass
class Seen:
    """What came back: milliseconds and statuses."""

    ms: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, ms: float, status: int) -> None:
        """Keep one answer."""
        with self.lock:
            self.ms.append(ms)
            self.statuses[status] = self.statuses.get(status, 0) + 1

    def at(self, share: float) -> float:
        """The quantile in milliseconds."""
        return statistics.quantiles(self.ms, n=1000)[int(share * 1000) - 1]


def signed_reply(secret: str, number: int) -> tuple[bytes, dict[str, str]]:
    """An agent's comment on one of many tickets, signed as the desk signs."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    # The events of one ticket queue up behind each other, as they must; no desk sends 50 a second.
    ticket = str(900_000_000 + number % TICKETS)
    body = json.dumps(
        {
            "type": "zen:event-type:ticket.comment_added",
            "id": f"01{uuid4().hex[:24].upper()}",
            "time": now,
            "zendesk_event_version": "2022-11-06",
            "subject": f"zen:ticket:{ticket}",
            "detail": {"id": ticket, "actor_id": "88001", "requester_id": "77001",
                       "subject": "A question", "status": "OPEN", "priority": "NORMAL",
                       "tags": [], "external_id": None, "description": "x" * 400},
            "event": {"meta": {"sequence": {"id": "A", "position": 1}},
                      "comment": {"id": "1", "body": "Any news?", "is_public": True,
                                  "author": {"id": "88001", "is_staff": True, "name": "B"}}},
        }
    ).encode()  # fmt: skip
    mac = hmac.new(secret.encode(), now.encode() + body, hashlib.sha256).digest()
    return body, {
        "content-type": "application/json",
        "x-zendesk-webhook-signature": base64.b64encode(mac).decode(),
        "x-zendesk-webhook-signature-timestamp": now,
    }


def measure(base: str, secret: str, *, rate: int, seconds: int) -> tuple[Seen, Seen]:
    """Send `rate` webhooks a second, each beside a health request; returns both."""
    ingest, bare = Seen(), Seen()
    client = httpx.Client(base_url=base, timeout=30, limits=httpx.Limits(max_connections=64))

    def one(number: int) -> None:
        body, headers = signed_reply(secret, number)
        began = time.perf_counter()
        answer = client.post("/api/v1/ingest/helpdesk", content=body, headers=headers)
        ingest.add((time.perf_counter() - began) * 1000, answer.status_code)

    def peer() -> None:
        began = time.perf_counter()
        answer = client.get("/api/v1/healthz")
        bare.add((time.perf_counter() - began) * 1000, answer.status_code)

    total = min(rate * seconds, MOST_REQUESTS)
    start = time.perf_counter()
    with ThreadPoolExecutor(48) as threads:
        for number in range(total):
            time.sleep(max(0.0, start + number / rate - time.perf_counter()))
            threads.submit(one, number)
            if number % 5 == 0:
                threads.submit(peer)
    client.close()
    return ingest, bare


def main() -> int:
    """Measure and print; exits 1 if nothing was accepted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=20)
    given = parser.parse_args()
    running = state.read(var_dir())
    if running is None:
        sys.stderr.write("No demo is running here. Start one with `make demo`.\n")
        return 2
    secret = json.loads((var_dir() / "sandbox-secrets.json").read_bytes())["helpdesk"]
    ingest, bare = measure(running.address, secret, rate=given.rate, seconds=given.seconds)
    for name, seen in (("ingest", ingest), ("bare request", bare)):
        sys.stdout.write(
            f"{name:<13} n={len(seen.ms):<6} p50 {seen.at(0.5):7.1f} ms   "
            f"p99 {seen.at(0.99):7.1f} ms   answers {seen.statuses}\n"
        )
    sys.stdout.write(
        f"ingest p50 is {ingest.at(0.5) / bare.at(0.5):.1f} times a bare request; "
        f"p99 is {ingest.at(0.99) / LIMIT_MS:.2f} of the limit of {LIMIT_MS:.0f} ms\n"
    )
    return 0 if ingest.statuses.get(202) else 1


if __name__ == "__main__":
    sys.exit(main())
