"""Peers for connectors: a scripted HTTP server, and a real SMTP server."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.connectors.peer import Peer, running_peer


@pytest.fixture
def peer() -> Iterator[Peer]:
    with running_peer() as started:
        yield started


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
