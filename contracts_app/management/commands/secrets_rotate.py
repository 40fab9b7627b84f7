"""Seal every stored secret with the newest key of MESHLINE_SECRET_KEYS: print {"sealed"}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts_app.management.output import JsonCommand
from contracts_app.queries import clock
from contracts_app.services.sources import reseal_secrets


class Command(JsonCommand):
    """Afterwards the older keys may be taken out of MESHLINE_SECRET_KEYS."""

    help = __doc__

    def answer(self, **options: Any) -> Mapping[str, Any]:
        """Seal them."""
        return {"sealed": reseal_secrets(now=clock.now())}
