"""A real worker: it hears its own echo, and a deploy's SIGTERM leaves no run behind."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts_app.queries import clock
from meshline.celery import app
from meshline.local import parts
from orchestration import echo, wake
from orchestration.models import Effect, Run
from tests.builders import accepted, run_of
from tests.sandbox_process import Sandbox
from tests.services.drive import given_request
from tests.services.test_drain import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(
    process_environment: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> Iterator[subprocess.Popen[bytes]]:
    told = {
        f"MESHLINE_{name.upper()}_{part}": value
        for name, system in sandbox.systems().items()
        for part, value in (("URL", system["base_url"]), ("TOKEN", system["token"]))
    }
    paces = {"MESHLINE_CALL_TIMEOUT_S": "8", "MESHLINE_LEASE_S": "60"}
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            parts.worker(), env={**process_environment, **told, **paces}, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)


def test_worker_reads_its_own_echo_and_gives_its_runs_back_when_told_to_stop(
    worker: subprocess.Popen[bytes], sandbox: Sandbox
) -> None:
    queue = f"echo.{socket.gethostname()}.{worker.pid}"
    sandbox.fault("billing", "create_refund", "slow", delay_s=6.0, times=1)
    receipt = accepted("helpdesk", given_request(sandbox))
    until(lambda: Effect.objects.filter(path="refund", attempts=1).exists(), 60)

    app.send_task(echo.TASK, queue=queue)
    until(lambda: not wake.broker().exists(queue), 20)

    told_at = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    until(lambda: not Run.objects.filter(state="running").exists(), 20)

    run = run_of(receipt)
    assert time.monotonic() - told_at < 15, "long before the lease of 60 s lapses"
    assert run.wake_at is not None
    assert (run.wake_at - clock.now()).total_seconds() < 10
    assert worker.wait(30) == 0
