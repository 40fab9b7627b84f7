"""Who is on call at an instant."""

from __future__ import annotations

from datetime import datetime

from contracts_app.models import Rota
from contracts_app.queries.documents import published, rota_spec_of
from contracts_app.rules import rota
from contracts_app.rules.rota import Person
from meshline.core.errors import NotFound


def on_call(rota_name: str, now: datetime) -> Person | None:
    """Return who is on call; None without such a rota, or in one of its gaps."""
    try:
        row = published(Rota, rota_name)
    except NotFound:
        return None
    return rota.on_call(rota_spec_of(row).rota, now)
