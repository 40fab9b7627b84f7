"""May a system's version go to an environment? Failed, unverified and nobody there, told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from contracts_app.rules.versions import matches, parse_version

State = Literal["passed", "failed", "unverified", "no-consumers", "not-deployed"]
# (contract, its version, system, the system's version) to whether it passed, latest result each.
Results = Mapping[tuple[str, str, str, str], bool]


@dataclass(frozen=True)
class Part:
    """A contract in which the system has a part; `consumers` are live ones with their ranges."""

    contract: str
    producer: str
    consumers: Mapping[str, str]
    serving: tuple[str, ...]


@dataclass(frozen=True)
class Reason:
    """One thing that speaks for or against it, about one contract."""

    contract: str
    state: State
    sentence: str


@dataclass(frozen=True)
class Answer:
    """`verdict`: "failed" outweighs "unverified", which outweighs "yes"."""

    verdict: Literal["yes", "failed", "unverified"]
    reasons: tuple[Reason, ...]


def may_deploy(
    system: str,
    version: str,
    parts: Sequence[Part],
    results: Results,
    deployed: Mapping[str, str],
) -> Answer:
    """Judge by the system's own results and by those of whom it would meet there.

    `deployed` is which version of each other system is in the environment. Who is not there yet
    holds up nobody, so a first deployment passes; without a result of its own nothing passes.
    """
    asked = _Asked(system, version, results, deployed)
    reasons = tuple(reason for part in parts for reason in asked.about(part))
    states = {reason.state for reason in reasons}
    if "failed" in states:
        return Answer("failed", reasons)
    return Answer("unverified" if "unverified" in states or not parts else "yes", reasons)


@dataclass(frozen=True)
class _Asked:
    system: str
    version: str
    results: Results
    deployed: Mapping[str, str]

    def about(self, part: Part) -> Iterator[Reason]:
        if part.producer == self.system:
            yield self._own(part, "*")
            yield from self._to_consumers(part)
        if self.system in part.consumers:
            yield self._own(part, part.consumers[self.system])
            yield from self._from_producer(part)

    def _own(self, part: Part, pinned: str) -> Reason:
        """The results of the version that is to go: one at least, and none that failed."""
        name = f"{self.system} {self.version}"
        known = self._known(part, self.system, self.version, pinned)
        failed = [one for one, passed in known.items() if not passed]
        if failed:
            told = f"{name} fails {part.contract} {', '.join(failed)}."
            return Reason(part.contract, "failed", told)
        if not known:
            told = f"{name} has no verification of {part.contract}. Verify it, then ask again."
            return Reason(part.contract, "unverified", told)
        told = f"{name} keeps {part.contract} {', '.join(known)}."
        return Reason(part.contract, "passed", told)

    def _to_consumers(self, part: Part) -> Iterator[Reason]:
        if not part.consumers:
            told = f"{part.contract} has no consumer that could be hurt."
            yield Reason(part.contract, "no-consumers", told)
        sent = self._passed(part, self.system, self.version)
        for consumer, pinned in part.consumers.items():
            there = self.deployed.get(consumer)
            if there is None:
                told = f"{consumer} is not deployed there yet: it holds up nothing."
                yield Reason(part.contract, "not-deployed", told)
            elif sent:
                yield self._pair(part, sent, consumer, there, pinned)

    def _from_producer(self, part: Part) -> Iterator[Reason]:
        there = self.deployed.get(part.producer)
        if there is None:
            told = f"{part.producer} is not deployed there yet: it holds up nothing."
            yield Reason(part.contract, "not-deployed", told)
            return
        sent = self._passed(part, part.producer, there)
        if not sent:
            told = f"{part.producer} {there}, which is there, has proved no version of "
            told += f"{part.contract}. Verify it, then ask again."
            yield Reason(part.contract, "unverified", told)
            return
        pinned = part.consumers[self.system]
        yield self._pair(part, sent, self.system, self.version, pinned)

    def _pair(
        self, part: Part, sent: Sequence[str], consumer: str, version: str, pinned: str
    ) -> Reason:
        """Whether a consumer's version takes what is sent; the newest that it gets decides."""
        name = f"{consumer} {version}"
        gets = [one for one in sent if matches(pinned, one)]
        if not gets:
            told = f"{name} takes {part.contract} {pinned}, and only {', '.join(sent)} is sent."
            return Reason(part.contract, "failed", told)
        known = self._known(part, consumer, version, pinned)
        failed = [one for one in gets if known.get(one) is False]
        if failed:
            told = f"{name} fails {part.contract} {', '.join(failed)}, which is sent."
            return Reason(part.contract, "failed", told)
        newest = max(gets, key=parse_version)
        if newest not in known:
            told = f"{name} has no verification of {part.contract} {newest}, which is sent. "
            return Reason(part.contract, "unverified", f"{told}Verify it, then ask again.")
        return Reason(part.contract, "passed", f"{name} takes {part.contract} {newest}.")

    def _known(self, part: Part, system: str, version: str, pinned: str) -> dict[str, bool]:
        keys = {one: (part.contract, one, system, version) for one in part.serving}
        return {
            one: self.results[key]
            for one, key in keys.items()
            if key in self.results and matches(pinned, one)
        }

    def _passed(self, part: Part, system: str, version: str) -> list[str]:
        known = self._known(part, system, version, "*")
        return [one for one, passed in known.items() if passed]
