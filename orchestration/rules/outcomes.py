"""What one call to an outside system can come to: done, refused, transient or unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from meshline.core.safejson import Json


@dataclass(frozen=True)
class Done:
    """The system did it, or had done it before; `result` is its answer in the catalog's shape."""

    result: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """The system said no and will say no again; nothing was changed there."""

    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Transient:
    """Nothing was changed there and the same call may succeed later."""

    reason: str
    retry_after: timedelta | None = None


@dataclass(frozen=True)
class Unknown:
    """The request left, the answer was lost: it may be done or not. Unknown is not failed."""

    reason: str


Outcome = Done | Refused | Transient | Unknown


def name_of(outcome: Outcome) -> str:
    """Return the outcome's word in the ledger: done, refused, transient or unknown."""
    return type(outcome).__name__.lower()
