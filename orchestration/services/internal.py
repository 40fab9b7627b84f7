"""Meshline's own events: accepted like any other, from the source `meshline`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from contracts_app.queries.standing import Standing
from meshline.core.canonical import digest as digest_of
from meshline.core.errors import NotFound
from orchestration.rules.source_spec import Mapped
from orchestration.services.storing import Delivery, Judged, Receipt, store, violations_of

INTERNAL = "meshline"


def accept_internal(
    *, contract: str, external_id: str, data: Mapping[str, Any], now: datetime
) -> Receipt | None:
    """Store one of Meshline's own events; None if nobody has published its contract."""
    standing = Standing.at(now)
    try:
        version = standing.published_version(contract)
    except NotFound:
        return None
    payload: dict[str, Any] = {
        "specversion": "1.0",
        "id": external_id,
        "source": "/meshline",
        "type": contract,
        "time": now.isoformat(),
        "data": dict(data),
    }
    mapped = Mapped(
        external_id=external_id,
        kind=contract,
        occurred_at=now,
        disposition="event",
        contract=contract,
        version_range="*",
        payload=payload,
        own_write=False,
        problems=(),
    )
    judged = Judged(mapped, version, violations_of(version, payload))
    delivery = Delivery(INTERNAL, b"", "application/json", {}, digest_of(payload["data"]), standing)
    return store(delivery, judged)
