"""The drain: claim many due runs, call connectors in threads, write between the calls.

Threads never touch the database. A run's next call starts only after the commit that holds its
intent; one slow system has threads of its own, and runs of one contract never fill a drain.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache, partial

from django.conf import settings
from django.db import connection

from contracts_app.queries import clock
from meshline.core.errors import LeaseLost, Misconfigured
from meshline.core.logs import bound
from orchestration.connectors import build
from orchestration.connectors.base import Connector
from orchestration.rules.outcomes import Outcome, Transient, Unknown
from orchestration.services import breakdowns, leases, storms
from orchestration.services.advance import Flight, advance
from orchestration.services.leases import Lease
from orchestration.services.storms import STORMS

log = logging.getLogger(__name__)

THREADS_PER_SYSTEM = 8
RUNS_AT_ONCE = 64
RUNS_OF_ONE_CONTRACT = RUNS_AT_ONCE // 2
DRAIN_S = 30.0
TICK_S = 0.25
# What the calls came to is kept in hand while the database is away, for so long.
STORM_PATIENCE_S = 60.0
# After the order to stop, calls that are under way get this long to come back.
GRACE_S = 4.0

# Set when this process is told to stop; drains then take up nothing more and end soon.
stopping = threading.Event()


@lru_cache(maxsize=1)
def connectors() -> Mapping[str, Connector]:
    """The connectors of this process, built once from the settings."""
    return build(settings.SYSTEMS, timeout_s=settings.CALL_TIMEOUT_S)


@lru_cache(maxsize=64)
def threads_of(system: str) -> ThreadPoolExecutor:
    """The threads that talk to one outside system."""
    return ThreadPoolExecutor(THREADS_PER_SYSTEM, thread_name_prefix=f"call-{system}")


def worker_name() -> str:
    """Who holds a lease: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"[:80]


@dataclass
class Drain:
    """One pass over what is due, until nothing is or the time is up.

    `taken` are leases not looked at yet, `flying` calls under way, `landed` what came back and is
    not written yet. Nothing leaves them before it is in the database.
    """

    ends_at: float
    taken: deque[Lease] = field(default_factory=deque)
    flying: dict[Future[Outcome], Flight] = field(default_factory=dict)
    landed: deque[tuple[Flight, Outcome]] = field(default_factory=deque)
    driven: int = 0
    look_at: float = 0.0
    extended_at: float = field(default_factory=time.monotonic)
    storm_since: float | None = None
    stop_by: float | None = None

    def work(self) -> int:
        """Claim and drive until nothing is due and nothing is in hand; count the runs."""
        while True:
            try:
                if not self._turn():
                    return self.driven
                self.storm_since = None
            except STORMS:
                if not self._weather():
                    return self.driven

    def _turn(self) -> bool:
        """Take one step of each kind; False if nothing is left to do."""
        if stopping.is_set() and self._stopped():
            return False
        if not self._claim() and not self._leases():
            # It looked last while a contract's share was full; by now there is room.
            self.look_at = 0.0
            self._claim()
        if not (self.taken or self.flying or self.landed):
            return False
        idle = not (self.taken or self.landed)
        came, _ = wait(self.flying, timeout=TICK_S if idle else 0, return_when=FIRST_COMPLETED)
        for future in came:
            self.landed.append((self.flying.pop(future), future.result()))
        self._extend()
        if self.landed:
            flight, outcome = self.landed[0]
            self._advance(flight.lease, (flight, outcome))
            self.landed.popleft()
        elif self.taken:
            self._advance(self.taken[0], None)
            self.taken.popleft()
        return True

    def _claim(self) -> bool:
        """Take up what is due, if there is room; whether the database was asked."""
        now_s = time.monotonic()
        # With calls under way the thread is not free anyhow: let it go on taking up work.
        over = now_s >= self.ends_at and not self.flying
        room = RUNS_AT_ONCE - len(self._leases())
        if stopping.is_set() or self.taken or room <= 0 or over or now_s < self.look_at:
            return False
        claimed = leases.claim_due(
            limit=room,
            worker=worker_name(),
            now=clock.now(),
            lease_s=settings.LEASE_S,
            share=RUNS_OF_ONE_CONTRACT,
            held=Counter(lease.contract for lease in self._leases()),
        )
        self.taken.extend(claimed)
        self.driven += len(claimed)
        self.look_at = 0.0 if claimed else now_s + TICK_S
        return True

    def _leases(self) -> list[Lease]:
        driven = [flight.lease for flight in self.flying.values()]
        return [*self.taken, *driven, *(flight.lease for flight, _ in self.landed)]

    def _advance(self, lease: Lease, landed: tuple[Flight, Outcome] | None) -> None:
        with bound(run=str(lease.run_id)):
            try:
                flight = storms.through(lambda: advance(lease, now=clock.now(), landed=landed))
            except LeaseLost as lost:
                log.warning("%s", lost)
                return
            except STORMS:
                raise  # nothing was written; it stays in hand
            except Exception as error:
                log.exception("the run cannot be advanced")
                set_aside = partial(breakdowns.put_aside, lease, error)
                storms.through(lambda: set_aside(now=clock.now()))
                return
        if flight is not None and stopping.is_set():
            leases.give_up(lease, wake_at=clock.now())  # the next one asks, under the same key
        elif flight is not None:
            self.flying[threads_of(flight.system).submit(perform, flight)] = flight

    def _extend(self) -> None:
        """Keep what is in hand, however long the others take."""
        if time.monotonic() - self.extended_at < settings.LEASE_S / 3:
            return
        leases.extend(self._leases(), now=clock.now(), lease_s=settings.LEASE_S)
        self.extended_at = time.monotonic()

    def _weather(self) -> bool:
        """Wait for the database, with the results in hand; False if it stays away too long."""
        now_s = time.monotonic()
        self.storm_since = self.storm_since or now_s
        patience = GRACE_S if stopping.is_set() else STORM_PATIENCE_S
        in_hand = self.taken or self.flying or self.landed
        if not in_hand or now_s - self.storm_since > patience:
            # The leases lapse and others ask again under the same keys: nothing is done twice.
            log.error("the database stays away; %s runs are let go", len(self._leases()))
            return False
        connection.close_if_unusable_or_obsolete()
        stopping.wait(TICK_S)
        return True

    def _stopped(self) -> bool:
        """Give up what has not begun; after the grace, also what has. True if nothing is left."""
        now_s = time.monotonic()
        self.stop_by = self.stop_by or now_s + GRACE_S
        for future in [one for one in self.flying if one.cancel()]:
            self.taken.append(self.flying.pop(future).lease)
        while self.taken:
            leases.give_up(self.taken[0], wake_at=clock.now())
            self.taken.popleft()
        if now_s < self.stop_by:
            return not (self.flying or self.landed)
        # A call that was cut off may still be under way over there: ask again after its time.
        later = timedelta(seconds=settings.CALL_TIMEOUT_S)
        for lease in self._leases():
            leases.give_up(lease, wake_at=clock.now() + later)
        return True


def drain(*, seconds: float = DRAIN_S) -> int:
    """Drive what is due for up to `seconds`; returns how many runs were taken up."""
    return Drain(ends_at=time.monotonic() + seconds).work()


def perform(flight: Flight) -> Outcome:
    """Make the call, in a thread of its system. Whatever breaks becomes an outcome."""
    try:
        connector = connectors().get(flight.system)
        if connector is None:
            return Transient(f"no connector is configured for {flight.system}")
        return connector.call(flight.call)
    except Misconfigured as error:
        return Transient(f"{error.code}: {error}"[:400])
    except Exception as error:
        # Nobody knows how far it came.
        log.exception("connector %s broke", flight.system)
        said = f"connector error: {type(error).__name__}"
        return Unknown(said) if flight.call.key else Transient(said)
