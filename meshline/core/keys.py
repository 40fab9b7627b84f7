"""TicketKey, CorrelationKey, EffectKey: small value types with parse and str."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote
from uuid import UUID

from meshline.core.errors import BadValue

MAX_CHARS = 120

_SYSTEM = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_NAME = re.compile(r"[a-z][a-z0-9._-]{0,79}")
_TICKET_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,78}")
_EFFECT = re.compile(r"([0-9a-f-]{36}):([a-z][a-z0-9._-]*):([^:#]+)(?:#([1-9][0-9]{0,4}))?")
_DIGEST_CHARS = 16
_REDO_CHARS = len("#99999")


@dataclass(frozen=True, order=True)
class TicketKey:
    """The customer's case in an outside system: `desk:4812`."""

    system: str
    id: str

    def __post_init__(self) -> None:
        if not (_SYSTEM.fullmatch(self.system) and _TICKET_ID.fullmatch(self.id)):
            raise BadValue(
                f"{str(self)[:MAX_CHARS]!r} is not a ticket key.",
                remedy="Write the system and the ticket's number, like desk:4812.",
            )

    def __str__(self) -> str:
        return f"{self.system}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `system:id`. Raises BadValue."""
        system, _, identifier = text[: MAX_CHARS + 1].partition(":")
        return cls(system, identifier)


@dataclass(frozen=True, order=True)
class CorrelationKey:
    """What ties an acknowledgement to its request: a contract and the value both sides carry."""

    contract: str
    value: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.contract) or not self.value:
            raise BadValue(
                f"{self.contract!r} with a value of {len(self.value)} characters is no "
                "correlation key.",
                remedy="Give a contract's name and the value at its identity.correlation.",
            )

    def __str__(self) -> str:
        return _fit(f"{self.contract}:", self.value, MAX_CHARS)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `contract:value`; a shortened value stays shortened. Raises BadValue."""
        contract, _, value = text.partition(":")
        return cls(contract, value)


@dataclass(frozen=True, order=True)
class EffectKey:
    """What one outside change means: event + flow + step path (+ redo number).

    It never holds the attempt, the run or the flow's version, so whoever tries again asks with
    the same key. `step` is the escaped path: parents of `call_flow`, step id, item key of `each`,
    joined by "/". At most 120 characters; a longer path is cut and ends in a digest.
    """

    event: UUID
    flow: str
    step: str
    redo: int = 0

    def __post_init__(self) -> None:
        if not _EFFECT.fullmatch(str(self)) or len(str(self)) > MAX_CHARS:
            raise BadValue(
                f"{str(self)[:MAX_CHARS]!r} is not an effect key.",
                remedy="Make effect keys with EffectKey.of(event, flow, step).",
            )

    def __str__(self) -> str:
        return f"{self.event}:{self.flow}:{self.step}" + (f"#{self.redo}" if self.redo else "")

    @classmethod
    def of(cls, event: UUID, flow: str, step: str | Sequence[str], *, redo: int = 0) -> Self:
        """Return the key of a step; `step` is its path, as one text with "/" or as segments."""
        segments = step.split("/") if isinstance(step, str) else step
        path = "/".join(quote(segment, safe="-_.@") for segment in segments)
        head = f"{event}:{flow}:"
        # The room for a redo number is always kept, so a redo changes nothing else of the key.
        fitted = _fit(head, path, MAX_CHARS - _REDO_CHARS)
        return cls(event, flow, fitted.removeprefix(head), redo)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote. Raises BadValue."""
        found = _EFFECT.fullmatch(text) if len(text) <= MAX_CHARS else None
        if found is None:
            raise BadValue(f"{text[:MAX_CHARS]!r} is not an effect key.")
        event, flow, step, redo = found.groups()
        return cls(UUID(event), flow, step, int(redo or 0))

    @property
    def path(self) -> tuple[str, ...]:
        """The step path as segments, unescaped."""
        return tuple(unquote(segment) for segment in self.step.split("/"))


def _fit(head: str, tail: str, limit: int) -> str:
    """Return head + tail; when too long, the tail is cut and its digest keeps it distinct."""
    if len(head) + len(tail) <= limit:
        return head + tail
    digest = hashlib.sha256(tail.encode()).hexdigest()[:_DIGEST_CHARS]
    room = limit - len(head) - len(digest) - 1
    if room < 1:
        raise BadValue(f"{head!r} leaves no room for the rest of a key of {limit} characters.")
    return f"{head}{tail[:room]}~{digest}"
