"""Builders: one function with defaults each; a test names only what matters to it."""

from __future__ import annotations

import itertools
from copy import deepcopy
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from contracts_app.models import (
    BusinessCalendar,
    Contract,
    ContractVersion,
    Rota,
    SlaPolicy,
    Source,
)
from contracts_app.queries import clock, registry
from contracts_app.queries.standing import Standing
from meshline.core import canonical, yaml12
from meshline.core.safejson import Json
from orchestration.models import FlowVersion, Run
from orchestration.services import intake
from orchestration.services.storing import Receipt
from runbooks.models import RunbookVersion

PILOT = Path(__file__).resolve().parent.parent / "meshline" / "pilot"
_numbers = itertools.count(1)


def next_id(prefix: str) -> str:
    """A fresh id of our own making."""
    return f"{prefix}_{uuid4().hex[:12]}"


def given_pilot(*folders: str) -> None:
    """Publish the pilot's documents, straight as rows."""
    for path in sorted(PILOT.rglob("*.yaml")):
        kind = path.relative_to(PILOT).parts[0]
        if not folders or kind in folders:
            given_document(path.read_text())


def given_document(text: str) -> Any:
    """Publish one document of any kind, straight as a row."""
    value: dict[str, Any] = deepcopy(_read(text))
    kind = str(value["meshline"]).split("/")[0]
    common: dict[str, Any] = {"text": text, "body": value, "digest": canonical.digest(value)}
    if kind == "contract":
        return _contract(value, common)
    if kind == "source":
        return Source.objects.create(
            name=value["name"],
            scheme=value["scheme"],
            on_violation=value["on_violation"],
            **common,
        )
    models: dict[str, Any] = {
        "calendar": BusinessCalendar,
        "sla-policy": SlaPolicy,
        "rota": Rota,
        "flow": FlowVersion,
        "runbook": RunbookVersion,
    }
    if kind not in models:
        return None
    common |= {"name": value["name"], "number": int(value["version"]), "state": "published"}
    if kind == "flow":
        common["trigger"] = value["trigger"]["contract"]
    if kind == "runbook":
        common |= {"contracts": value["contracts"], "failure_modes": value["failure_modes"]}
    return models[kind].objects.create(**common)


@cache
def _read(text: str) -> Any:
    """The pilot is published for hundreds of tests; its texts are parsed once."""
    return yaml12.load(text.encode(), name="built").value


def _contract(value: dict[str, Any], common: dict[str, Any]) -> ContractVersion:
    contract, _ = Contract.objects.get_or_create(
        name=value["name"], defaults={"risk": value["risk"]["class"], "title": value["title"]}
    )
    return ContractVersion.objects.create(
        contract=contract, version=value["version"], state="active", **common
    )


def refund_requested(*, amount_minor: int = 2500, ticket: str = "4812", **more: Any) -> Json:
    """A desk macro's webhook asking for a refund."""
    number = next(_numbers)
    return {
        "type": "meshline.refund_requested",
        "id": next_id("trg"),
        "time": "2026-11-23T12:00:00Z",
        "refund_id": next_id("rf"),
        "ticket_id": ticket,
        "requester_id": "81001",
        "requester_email": "maja@example.com",
        "requester_name": "Maja Lindqvist",
        "customer_id": f"cus_{number}",
        "order_id": f"9{number:04d}",
        "charge_id": f"ch_{number:08d}",
        "amount_minor": amount_minor,
        "currency": "EUR",
        **more,
    }


def refund_webhook(request: Any, *, status: str = "succeeded", **more: Any) -> Json:
    """Billing's webhook about the refund of `request`."""
    return {
        "id": next_id("evt"),
        "object": "event",
        "type": "refund.updated" if status != "failed" else "refund.failed",
        "created": 1764000000,
        "data": {
            "object": {
                "id": "re_" + uuid4().hex[:16],
                "object": "refund",
                "amount": request["amount_minor"],
                "currency": request["currency"].lower(),
                "charge": request["charge_id"],
                "status": status,
                "metadata": {"reference": request["refund_id"], "meshline_run": "run"},
                **more,
            }
        },
    }


def accepted(source: str, body: Any, *, now: datetime | None = None, **headers: str) -> Receipt:
    """Accept a delivery as the API does once it is authenticated."""
    return intake.accept_event(
        source=registry.source_named(source),
        headers={"content-type": "application/json", **headers},
        raw=canonical.text(body).encode(),
        body=body,
        delivery_id="",
        standing=Standing.at(now or clock.now()),
    )


def run_of(receipt: Receipt) -> Run:
    """The newest run of an accepted event."""
    return Run.objects.filter(event_id=receipt.event_id).order_by("-ordinal")[0]
