"""What the tests of a session say of contracts, and which of it may be registered. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple


class Taken(NamedTuple):
    """A contract's version that a test took; `digest` is of the text that it was tested by."""

    name: str
    version: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Result:
    """What the tests together say of one contract version.

    "withheld" is neither passed nor failed, and `why` says what is missing.
    """

    taken: Taken
    state: Literal["passed", "failed", "withheld"]
    passed: int
    failed: tuple[str, ...]
    why: str = ""

    @property
    def details(self) -> str:
        """The sentence that the registry keeps with it."""
        if self.state == "failed":
            told = f"{len(self.failed)} of {len(self.failed) + self.passed} tests failed: "
            return (told + ", ".join(self.failed))[:1000]
        return f"{self.passed} test{'s' * (self.passed != 1)} passed."


@dataclass
class _Test:
    """One test: how often it checked each contract that it took, and how it ended."""

    taken: dict[Taken, int] = field(default_factory=dict)
    ran: bool = False
    failed: bool = False


class Tally:
    """The reports of one session. `doubt` is a reason for which nothing counts as passed."""

    def __init__(self) -> None:
        self._tests: dict[str, _Test] = {}
        self._doubts: list[str] = []

    def add(self, test: str, phase: str, outcome: str, told: Mapping[str, Any] | None) -> None:
        """Take the report of one phase: "setup", "call" or "teardown".

        `told` is what the plugin wrote into it: whether the test asks for contracts, and which it
        took; None for a test whose process was lost.
        """
        if phase == "setup" or test not in self._tests:
            self._tests[test] = _Test()  # a test that is run again begins anew
        one = self._tests[test]
        one.failed |= outcome == "failed"
        one.ran |= phase == "call" and outcome == "passed"
        if told is not None:
            one.taken = {Taken(*entry[:3]): int(entry[3]) for entry in told["taken"]}
        if outcome == "failed" and (told is None or (told["asks"] and not one.taken)):
            self.doubt(f"{test} failed before it said which contract it is about.")

    def doubt(self, reason: str) -> None:
        """Let no contract pass in this session, for a reason that is a whole sentence."""
        if reason not in self._doubts:
            self._doubts.append(reason)

    def results(self) -> list[Result]:
        """Return one result for each contract version that was checked, in their order."""
        return list(self._results())

    def _results(self) -> Iterator[Result]:
        for taken in sorted({one for test in self._tests.values() for one in test.taken}):
            about = {name: test for name, test in self._tests.items() if taken in test.taken}
            if not sum(test.taken[taken] for test in about.values()):
                continue
            failed = tuple(name for name, test in about.items() if test.failed)
            good = [t for t in about.values() if t.ran and not t.failed and t.taken[taken]]
            if failed:
                yield Result(taken, "failed", len(good), failed)
            elif not good:
                yield Result(taken, "withheld", 0, (), "No test of it ran to its end.")
            elif self._doubts:
                yield Result(taken, "withheld", len(good), (), self._doubts[0])
            else:
                yield Result(taken, "passed", len(good), ())
