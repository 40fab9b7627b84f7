"""Passing troubles of the database: deadlocks, restarts, connections that were cut."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

log = logging.getLogger(__name__)
T = TypeVar("T")

# What Django raises for them; whatever else the database refuses is a fault of ours.
STORMS = (OperationalError, InterfaceError)
# Serialization failure, deadlock, session ended by the administrator.
AT_ONCE = frozenset({"40001", "40P01", "57P01"})
PAUSES_S = (0.02, 0.1, 0.5, 2.0)


def through(act: Callable[[], T], pauses_s: Sequence[float] = PAUSES_S) -> T:
    """Do `act`, a whole transaction, again after each storm, with growing patience.

    Raises: what `act` raises; STORMS if the last try meets one as well.
    """
    for pause in pauses_s:
        try:
            return act()
        except STORMS as storm:
            log.warning("again after a storm: %s", type(storm.__cause__ or storm).__name__)
            connection.close_if_unusable_or_obsolete()
            time.sleep(pause)
    return act()


def once_more(act: Callable[[], T]) -> T:
    """Do `act`, and a second time if the first was only unlucky; for people and senders who wait.

    A database that is away is not waited for, and inside another transaction nothing is tried
    again: that one is lost as a whole.
    Raises: what `act` raises.
    """
    if connection.in_atomic_block:
        return act()
    try:
        return act()
    except STORMS as storm:
        if getattr(storm.__cause__, "sqlstate", None) not in AT_ONCE:
            raise
        log.warning("once more after %s", type(storm.__cause__).__name__)
    connection.close_if_unusable_or_obsolete()
    return act()
