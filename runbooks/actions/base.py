"""Action: what a button does. Rows only, never a network call; wake-ups go out after commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.contrib.auth.models import User

from orchestration.models import Event, Handoff, Run
from orchestration.rules.preview import PreviewLine


@dataclass(frozen=True)
class Target:
    """What a button is pressed on: a handoff, a run, or both; else a ticket, by its event."""

    handoff: Handoff | None
    run: Run | None
    event: Event | None = None

    @property
    def thing(self) -> Handoff | Run | Event | None:
        """What it is about, the most telling first."""
        return self.handoff or self.run or self.event

    @property
    def ticket(self) -> str:
        """The ticket it is about, empty if none is named yet."""
        return self.thing.ticket if self.thing else ""

    @property
    def contract(self) -> str:
        """The contract it is about."""
        return self.thing.contract if self.thing else ""

    @property
    def contract_version(self) -> str:
        """The version under which the event was accepted."""
        return self.thing.contract_version if self.thing else ""


@dataclass(frozen=True)
class Preview:
    """What a press would do, effect by effect, in words."""

    sentence: str
    lines: tuple[PreviewLine, ...] = ()
    safe: str = ""
    count: int = 1


@dataclass(frozen=True)
class Press:
    """Who presses, why, with which values, and when (the database's time)."""

    by: User
    ticket: str
    reason: str
    values: Mapping[str, Any]
    intervention_id: int
    now: datetime


@dataclass(frozen=True)
class Result:
    """What a press has set going."""

    text: str
    run_id: UUID | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


class Action(Protocol):
    """One kind of button. `parameters` is a JSON Schema of the form's own values."""

    @property
    def slug(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def icon(self) -> str: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def reasons(self) -> tuple[str, ...]: ...

    def rule(self, target: Target) -> str:
        """The name under which the permissions judge this press."""
        ...

    def offered(self, target: Target) -> bool:
        """Whether the button makes sense on this target at all."""
        ...

    def preview(self, target: Target) -> Preview:
        """Say what a press would do. Changes nothing."""
        ...

    def perform(self, target: Target, press: Press) -> Result:
        """Do it, inside the press's transaction. Raises: MeshlineError if it cannot be done."""
        ...
