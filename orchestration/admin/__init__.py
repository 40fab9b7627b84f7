"""The administration's pages of the engine; importing them registers them."""

from __future__ import annotations

from orchestration.admin import engine, flows, sources

__all__ = ["engine", "flows", "sources"]
