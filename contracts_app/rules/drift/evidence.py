"""Sightings of many events folded into the little that is kept of each: bounded, and masked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from contracts_app.rules.drift.sightings import Sighting

SAMPLES = 3
MOST_SOURCES = 10
MOST_WORDS = 8
# A word of one event may be a name; the same word in several events is one of a few words.
REPEATED = 3


@dataclass(frozen=True)
class Seen:
    """The event in which something was sighted; `held`: it was refused and waits for a person."""

    event: str
    source: str
    at: datetime
    held: bool = False


@dataclass(frozen=True)
class Evidence:
    """How often, when, from whom and in which shape one thing came.

    `samples` are (event id, shape or word). `tallies` counts words by a digest of theirs, so that
    a word of one event is kept nowhere; None once there were too many to be a list.
    """

    first_seen: datetime
    last_seen: datetime
    events: int = 0
    refused: int = 0
    sources: Mapping[str, int] = field(default_factory=dict)
    types: tuple[str, ...] = ()
    samples: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()
    tallies: Mapping[str, int] | None = field(default_factory=dict)

    def with_one(self, sighting: Sighting, seen: Seen) -> Evidence:
        """Return the evidence with one more event."""
        tallies, words = self._counted(sighting)
        value = sighting.value if sighting.kind != "type" else ""
        told = value or (sighting.word if sighting.word in words else sighting.shape)
        samples = self.samples
        if len(samples) < SAMPLES:
            samples = (*samples, (seen.event, told))
        return replace(
            self,
            first_seen=min(self.first_seen, seen.at),
            last_seen=max(self.last_seen, seen.at),
            events=self.events + 1,
            refused=self.refused + (sighting.closed and seen.held),
            sources=_more(self.sources, seen.source),
            types=tuple(sorted({*self.types, sighting.type})),
            samples=samples,
            words=words,
            tallies=tallies,
        )

    def _counted(self, sighting: Sighting) -> tuple[Mapping[str, int] | None, tuple[str, ...]]:
        if self.tallies is None or sighting.kind == "value":
            return self.tallies, self.words
        if not sighting.word:
            return (None, ()) if sighting.type == "string" else (self.tallies, self.words)
        digest = hashlib.sha256(sighting.word.encode()).hexdigest()[:12]
        tallies = {**self.tallies, digest: self.tallies.get(digest, 0) + 1}
        if len(tallies) > MOST_WORDS:
            return None, ()
        if tallies[digest] == REPEATED:
            return tallies, tuple(sorted({*self.words, sighting.word}))
        return tallies, self.words


def begun(seen: Seen) -> Evidence:
    """Return the evidence of nothing yet."""
    return Evidence(seen.at, seen.at)


def _more(counts: Mapping[str, int], source: str) -> dict[str, int]:
    name = source if source in counts or len(counts) < MOST_SOURCES else "others"
    return {**counts, name: counts.get(name, 0) + 1}
