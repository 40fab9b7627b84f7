"""Drift: what arrives that a contract does not name, and the smallest change that names it."""

from __future__ import annotations
