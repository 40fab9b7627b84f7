"""Settings for tools that read settings and need no server: mypy and the migrations check."""

from __future__ import annotations

import os

os.environ.setdefault("MESHLINE_VAR", "/nonexistent")
os.environ.setdefault("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
os.environ.setdefault("BROKER_URL", "redis://127.0.0.1:1/0")
os.environ.setdefault(
    "MESHLINE_SECRET_KEY", "only for tools that look at the code and start no server"
)

from meshline.settings import *  # noqa: F403
