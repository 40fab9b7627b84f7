"""pytest plugin (`-p tests.embedded`): PostgreSQL and Valkey up before Django reads its settings.

The first process starts them, once for all xdist workers, which inherit the addresses. With
DATABASE_URL and BROKER_URL in the environment those servers are used and none is started.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

_STARTED = "MESHLINE_TEST_SERVERS"
_stop: list[Callable[[], None]] = []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None]:
    """Run before pytest-django loads the settings, which conftest.py cannot."""
    try:
        if _STARTED not in os.environ:
            prepare_environment()
        _take_own_broker_number()
        return (yield)
    except BaseException:
        stop_all()
        raise


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Stop what this process started."""
    stop_all()


def prepare_environment() -> None:
    """Start the servers and put their addresses and the settings of tests into the environment."""
    home = Path(tempfile.mkdtemp(prefix="meshline-tests-"))
    _stop.append(lambda: shutil.rmtree(home, ignore_errors=True))
    os.environ.update(
        {
            _STARTED: str(os.getpid()),
            "MESHLINE_VAR": str(home),
            "MESHLINE_INSECURE_LOOPBACK": "1",
            "MESHLINE_SECRET_KEY": "tests have no secrets but need fifty characters here",
            "MESHLINE_SECRET_KEYS": "tests:" + "A" * 43 + "=",
            "MESHLINE_ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
            "MESHLINE_CONSOLE_URL": "http://localhost",
            "MESHLINE_CONNECTION_AGE_S": "0",
            "MESHLINE_LOG_LEVEL": "WARNING",
        }
    )
    if not os.environ.get("DATABASE_URL"):
        _start_postgres(home)
    if not os.environ.get("BROKER_URL"):
        _start_broker(home)


def _start_postgres(home: Path) -> None:
    from meshline.local.postgres import APPLICATION, OWNER, EmbeddedPostgres

    server = EmbeddedPostgres(home / "postgres", durable=False)
    _stop.append(server.forget)
    _stop.append(server.stop)
    server.start()
    os.environ["DATABASE_URL"] = server.url(OWNER)
    os.environ["MESHLINE_APPLICATION_ROLE"] = APPLICATION
    os.environ["MESHLINE_TEST_APPLICATION_URL"] = server.url(APPLICATION)


def _start_broker(home: Path) -> None:
    from meshline.local.broker import EmbeddedBroker

    server = EmbeddedBroker(home / "broker")
    _stop.append(server.stop)
    server.start()
    os.environ["BROKER_URL"] = server.url()


def _take_own_broker_number() -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    number = int(worker.removeprefix("gw")) + 1 if worker else 0
    os.environ["BROKER_URL"] = f"{os.environ['BROKER_URL'].rsplit('/', 1)[0]}/{number}"


def stop_all() -> None:
    """Stop what prepare_environment() started; harmless when called twice."""
    while _stop:
        _stop.pop()()
