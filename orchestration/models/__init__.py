"""Tables of the engine: events, runs, effects, expectations, timers, handoffs."""

from __future__ import annotations

from orchestration.models.effect import Effect, EffectState
from orchestration.models.event import (
    DeliveryConflict,
    Event,
    EventBody,
    EventKey,
    EventState,
    HeldEvent,
    SubjectState,
)
from orchestration.models.expectation import Expectation
from orchestration.models.flow import FlowVersion
from orchestration.models.handoff import Handoff, HandoffState
from orchestration.models.merge import IdMerge
from orchestration.models.run import Attempt, Run, RunOutcome, RunState, StepRecord
from orchestration.models.telemetry import Heartbeat, Tally
from orchestration.models.timer import SlaTimer, TimerAlarm, TimerPause, TimerState
from orchestration.models.tolerated import ToleratedEvent

__all__ = [
    "Attempt",
    "DeliveryConflict",
    "Effect",
    "EffectState",
    "Event",
    "EventBody",
    "EventKey",
    "EventState",
    "Expectation",
    "FlowVersion",
    "Handoff",
    "HandoffState",
    "Heartbeat",
    "HeldEvent",
    "IdMerge",
    "Run",
    "RunOutcome",
    "RunState",
    "SlaTimer",
    "StepRecord",
    "SubjectState",
    "Tally",
    "TimerAlarm",
    "TimerPause",
    "TimerState",
    "ToleratedEvent",
]
