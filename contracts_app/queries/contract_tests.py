"""The contract tests of a version as they were run last."""

from __future__ import annotations

from dataclasses import dataclass

from contracts_app.models import ContractTestResult, ContractTestRun, ContractVersion


@dataclass(frozen=True)
class ShownRun:
    """The newest run of a version's tests. `current`: it tested the text that stands there now."""

    row: ContractTestRun
    results: tuple[ContractTestResult, ...]
    current: bool

    @property
    def troubles(self) -> tuple[ContractTestResult, ...]:
        """What failed, then what could not be tested."""
        return (*self._that("failed"), *self._that("skipped"))

    @property
    def passed(self) -> tuple[ContractTestResult, ...]:
        """What passed."""
        return self._that("passed")

    def _that(self, outcome: str) -> tuple[ContractTestResult, ...]:
        return tuple(one for one in self.results if one.outcome == outcome)


def newest_run(version: ContractVersion) -> ShownRun | None:
    """Return the last run of a version's tests with its results; two queries."""
    row = ContractTestRun.objects.filter(version=version).order_by("-id").first()
    if row is None:
        return None
    return ShownRun(row, tuple(row.results.order_by("position")), row.digest == version.digest)


def failing(version: ContractVersion) -> tuple[str, ...]:
    """Return what failed when exactly this text was tested last; nothing if it never was."""
    row = ContractTestRun.objects.filter(version=version).order_by("-id").first()
    if row is None or row.digest != version.digest or not row.failed:
        return ()
    rows = row.results.filter(outcome="failed").order_by("position")
    return tuple(f"{one.title.lower()} {one.name}" for one in rows)
