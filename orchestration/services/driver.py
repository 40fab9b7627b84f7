"""The drain: claim many due runs, call connectors in threads, write between the calls.

Threads never touch the database. A run's next call starts only after the commit that holds its
intent; one slow system has threads of its own and takes none from the others.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import lru_cache

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from contracts_app.queries import clock
from meshline.core.errors import LeaseLost, MeshlineError
from meshline.core.logs import bound
from orchestration.connectors import build
from orchestration.connectors.base import Connector
from orchestration.rules.outcomes import Outcome, Transient, Unknown
from orchestration.services import breakdowns, leases
from orchestration.services.advance import Flight, advance
from orchestration.services.leases import Lease

log = logging.getLogger(__name__)

THREADS_PER_SYSTEM = 8
RUNS_AT_ONCE = 64
DRAIN_S = 30.0
TICK_S = 0.25
STORM_PAUSES_S = (0.02, 0.1, 0.5, 2.0)
STORMS = (OperationalError, InterfaceError)


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
    """One pass over what is due, until nothing is or the time is up."""

    ends_at: float
    flying: dict[Future[Outcome], Flight] = field(default_factory=dict)
    driven: int = 0
    extended_at: float = field(default_factory=time.monotonic)

    def work(self) -> int:
        """Claim and drive until nothing is due and nothing is under way; count the runs."""
        while True:
            claimed = self._claim()
            if not self.flying and not claimed:
                return self.driven
            landed, _ = wait(self.flying, timeout=TICK_S, return_when=FIRST_COMPLETED)
            for future in landed:
                self._land(future)
            self._extend()

    def _claim(self) -> int:
        room = RUNS_AT_ONCE - len(self.flying)
        if room <= 0 or time.monotonic() >= self.ends_at:
            return 0
        now = clock.now()
        claimed = leases.claim_due(
            limit=room, worker=worker_name(), now=now, lease_s=settings.LEASE_S
        )
        for lease in claimed:
            self.driven += 1
            self._advance(lease, None)
        return len(claimed)

    def _land(self, future: Future[Outcome]) -> None:
        flight = self.flying.pop(future)
        self._advance(flight.lease, (flight, future.result()))

    def _advance(self, lease: Lease, landed: tuple[Flight, Outcome] | None) -> None:
        with bound(run=str(lease.run_id)):
            try:
                flight = through_storms(lease, landed)
            except LeaseLost as lost:
                log.warning("%s", lost)
                return
            except STORMS:
                # Nothing was written. The lease lapses and the sweep finds the run again; what the
                # call came to is asked for anew under the same key.
                log.exception("the database did not take the checkpoint")
                raise
            except Exception as error:
                log.exception("the run cannot be advanced")
                breakdowns.put_aside(lease, error, now=clock.now())
                return
        if flight is not None:
            self.flying[threads_of(flight.system).submit(perform, flight)] = flight

    def _extend(self) -> None:
        if time.monotonic() - self.extended_at < settings.LEASE_S / 3 or not self.flying:
            return
        self.extended_at = time.monotonic()
        held = [flight.lease for flight in self.flying.values()]
        leases.extend(held, now=clock.now(), lease_s=settings.LEASE_S)


def drain(*, seconds: float = DRAIN_S) -> int:
    """Drive what is due for up to `seconds`; returns how many runs were taken up."""
    return Drain(ends_at=time.monotonic() + seconds).work()


def through_storms(lease: Lease, landed: tuple[Flight, Outcome] | None) -> Flight | None:
    """Advance, and once more after a deadlock or a lost connection, with growing patience.

    Raises: what `advance` raises; STORMS if the database does not come back.
    """
    for pause in STORM_PAUSES_S:
        try:
            return advance(lease, now=clock.now(), landed=landed)
        except STORMS as storm:
            log.warning("checkpoint again: %s", type(storm.__cause__ or storm).__name__)
            connection.close_if_unusable_or_obsolete()
            time.sleep(pause)
    return advance(lease, now=clock.now(), landed=landed)


def perform(flight: Flight) -> Outcome:
    """Make the call, in a thread of its system. Whatever breaks becomes an outcome."""
    connector = connectors().get(flight.system)
    if connector is None:
        return Transient(f"no connector is configured for {flight.system}")
    try:
        return connector.call(flight.call)
    except MeshlineError as error:
        return Transient(f"{error.code}: {error}"[:400])
    except Exception as error:
        log.exception("connector %s broke", flight.system)
        reason = f"connector error: {type(error).__name__}"
        return Unknown(reason) if flight.call.key else Transient(reason)
