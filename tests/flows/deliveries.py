"""Webhooks that a test sends itself, signed as the desk signs, where the sandbox is too polite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from tests.api.signing import signed
from tests.builders import next_id, refund_requested
from tests.flows.stack import Row, Stack
from tests.sandbox_process import SECRETS

_PAYLOADS = Path(__file__).resolve().parent.parent / "payloads" / "helpdesk"


def agents_comment(ticket: str) -> bytes:
    """An agent's public comment: an event that starts nothing."""
    body: dict[str, Any] = json.loads((_PAYLOADS / "ticket.comment_added.agent.json").read_text())
    body["id"] = next_id("ev")
    body["detail"]["id"] = ticket
    return json.dumps(body).encode()


def refund_request(ticket: str) -> bytes:
    """A refund macro's webhook, of a charge that billing does not have."""
    return json.dumps(refund_requested(ticket=ticket)).encode()


def deliver(stack: Stack, raw: bytes, **more: str) -> Row:
    """Post it once; `status` is 0 if no answer came, else the answer's fields come with it."""
    headers = {**signed("zendesk", raw, secret=SECRETS["helpdesk"]), **more}
    headers["Content-Type"] = "application/json"
    url = f"{stack.address}/api/v1/ingest/helpdesk"
    try:
        answer = httpx.post(url, content=raw, headers=headers, timeout=20)
    except httpx.TransportError:
        return {"status": 0}
    body: Row = answer.json()
    return body | {"status": answer.status_code}


def stored(stack: Stack, ticket: str) -> list[Row]:
    """The desk's events about a ticket."""
    return stack.rows(
        "SELECT id, external_id FROM orchestration_event WHERE ticket = %s AND source = 'helpdesk'",
        f"desk:{ticket}",
    )
