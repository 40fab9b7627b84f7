"""HttpConnector: finds the handler of an operation and turns every failure into an Outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeVar

from meshline.core.errors import Misconfigured
from orchestration.connectors.base import CALL_TIMEOUT_S, Call, CallFailed, VendorContract
from orchestration.connectors.guard import Deadline
from orchestration.connectors.http import Exchange, HttpClient
from orchestration.rules.outcomes import Outcome, Transient, Unknown

Handler: TypeAlias = Callable[[Call, Exchange], Outcome]
LookUp: TypeAlias = Callable[[Call, Exchange], Outcome | None]

_Answer = TypeVar("_Answer", bound=Outcome | None)
_Found = TypeVar("_Found")


class HttpConnector:
    """A Connector whose operations are handlers over HTTP.

    A subclass fills `handlers` (operation to handler) and `look_ups` (effects alone).
    """

    handlers: Mapping[str, Handler]
    look_ups: Mapping[str, LookUp]

    def __init__(self, client: HttpClient, timeout_s: float = CALL_TIMEOUT_S) -> None:
        self.client = client
        self.timeout_s = timeout_s

    @property
    def operations(self) -> frozenset[str]:
        """Names of the operations offered, as in the catalog."""
        return frozenset(self.handlers)

    def call(self, call: Call) -> Outcome:
        """See Connector."""
        return self._run(self._looked_up_first, call)

    def look_up(self, call: Call) -> Outcome | None:
        """See Connector."""
        return self._run(_find(self.look_ups, call, self.client.system), call)

    def _looked_up_first(self, call: Call, http: Exchange) -> Outcome:
        handler = _find(self.handlers, call, self.client.system)
        look_up = self.look_ups.get(call.operation) if call.look_up_first else None
        return (look_up(call, http) if look_up else None) or handler(call, http)

    def _run(self, handler: Callable[[Call, Exchange], _Answer], call: Call) -> _Answer | Outcome:
        seconds = self.timeout_s if call.timeout_s is None else call.timeout_s
        exchange = self.client.exchange(call, Deadline.after(seconds))
        try:
            return handler(call, exchange)
        except CallFailed as failed:
            return failed.outcome
        except VendorContract as wrong:
            return outside_contract(wrong, effect_sent=exchange.effect_sent)


def outside_contract(wrong: VendorContract, *, effect_sent: bool) -> Outcome:
    """Return what an answer outside the vendor's contract means for the call."""
    reason = f"vendor_contract: {wrong}"
    return Unknown(reason) if effect_sent else Transient(reason)


def _find(table: Mapping[str, _Found], call: Call, system: str) -> _Found:
    handler = table.get(call.operation)
    if handler is None:
        raise Misconfigured(
            f"The connector {system} cannot do or look up {call.operation}.",
            remedy=f"Use one of {', '.join(sorted(table)) or 'another system'}.",
        )
    return handler
