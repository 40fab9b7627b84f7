"""Count what happened, per minute; pages read these rows instead of counting events."""

from __future__ import annotations

import random
from datetime import datetime

from django.db import connection

SHARDS = 8

_ADD = """
INSERT INTO orchestration_tally (minute, metric, contract, source, flow, shard, count, total_ms)
VALUES (date_trunc('minute', %s::timestamptz), %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (minute, metric, contract, source, flow, shard)
DO UPDATE SET count = orchestration_tally.count + EXCLUDED.count,
              total_ms = orchestration_tally.total_ms + EXCLUDED.total_ms
"""


def count(
    metric: str,
    *,
    now: datetime,
    contract: str = "",
    source: str = "",
    flow: str = "",
    n: int = 1,
    ms: int = 0,
) -> None:
    """Add `n` to the metric's count of this minute, and `ms` milliseconds to its sum.

    Writers spread over shards, so that two transactions seldom wait for one row.
    """
    shard = random.randrange(SHARDS)  # noqa: S311 spreads writers, guards nothing
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [now, metric, contract, source, flow, shard, n, ms])
