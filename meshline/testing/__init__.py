"""The pytest plugin, in rooms: importing this loads nothing that a session may not need."""

from __future__ import annotations
