"""How long somebody who guesses passwords has to wait: pure, from the times of their refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=15)
PAUSE = timedelta(minutes=15)
TRIES_PER_ACCOUNT = 5
TRIES_PER_ADDRESS = 20


@dataclass(frozen=True)
class Standing:
    """Where an account or address stands: tries left, and until when it is locked out."""

    tries_left: int
    locked_until: datetime | None = None

    @property
    def locked(self) -> bool:
        """Whether it has to wait."""
        return self.locked_until is not None


def standing(refusals: Sequence[datetime], *, tries: int, now: datetime) -> Standing:
    """Judge the refusals since the last success; older ones than WINDOW do not count.

    `tries` refusals within the window lock it for PAUSE from the last of them.
    """
    recent = sorted(at for at in refusals if now - at < WINDOW)
    if len(recent) < tries:
        return Standing(tries - len(recent))
    until = recent[-1] + PAUSE
    return Standing(0, until) if until > now else Standing(tries)
