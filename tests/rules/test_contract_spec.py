"""A contract document is read whole, and everything wrong with it is told with its line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from contracts_app.rules.contract_spec import Slo, check_contract, parse_contract
from meshline.core.errors import DocumentRefused
from meshline.core.findings import Severity
from meshline.core.yaml12 import load

FIXTURE = (
    Path(__file__).resolve().parents[3]
    / "shared/fixtures/contract-billing.refund.completed-1.2.0.yaml"
)
CONTRACT = """\
meshline: contract/v1
name: billing.refund.completed
version: 1.10
title: Refund completed
status: draft
kind: event
risk: {class: critical, reasons: [financial_harm], data: {pii: [/email], retention_days: 400}}
producer: {system: billing, team: payments}
consumers: [{system: helpdesk, pinned: ^1.2}, {system: bi, status: planned}]
identity: {event_id: /id, correlation: /reference}
schema:
  payload:
    type: object
    additionalProperties: false
    required: [id, reference]
    properties:
      id: {type: string, minLength: 1}
      reference: {type: string, pattern: "^rf_[a-z0-9]{4,}$"}
      email: {type: string, format: email}
examples:
  valid:
    - {name: happy, payload: {id: evt_1, reference: rf_abcd}}
  invalid:
    - {name: bad, violates: [/reference], payload: {id: evt_2, reference: RF}}
    - {name: bare, violates: [/reference, /extra], payload: {id: evt_3, extra: 1}}
owners:
  contract: {group: payments, person: dana@example.com}
  runtime: {person: li@example.com, oncall: platform}
  product: {group: product}
sla: {ack_within: PT15M, escalate_after: PT30M}
states:
  subject: refund
  initial: requested
  final: [failed]
  transitions:
    - {from: requested, to: completed, by: event, when: "event.data.status == 'succeeded'"}
    - {from: [requested, completed], to: failed, by: deadline, after: ack_within}
exception_route: {on_missing: {action: escalate, after: escalate_after, runbook: refund-failed}}
manual_fallback: {runbook: refund-failed, executable: true}
runbooks: [refund-failed]
lifecycle: {supersedes: 1.9, replaced_by: null}
x-odcs: {anything: [goes]}
"""


def test_contract_is_read_into_its_spec() -> None:
    spec = parse_contract(load(CONTRACT))
    assert (spec.name, spec.version, spec.supersedes) == ("billing.refund.completed", "1.10", "1.9")
    assert spec.sla.named("ack_within") == timedelta(minutes=15)
    assert spec.sla.named("PT5S") == timedelta(seconds=5)
    assert spec.consumers[0].pinned == "^1.2"
    assert spec.owners["runtime"].oncall == "platform"
    assert spec.signoff_required == ("contract", "runtime", "product")
    assert spec.states is not None
    assert spec.states.names == ("requested", "completed", "failed")
    assert spec.risk.pii == ("/email",)
    assert spec.warnings == ()
    assert [v.path for v in spec.violations({"id": "", "reference": "rf_abcd"})] == ["/id"]


@pytest.mark.parametrize(
    ("sli", "threshold", "target", "words"),
    [
        ("latency", timedelta(hours=1), "0.995", "99.5 % done within 1 h"),
        ("valid_share", None, "0.9995", "99.95 % keep the contract"),
        ("max_gap", timedelta(hours=2), None, "never silent for 2 h"),
        ("reopened", None, "0.98", "98 % reopened"),
    ],
)
def test_objective_says_what_it_promises(
    sli: str, threshold: timedelta | None, target: str | None, words: str
) -> None:
    slo = Slo("in_time", sli, threshold, target, None, None)

    assert slo.in_words == words
    assert slo.title == "In time"


def test_digest_covers_what_owners_sign_and_nothing_that_the_registry_writes() -> None:
    spec = parse_contract(load(CONTRACT))
    active = CONTRACT.replace("status: draft", "status: active")
    assert parse_contract(load(active)).digest == spec.digest
    edited = CONTRACT.replace("PT15M", "PT16M")
    assert parse_contract(load(edited)).digest != spec.digest


@pytest.mark.skipif(not FIXTURE.exists(), reason="the shared fixtures are not beside this checkout")
def test_the_sample_contract_passes() -> None:
    spec = parse_contract(load(FIXTURE.read_bytes()))
    assert spec.version == "1.2.0"
    assert spec.formats
    assert spec.slo[0].target == "0.999"
    assert spec.signoff_required[-1] == "consumer:*"


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        ("title: Refund completed", "titel: x", "/titel", "'titel' is not known here"),
        ("version: 1.10", "version: one", "/version", "does not match"),
        ("status: draft", "status: live", "/status", "none of"),
        ("  product: {group: product}\n", "", "/owners", "'product' is missing"),
        ("x-odcs:", "odcs:", "/odcs", "not known"),
        ("event_id: /id", "event_id: /nope", "/identity/event_id", "every valid example"),
        ("id: evt_1,", "id: '',", "/examples/valid/0/payload/id", "'happy' is refused: /id"),
        ("reference: RF}", "reference: rf_abcd}", "/examples/invalid/0/violates/0",
         "not refused at '/reference'"),
        ("name: bare", "name: bad", "/examples/invalid/1/name", "Two invalid examples"),
        ("ack_within: PT15M", "ack_within: P1M", "/sla/ack_within", "months or years"),
        ("sla: {", "sla: {timezone: Mars/Base, ", "/sla/timezone", "no time zone"),
        ("after: escalate_after", "after: soon", "/exception_route/on_missing/after", "soon"),
        ("final: [failed]", "final: [lost]", "/states/final/0", "'lost'"),
        ("fallback: {runbook: refund-failed", "fallback: {runbook: other",
         "/manual_fallback/runbook", "list of runbooks"),
        ("supersedes: 1.9", "supersedes: 1.11", "/lifecycle/supersedes", "not older"),
        ('pattern: "^rf_[a-z0-9]{4,}$"', 'pattern: "(?=x)"',
         "/schema/payload/properties/reference/pattern", "refused"),
        ("consumers: [{", "consumers: [{expects: {schema: {$ref: 'file:///x'}}, ",
         "/consumers/0/expects/schema/$ref", "does not lead"),
    ],
)  # fmt: skip
def test_mistake_is_refused_with_its_line_and_a_remedy(
    old: str, new: str, path: str, said: str
) -> None:
    assert old in CONTRACT
    text = CONTRACT.replace(old, new, 1)
    with pytest.raises(DocumentRefused) as refusal:
        parse_contract(load(text, name="refund.yaml"))
    finding = next(found for found in refusal.value.findings if found.path == path)
    assert said in finding.message
    if new:
        assert finding.line in lines_that_differ(text)
    assert "refund.yaml is no valid contract" in str(refusal.value)


def lines_that_differ(text: str) -> list[int]:
    pairs = zip(text.splitlines(), CONTRACT.splitlines(), strict=True)
    return [number for number, (new, old) in enumerate(pairs, start=1) if new != old]


def test_all_mistakes_are_told_at_once() -> None:
    text = CONTRACT.replace("PT15M", "P1M").replace("final: [failed]", "final: [lost]")
    refused = [f.path for f in check_contract(load(text)) if f.severity is Severity.REFUSED]
    assert refused == ["/sla/ack_within", "/states/final/0"]


def test_a_document_that_is_no_object_is_refused() -> None:
    with pytest.raises(DocumentRefused):
        parse_contract(load("- just\n- a list\n"))
