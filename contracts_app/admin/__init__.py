"""The administration's pages of the registry; importing them registers them."""

from __future__ import annotations

from contracts_app.admin import contracts, deputies, keys, log, people, registry

__all__ = ["contracts", "deputies", "keys", "log", "people", "registry"]
