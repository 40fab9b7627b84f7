"""A contract of parcels whose payload comes from its source as it is, and what drifts in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from contracts_app.models import ContractVersion, DriftFinding, Source
from contracts_app.queries import clock
from contracts_app.rules.drift.bodies import LEARNED_AFTER
from meshline.core import yaml12
from orchestration.services import drift_watch
from tests.builders import accepted, given_document, next_id

NAME = "shop.parcel.sent"
LATER = timedelta(minutes=10)
TEXT = """\
# what the carrier tells
meshline: contract/v1
name: shop.parcel.sent
version: 1.0.0
title: Parcel sent
status: active
kind: event
domain: shop
risk: {class: medium, data: {pii: [/data/email]}}
producer: {system: shop}
consumers: []
compatibility: {mode: backward}
identity: {event_id: /id}
schema:
  dialect: https://json-schema.org/draft/2020-12/schema
  payload:
    type: object
    required: [id, data]
    properties:
      id: {type: string}
      data:
        type: object
        properties:
          status: {enum: [sent, lost]}   # what the carrier says
          email: {type: string}
examples:
  valid: [{name: one, payload: {id: "1", data: {status: sent}}}]
  invalid: [{name: none, violates: [/id], payload: {data: {}}}]
owners:
  contract: {group: parcels}
  runtime: {group: parcels}
  product: {group: parcels}
"""
SOURCE = """\
meshline: source/v1
name: parcels
title: Parcels
system: shop
scheme: github
external_id: "= body.id"
kind: "= body.kind"
on_violation: hold
own_writes: "= false"
events:
  - when: "kind == 'parcel'"
    contract: shop.parcel.sent
    version: "^1"
    payload: {id: "= body.id", data: "= body.data"}
"""
FIELDWISE = SOURCE.replace('data: "= body.data"', 'data: {status: "= body.data.status"}')


def given_parcels() -> None:
    """Contract and source, published."""
    given_document(TEXT)
    given_document(SOURCE)


def sent(**data: Any) -> str:
    """A parcel came with these data."""
    body: Any = {"id": next_id("p"), "kind": "parcel", "data": {"status": "sent", **data}}
    return str(accepted("parcels", body).event_id)


def looked(now: datetime | None = None) -> None:
    """The watch has looked."""
    drift_watch.look((now or clock.now()) + LATER)


def findings(**wanted: Any) -> list[DriftFinding]:
    """What was noticed, in its order."""
    return list(DriftFinding.objects.filter(**wanted).order_by("pk"))


def given_next(change: tuple[str, str]) -> None:
    """Another version of the contract is in service."""
    given_document(TEXT.replace("version: 1.0.0", "version: 1.0.1").replace(*change))


def draft_of(name: str = NAME) -> ContractVersion | None:
    """The draft of a contract, if there is one."""
    return ContractVersion.objects.filter(contract__name=name, state="draft").first()


def given_learned() -> None:
    """The mapping takes the status alone, and the bodies are known."""
    Source.objects.filter(name="parcels").update(
        text=FIELDWISE, body=yaml12.load(FIELDWISE).value, digest="fieldwise"
    )
    for _ in range(LEARNED_AFTER):
        sent(carrier="dhl", note="for Maja")
    looked()
    assert findings() == []
