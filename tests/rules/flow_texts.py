"""Flows for tests: a head that is always right, around the steps that a test names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from meshline.core import yaml12
from meshline.core.safejson import Json
from meshline.core.yaml12 import Document
from orchestration.rules import advance, interpreter
from orchestration.rules.flow_parse import parse_flow
from orchestration.rules.flow_spec import FlowSpec
from orchestration.rules.outcomes import Outcome
from orchestration.rules.run_state import Decision, Perform, RunState, Wait

START = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)

HEAD = """\
meshline: flow/v1
name: sample
version: 1
title: A sample flow
risk: high
owner: {runtime: support-platform}
trigger: {contract: support.refund.requested, version: "^1"}
ticket: "= event.data.ticket_id"
deadline: PT4H
exception_route: {runbook: refund-callback-failed}
"""

REFUND = """\
- id: refund
  call: billing.create_refund
  with:
    charge: "= event.data.charge_id"
    amount_minor: "= event.data.amount_minor"
    reference: "= event.data.refund_id"
  look_up_first: {by: [reference, charge]}
  retry: {attempts: 3, first_delay: PT1S, factor: 2, max_delay: PT1M, jitter: none}
"""
ACK = """\
- id: ack
  await: {contract: billing.refund.completed, key: "= event.data.refund_id", until: "awaited.data.status != 'pending'", within: PT15M}
  renew: {when: "awaited.data.status == 'pending'", within: P1D, times: 2}
  result: {status: "= awaited.data.status"}
  on_timeout:
    - probe: billing.get_refund
      with: {reference: "= event.data.refund_id"}
      satisfied_when: "result.status in ['succeeded', 'failed']"
      result: {status: "= result.status"}
    - retry_from: refund
      times: 2
    - handoff: {reason: callback_timeout}
"""  # noqa: E501
NOTE = """\
- id: note
  call: helpdesk.add_note
  with: {ticket: "= run.ticket", comment: Done}
  retry: {attempts: 3, first_delay: PT1S, factor: 2, max_delay: PT1M, jitter: none}
"""

EVENT: dict[str, Any] = {
    "data": {
        "ticket_id": "desk:4812",
        "refund_id": "rf_abcdef12",
        "charge_id": "ch_1",
        "amount_minor": 21800,
        "currency": "EUR",
    }
}
SCOPE: dict[str, Json] = {
    "event": EVENT,
    "run": {"id": "r1", "ticket": "desk:4812", "event_id": "e1", "flow": "sample", "version": 1},
    "customer": {"id": "cus_1", "email": "ana@example.com", "name": "Ana"},
    "ticket": {"key": "desk:4812", "id": "4812", "system": "desk"},
}


def text_of(*steps: str, head: str = HEAD) -> str:
    """Return a flow's text: the head and these steps."""
    return head + "steps:\n" + "".join(indent(dedent(step), "  ") for step in steps)


def document_of(*steps: str, head: str = HEAD) -> Document:
    """Return the flow as a document named flow.yaml."""
    return yaml12.load(text_of(*steps, head=head), name="flow.yaml")


def flow_of(*steps: str, head: str = HEAD) -> FlowSpec:
    """Return the flow, checked as far as its own file goes."""
    return parse_flow(document_of(*steps, head=head))


def acknowledgement(status: str) -> dict[str, Any]:
    """Return billing's word on the refund, as the awaited event."""
    return {"data": {"reference": "rf_abcdef12", "status": status}}


class Drive:
    """A run driven by hand: one decision, one outcome, one event at a time."""

    def __init__(self, *steps: str, scope: dict[str, Json] | None = None, head: str = HEAD) -> None:
        self.spec = flow_of(*steps, head=head)
        self.scope = scope or SCOPE
        self.now = START
        self.state = RunState(deadline_at=START + self.spec.deadline)

    def next(self) -> Decision:
        """Settle and return what is to be done."""
        self.state = interpreter.settle(self.spec, self.state, self.scope, now=self.now)
        return interpreter.next_action(self.spec, self.state, self.scope, now=self.now)

    def call(self, outcome: Outcome) -> Perform:
        """Make the call that is due and give it this outcome."""
        due = self.next()
        assert isinstance(due, Perform), due
        self.state = advance.attempt_started(self.state, due, now=self.now)
        self.state = advance.after_outcome(
            self.spec, self.state, due, outcome, scope=self.scope, now=self.now
        )
        return due

    def wait(self) -> Wait:
        """Open the wait that is due."""
        due = self.next()
        assert isinstance(due, Wait), due
        if due.opening:
            self.state = advance.wait_opened(self.state, due, now=self.now)
        return due

    def arrive(self, payload: Json, path: str = "ack") -> None:
        """Let an awaited event arrive."""
        self.state = advance.after_event(
            self.spec, self.state, path, payload, scope=self.scope, now=self.now
        )

    def pass_time(self, **units: float) -> None:
        """Let time pass."""
        self.now += timedelta(**units)

    def state_of(self, path: str) -> str:
        """Return the state of a step."""
        return self.state.of(path).state


def fixtures() -> Path:
    """Return the folder of the sample documents."""
    return Path(__file__).parents[1] / "payloads" / "samples"
