"""Connectors: the code that talks to outside systems, made from their addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from orchestration.connectors.base import CALL_TIMEOUT_S, Call, Connector, Endpoint
from orchestration.connectors.billing import Billing
from orchestration.connectors.helpdesk import Helpdesk
from orchestration.connectors.notify import Mail, Pager
from orchestration.connectors.shop import Shop

__all__ = ["Call", "Connector", "Endpoint", "build"]

Systems: TypeAlias = Mapping[str, Mapping[str, str]]
_Make: TypeAlias = Callable[[Endpoint, float], Connector]

_KINDS: dict[str, _Make] = {
    "helpdesk": Helpdesk,
    "billing": Billing,
    "shop": Shop,
    "pager": Pager,
}


def build(systems: Systems, timeout_s: float = CALL_TIMEOUT_S) -> dict[str, Connector]:
    """Make a connector for each of `systems` that has an address; the others stay out.

    `systems` maps a name to `base_url`, `token` and, for mail, `sender`; `mail_log` is where the
    mail provider's log is read. Units: `timeout_s` bounds each call.
    Raises: Misconfigured for an address that calls may not go to.
    """
    endpoints = {
        name: Endpoint(name, values["base_url"], values.get("token", ""), values.get("sender", ""))
        for name, values in systems.items()
        if values.get("base_url")
    }
    made: dict[str, Connector] = {
        name: _KINDS[name](endpoint, timeout_s)
        for name, endpoint in endpoints.items()
        if name in _KINDS
    }
    if "mail" in endpoints:
        made["mail"] = Mail(endpoints["mail"], endpoints.get("mail_log"), timeout_s)
    return made
