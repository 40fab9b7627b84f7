"""How many deliveries of one sender a source takes; the rest is asked to come again."""

from __future__ import annotations

import math

from django.conf import settings

from meshline import token_bucket
from meshline.core.errors import TooMany

_MILLIS = 1000


def check(source: str, sender: str) -> None:
    """Count one delivery. Raises: TooMany with the pause to make. Nothing if the limit is 0."""
    if not settings.INGEST_RATE_PER_S:
        return
    wait = token_bucket.wait_ms(
        f"{source}:{sender}", per_s=settings.INGEST_RATE_PER_S, burst=settings.INGEST_BURST
    )
    if wait:
        raise TooMany(
            f"More than {settings.INGEST_RATE_PER_S} deliveries a second came for {source}.",
            retry_after_s=math.ceil(wait / _MILLIS),
            remedy="Send the same again after the pause.",
        )
