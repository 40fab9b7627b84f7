"""Connector protocol, Call and Endpoint: one operation in, one Outcome out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from meshline.core.safejson import Json
from orchestration.rules.outcomes import Outcome

CALL_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Endpoint:
    """Where a system lives and what proves us to it; the token never shows in repr.

    `base_url` comes from the settings, never from a payload. `sender` is for mail alone.
    """

    system: str
    base_url: str
    token: str = field(default="", repr=False)
    sender: str = ""


@dataclass(frozen=True)
class Call:
    """One wish to one operation of the catalog.

    `key` is the effect key, which travels to the vendor (empty for reads); `run` is our mark on
    what we write; `look_up_first` asks to search for an earlier one before anything is changed.
    Units: `timeout_s` bounds the whole call, all its requests together; None: the connector's own.
    """

    operation: str
    args: Mapping[str, Json]
    key: str = ""
    run: str = ""
    timeout_s: float | None = None
    look_up_first: bool = False


class Connector(Protocol):
    """What the services know of an outside system. Safe to use from several threads."""

    def call(self, call: Call) -> Outcome:
        """Do it, and say what it came to. Raises: Misconfigured for an unknown operation."""
        ...

    def look_up(self, call: Call) -> Outcome | None:
        """Ask whether the effect `call.key` was done; this never does it.

        Done with its result, None if the vendor never saw it, Transient if it cannot be told now.
        """
        ...


class CallFailed(Exception):
    """A request brought no answer to go on with; `outcome` says what that means for the call.

    `status` is the HTTP status, None if there was none.
    """

    def __init__(self, outcome: Outcome, *, status: int | None = None) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.status = status


class VendorContract(Exception):
    """An answer came, but it is not what the vendor's own contract promises."""
