"""When the last event of each contract came, one index look-up each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

_NEWEST = """
SELECT wanted.name, newest.received_at FROM unnest(%s::text[]) AS wanted(name)
  CROSS JOIN LATERAL (SELECT received_at FROM orchestration_event
                       WHERE contract = wanted.name ORDER BY id DESC LIMIT 1) AS newest
"""


def last_events(contracts: Sequence[str]) -> dict[str, datetime]:
    """Return when the newest event of each contract was received; silent ones are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [list(contracts)])
        return dict(cursor.fetchall())
