"""The pytest plugin: the fixture `meshline_contract`, and results registered as verification.

It loads contracts, validators and the HTTP client only when a test asks for a contract.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from meshline.testing.options import add_options, options_of
from meshline.testing.tally import Taken, Tally

if TYPE_CHECKING:
    from meshline.testing.contract import Contract
    from meshline.testing.registering import Line

FIXTURE = "meshline_contract"
_ATTRIBUTE = "meshline_contracts"  # of a report, also on its way from an xdist worker
_PARTIAL = "meshline_left_out"
_taken = pytest.StashKey[dict[Taken, int]]()
_library = pytest.StashKey[Any]()
_left_out = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Follow the session where the reports come together: never in an xdist worker."""
    config.stash[_left_out] = 0
    options = options_of(config)
    if not hasattr(config, "workerinput") and options.register:
        config.pluginmanager.register(_Session(config), "meshline-session")


class Contracts:
    """What the fixture gives: contracts by name and version, bound to the test that asks."""

    def __init__(self, config: pytest.Config, taken: dict[Taken, int]) -> None:
        self._config = config
        self._taken = taken

    def __call__(self, name: str, version: str = "*") -> Contract:
        """Return a contract; `version` is exact, or a range whose newest one in service is taken.

        The test fails if there is none.
        """
        from meshline.testing.contract import Contract
        from meshline.testing.library import Library, NoContract

        options = options_of(self._config)
        library = self._config.stash.setdefault(_library, Library(options))
        missing = ""
        try:
            loaded = library.get(name, version)
        except NoContract as error:
            missing = str(error)
        if missing:  # outside, or pytest would tell both
            pytest.fail(missing, pytrace=False)
        taken = Taken(loaded.spec.name, loaded.spec.version, loaded.spec.digest)
        self._taken.setdefault(taken, 0)
        return Contract(loaded, lambda: self._count(taken), options.system)

    def _count(self, taken: Taken) -> None:
        self._taken[taken] += 1


@pytest.fixture(name=FIXTURE)
def _contracts(request: pytest.FixtureRequest) -> Contracts:
    """Contracts by name and version: `meshline_contract("billing.refund.completed", "^1")`."""
    return Contracts(request.config, request.node.stash.setdefault(_taken, {}))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write into each report which contracts the test took, and how often it checked them."""
    report = yield
    taken = item.stash.get(_taken, {})
    told = {"asks": _asks(item), "taken": [[*one, count] for one, count in taken.items()]}
    setattr(report, _ATTRIBUTE, told)
    return report


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Remember tests of contracts that are left out of this session."""
    for item in items:
        if _asks(item):
            item.config.stash[_left_out] += 1


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let an xdist worker tell what its reports do not."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_PARTIAL] = session.config.stash[_left_out]


def _asks(item: pytest.Item) -> bool:
    return FIXTURE in getattr(item, "fixturenames", ())


class _Session:
    """One session that registers: its reports, and the end at which they are written down."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._options = options_of(config)
        self._tally = Tally()
        self._lines: list[Line] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        known_bad = report.skipped and hasattr(report, "wasxfail")
        outcome = "failed" if known_bad else report.outcome
        told = getattr(report, _ATTRIBUTE, None)
        self._tally.add(report.nodeid, report.when or "call", outcome, told)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._tally.doubt(f"{report.nodeid or 'A file'} could not be collected.")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        told = getattr(node, "workeroutput", None) or {}
        self._config.stash[_left_out] += int(told.get(_PARTIAL, 0))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        ended = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        if not ended:
            return
        self._doubt_what_is_partial(session)
        results = self._tally.results()
        if not results:
            return
        from meshline.testing.registering import register

        self._lines = register(results, self._options)
        if self._options.unregistered == "fail" and not all(one.done for one in self._lines):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _doubt_what_is_partial(self, session: pytest.Session) -> None:
        if session.shouldstop or session.shouldfail:
            self._tally.doubt("The session stopped before all tests had run.")
        if self._config.stash[_left_out]:
            self._tally.doubt("Tests that ask for contracts were deselected.")
        if self._config.getoption("lf", default=False):
            self._tally.doubt("Only the tests that failed last time were run.")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("contracts", "-")
        for line in self._lines:
            terminalreporter.write_line(line.told, yellow=not line.done, green=line.done)
        if not self._lines:
            terminalreporter.write_line(
                "Nothing is registered: no contract was checked, or the session was interrupted.",
                yellow=True,
            )
