"""Stored events judged again by another text: how many it would have refused, from whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from contracts_app.rules.contract_spec import ContractSpec
from meshline.core import redact
from meshline.core.safejson import Json

SAMPLES = 3


@dataclass(frozen=True)
class StoredEvent:
    """One event as it was accepted: its id, the source that sent it, its mapped payload."""

    id: str
    source: str
    payload: Json


@dataclass(frozen=True)
class Sample:
    """An event that would have been refused; payload and sentences are masked."""

    id: str
    payload: Json
    sentences: tuple[str, ...]


@dataclass
class Sender:
    """What one source sent, and what of it would have been refused."""

    source: str
    events: int = 0
    refused: int = 0
    samples: list[Sample] = field(default_factory=list)

    @property
    def first_reason(self) -> str:
        """The first sentence of the first sample, "" if nothing was refused."""
        return self.samples[0].sentences[0] if self.samples else ""


@dataclass(frozen=True)
class JudgedTraffic:
    """All senders, those with most refusals first. `whole`: no event of the time was left out."""

    senders: tuple[Sender, ...]
    whole: bool

    @property
    def events(self) -> int:
        """How many events were judged."""
        return sum(one.events for one in self.senders)

    @property
    def refused(self) -> int:
        """How many of them would have been refused."""
        return sum(one.refused for one in self.senders)


def judge_traffic(
    events: Iterable[StoredEvent], spec: ContractSpec, *, whole: bool = True
) -> JudgedTraffic:
    """Judge accepted events by a proposed text; the newest of each source are its samples."""
    marks = redact.marks_for(spec.schema, spec.risk.pii)
    senders: dict[str, Sender] = {}
    for event in events:
        sender = senders.setdefault(event.source, Sender(event.source))
        sender.events += 1
        found = spec.violations(event.payload)
        if not found:
            continue
        sender.refused += 1
        if len(sender.samples) < SAMPLES:
            told = tuple(redact.mask_text(one.sentence) for one in found[:5])
            sender.samples.append(Sample(event.id, redact.mask(event.payload, marks), told))
    ordered = sorted(senders.values(), key=lambda one: (-one.refused, -one.events, one.source))
    return JudgedTraffic(tuple(ordered), whole)
