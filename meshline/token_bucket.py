"""Token buckets in Valkey, counted for all processes together; without Valkey everybody passes."""

from __future__ import annotations

import logging
import threading
import time
from urllib.parse import parse_qs, urlsplit

import redis
from django.conf import settings

_PATIENCE_S = 0.2
_PAUSE_S = 5.0

# Returns 0 if a token was taken, else the milliseconds until there is one.
_TAKE = """
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(kept[1]) or burst, tonumber(kept[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate / 1000)
local wait = 0
if tokens >= 1 then tokens = tokens - 1 else wait = math.ceil((1 - tokens) * 1000 / rate) end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
return wait
"""

logger = logging.getLogger(__name__)


class Limiter:
    """Takes tokens; after Valkey failed, it is left alone for a few seconds."""

    def __init__(self, url: str) -> None:
        self._redis: redis.Redis = redis.Redis.from_url(
            client_url(url), socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S
        )
        self._take = self._redis.register_script(_TAKE)
        self._away_until = 0.0

    def wait_ms(self, name: str, *, per_s: float, burst: int) -> int:
        """Take a token of the bucket `name`: 0, or the milliseconds until there is one."""
        if time.monotonic() < self._away_until:
            return 0
        try:
            return int(self._take(keys=[f"meshline:rate:{name}"], args=[per_s, burst]))
        except (redis.RedisError, OSError) as error:
            self._away_until = time.monotonic() + _PAUSE_S
            logger.warning("no rate limit for now, Valkey is away: %s", type(error).__name__)
            return 0

    def close(self) -> None:
        """Close its connections."""
        self._redis.close()


_lock = threading.Lock()
_limiters: dict[str, Limiter] = {}


def wait_ms(name: str, *, per_s: float, burst: int) -> int:
    """Take a token of the bucket `name`: 0, or the milliseconds until there is one.

    `per_s`: tokens that come back each second; `burst`: how many there are at most.
    """
    with _lock:
        limiter = _limiters.get(settings.BROKER_URL)
        if limiter is None:
            limiter = _limiters[settings.BROKER_URL] = Limiter(settings.BROKER_URL)
    return limiter.wait_ms(name, per_s=per_s, burst=burst)


def client_url(url: str) -> str:
    """Return Celery's address of a broker as the Redis client writes it."""
    parts = urlsplit(url)
    if parts.scheme != "redis+socket":
        return url
    number = parse_qs(parts.query).get("virtual_host", ["0"])[0]
    return f"unix://{parts.path}?db={number.strip('/')}"
