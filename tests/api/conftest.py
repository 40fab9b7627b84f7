"""The pilot with signing secrets that the tests know, and a source reached with a key."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from contracts_app.models import Source
from contracts_app.queries import clock
from contracts_app.services.credentials import issue_key
from contracts_app.services.sources import add_secret
from tests.api.signing import SECRETS
from tests.builders import given_document, given_pilot

# One of our own producers: it speaks the contract's words and hears of every violation at once.
OWN_PRODUCER = """
meshline: source/v1
name: warehouse
system: meshline
scheme: apikey
external_id: "= body.id"
kind: "= body.type"
on_violation: reject
events:
  - contract: shop.cart.updated
    version: "^1"
    payload: "= body"
"""


def given_world() -> None:
    """Publish the pilot and the producer, each source with its secret."""
    given_pilot("contracts", "sources", "flows", "runbooks", "calendars", "policies", "rotas")
    given_document(OWN_PRODUCER)
    for source in Source.objects.filter(scheme__in=SECRETS):
        add_secret(source=source, secret=SECRETS[source.scheme], now=clock.now())


@pytest.fixture
def world(db: None) -> None:
    given_world()


@pytest.fixture
def key(db: None) -> Callable[..., str]:
    """Issue an API key with these scopes; returns the token."""

    def issue(*scopes: str) -> str:
        return issue_key(name="test", scopes=scopes, now=clock.now())["key"]

    return issue


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
