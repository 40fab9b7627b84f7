"""Log lines are JSON, carry what they are about, and hold no secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from meshline.core import logs


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    logs.configure("INFO", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def test_line_carries_run_contract_and_ticket(written: io.StringIO) -> None:
    with logs.bound(run="9b41", contract="billing.refund.completed", ticket=None):
        logs.get("meshline.test").info("run advanced", step="refund")
    logs.get("meshline.test").info("after")
    first, second = map(json.loads, written.getvalue().splitlines())
    assert first["event"] == "run advanced"
    assert first["run"] == "9b41"
    assert first["contract"] == "billing.refund.completed"
    assert first["step"] == "refund"
    assert first["level"] == "info"
    assert "ticket" not in first
    assert "run" not in second


def test_lines_of_libraries_are_json_and_masked(written: io.StringIO) -> None:
    logging.getLogger("some.library").warning("sent to %s\nforged line", "maja@example.com")
    (line,) = written.getvalue().splitlines()
    assert json.loads(line)["event"] == "sent to m…@example.com\nforged line"


def test_secret_in_an_exception_is_masked(written: io.StringIO) -> None:
    try:
        raise ValueError("Bearer abcdefghijklmnop")
    except ValueError:
        logs.get("meshline.test").exception("call failed", body={"to": "maja@example.com"})
    assert "abcdefghijklmnop" not in written.getvalue()
    assert "maja@" not in written.getvalue()
    assert "ValueError" in json.loads(written.getvalue())["exception"]
