"""RetryPolicy and next_attempt_at(): when a call that did not succeed is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from meshline.core.durations import format_duration, parse_duration

Jitter = Literal["full", "equal", "none"]

# A vendor that says "come back next week" must not park a customer's refund for a week.
RETRY_AFTER_CEILING = timedelta(hours=1)


@dataclass(frozen=True)
class RetryPolicy:
    """How often and after which pauses; `attempts` counts the first try too."""

    attempts: int = 5
    first_delay: timedelta = timedelta(seconds=1)
    factor: float = 2.0
    max_delay: timedelta = timedelta(minutes=1)
    jitter: Jitter = "full"

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> RetryPolicy:
        """Read `{attempts, first_delay, factor, max_delay, jitter}`, each of them optional.

        Units: delays are ISO 8601 durations. Raises: BadValue for a malformed duration.
        """
        usual = cls()
        return cls(
            attempts=int(document.get("attempts", usual.attempts)),
            first_delay=_delay(document, "first_delay", usual.first_delay),
            factor=float(document.get("factor", usual.factor)),
            max_delay=_delay(document, "max_delay", usual.max_delay),
            jitter=document.get("jitter", usual.jitter),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the policy as a flow document writes it."""
        return {
            "attempts": self.attempts,
            "first_delay": format_duration(self.first_delay),
            "factor": self.factor,
            "max_delay": format_duration(self.max_delay),
            "jitter": self.jitter,
        }


DEFAULT_POLICY = RetryPolicy()
PROBE_POLICY = RetryPolicy(attempts=3, max_delay=timedelta(seconds=10))


def next_attempt_at(
    policy: RetryPolicy,
    *,
    attempt: int,
    failed_at: datetime,
    jitter: float = 1.0,
    retry_after: timedelta | None = None,
) -> datetime | None:
    """Return when to try again after failed attempt number `attempt` (from 1), None to give up.

    `jitter` is a random number in [0, 1) drawn by the caller; `retry_after` is what the vendor
    asked for: it lengthens the pause, up to RETRY_AFTER_CEILING, and never shortens it.
    """
    if attempt >= policy.attempts:
        return None
    pause = _jittered(_backoff(policy, attempt), policy.jitter, jitter)
    if retry_after is not None:
        pause = max(pause, min(retry_after, RETRY_AFTER_CEILING))
    return failed_at + pause


def _backoff(policy: RetryPolicy, attempt: int) -> timedelta:
    longest = policy.max_delay.total_seconds()
    try:
        seconds = policy.first_delay.total_seconds() * policy.factor ** (attempt - 1)
    except OverflowError:
        seconds = longest
    return timedelta(seconds=min(seconds, longest))


def _jittered(delay: timedelta, kind: Jitter, draw: float) -> timedelta:
    match kind:
        case "full":
            return delay * draw
        case "equal":
            return delay / 2 + delay / 2 * draw
        case "none":
            return delay


def _delay(document: Mapping[str, Any], name: str, usual: timedelta) -> timedelta:
    text = document.get(name)
    return usual if text is None else parse_duration(text)
