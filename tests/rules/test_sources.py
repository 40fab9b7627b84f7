"""Sources: a vendor's delivery becomes an event of a contract, is ignored, or is told as a problem."""
# ruff: noqa: E501  a row of a table is one case

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts_app.rules.contract_spec import parse_contract
from meshline.core import yaml12
from meshline.core.findings import Severity, refusals
from meshline.core.yaml12 import Document
from orchestration.rules.contract_lookup import Contracts
from orchestration.rules.source_checks import check_source
from orchestration.rules.source_spec import SourceSpec, default_source, map_delivery, parse_source
from tests.rules.flow_texts import fixtures

SAMPLE = (fixtures() / "source-billing.yaml").read_text()
CONTRACT = parse_contract(
    yaml12.load((fixtures() / "contract-billing.refund.completed-1.2.0.yaml").read_bytes())
)
KNOWN = Contracts([CONTRACT])


def refund_event(kind: str = "refund.updated", **changes: Any) -> dict[str, Any]:
    """Return Stripe's event about the refund of the contract's happy path."""
    refund = {
        "id": "re_1AbCdEfGh",
        "status": "succeeded",
        "amount": 1999,
        "currency": "eur",
        "metadata": {"reference": "rf_abcdef12", "meshline_run": "r1"},
    }
    return {
        "id": "evt_1",
        "type": kind,
        "created": 1780463728,
        "data": {"object": {**refund, **changes}},
    }


def sample(text: str = SAMPLE) -> SourceSpec:
    """Return the sample source, or a changed one."""
    return parse_source(yaml12.load(text, name="source.yaml"))


def test_a_delivery_becomes_a_payload_that_keeps_its_contract() -> None:
    mapped = map_delivery(sample(), headers=[], body=refund_event())

    assert mapped.payload == {
        "specversion": "1.0",
        "id": "evt_1",
        "source": "/billing",
        "type": "billing.refund.completed",
        "time": "2026-06-03T05:15:28Z",
        "data": {
            "reference": "rf_abcdef12",
            "billing_id": "re_1AbCdEfGh",
            "status": "succeeded",
            "amount": {"value": 1999, "currency": "EUR"},
        },
    }
    assert CONTRACT.violations(mapped.payload) == []
    assert (mapped.external_id, mapped.kind, mapped.disposition) == (
        "evt_1",
        "refund.updated",
        "event",
    )
    assert (mapped.contract, mapped.version_range) == ("billing.refund.completed", "^1")
    assert mapped.occurred_at == datetime(2026, 6, 3, 5, 15, 28, tzinfo=UTC)
    assert mapped.problems == ()


def test_an_acknowledgement_of_our_own_refund_is_no_own_write_but_other_echoes_are() -> None:
    other = SAMPLE.replace('    own_writes: "= false" ', "    # ")

    assert map_delivery(sample(), headers=[], body=refund_event()).own_write is False
    assert map_delivery(sample(other), headers=[], body=refund_event()).own_write is True
    assert (
        map_delivery(
            sample(other), headers=[], body=refund_event(metadata={"reference": "rf_1"})
        ).own_write
        is False
    )


@pytest.mark.parametrize(
    "kind", ["charge.succeeded", "payment_intent.created", "payment_intent.x.y"]
)
def test_ignored_kinds_are_ignored_by_name_and_pattern(kind: str) -> None:
    mapped = map_delivery(sample(), headers=[], body=refund_event(kind))

    assert (mapped.disposition, mapped.problems, mapped.external_id) == ("ignored", (), "evt_1")


@pytest.mark.parametrize("kind", ["charge.succeededs", "customer.created", ""])
def test_a_kind_that_no_rule_takes_is_unmatched_and_told(kind: str) -> None:
    mapped = map_delivery(sample(), headers=[], body=refund_event(kind))

    assert (mapped.disposition, mapped.contract, mapped.payload) == ("unmatched", "", None)
    assert "No rule of the source billing" in mapped.problems[0].sentence


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"status": "strange"}, ["/data/status"]),
        ({"metadata": {}}, ["/data/reference"]),
        ({"metadata": None, "currency": 5}, ["/data/reference", "/data/amount/currency"]),
    ],
)
def test_what_cannot_be_mapped_is_told_with_its_path_and_the_rest_is_kept(
    changes: dict[str, Any], paths: list[str]
) -> None:
    mapped = map_delivery(sample(), headers=[], body=refund_event(**changes))

    assert [problem.path for problem in mapped.problems] == paths
    assert {problem.rule for problem in mapped.problems} == {"mapping"}
    assert mapped.disposition == "event"
    assert mapped.payload["data"]["billing_id"] == "re_1AbCdEfGh"


@pytest.mark.parametrize(
    "body", [None, [], "text", 5, {}, {"type": ["x"]}, {"type": "refund.created", "data": 3}]
)
def test_no_body_that_a_sender_can_send_makes_the_mapping_raise(body: Any) -> None:
    mapped = map_delivery(sample(), headers=[("X", "é")], body=body, delivery_id="d1")

    assert mapped.problems
    assert mapped.external_id == "d1"


def test_the_delivery_id_stands_in_where_the_body_names_none() -> None:
    body = {key: value for key, value in refund_event().items() if key != "id"}

    assert map_delivery(sample(), headers=[], body=body).external_id == ""
    assert map_delivery(sample(), headers=[], body=body, delivery_id="msg_7").external_id == "msg_7"
    assert (
        map_delivery(sample(), headers=[], body=refund_event(), delivery_id="msg_7").external_id
        == "evt_1"
    )


def test_a_numeric_id_keeps_all_its_digits() -> None:
    body = refund_event() | {"id": 9_007_199_254_740_993}

    assert map_delivery(sample(), headers=[], body=body).external_id == "9007199254740993"


def test_headers_are_read_in_any_case_and_listed_so_that_they_can_be_kept() -> None:
    spec = sample(
        SAMPLE.replace(
            'external_id: "= body.id"', "external_id: \"= header('X-Shop-Id')\""
        ).replace('kind: "= body.type"', "kind: \"= header('x-topic')\"")
    )

    assert spec.headers == ("x-shop-id", "x-topic")
    for headers in (
        [("X-SHOP-ID", "7"), ("x-Topic", "refund.created")],
        {"x-shop-id": "7", "x-topic": "refund.created"},
    ):
        mapped = map_delivery(spec, headers=headers, body=refund_event("other"))
        assert (mapped.external_id, mapped.kind, mapped.disposition) == (
            "7",
            "refund.created",
            "event",
        )


def test_a_time_that_cannot_be_read_is_no_time_and_only_matters_where_it_is_used() -> None:
    body = refund_event() | {"created": "yesterday"}

    mapped = map_delivery(sample(), headers=[], body=body)

    assert mapped.occurred_at is None
    assert [problem.path for problem in mapped.problems] == ["/time"]


def default(*contracts: str) -> SourceSpec:
    """Return the source that source_create makes, read back as a document."""
    made = default_source(
        "our-shop", scheme="standardwebhooks", contracts=contracts, on_violation="reject"
    )
    return parse_source(yaml12.load(json.dumps(made)))


def test_the_default_source_takes_the_whole_body_as_the_payload() -> None:
    spec = default("billing.refund.completed")
    body = CONTRACT.examples_valid[0].payload

    mapped = map_delivery(spec, headers=[], body=body)

    assert (mapped.external_id, mapped.contract, mapped.payload) == (
        "evt_1",
        "billing.refund.completed",
        body,
    )
    assert mapped.occurred_at == datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert (
        map_delivery(spec, headers=[], body={"data": 1}, delivery_id="m").kind
        == "billing.refund.completed"
    )


def test_the_default_source_of_several_contracts_goes_by_the_bodys_type() -> None:
    spec = default("a.b", "c.d")

    assert map_delivery(spec, headers=[], body={"id": "1", "type": "c.d"}).contract == "c.d"
    assert (
        map_delivery(spec, headers=[], body={"id": "1", "type": "e.f"}).disposition == "unmatched"
    )
    assert map_delivery(spec, headers=[], body={"id": "1"}).disposition == "unmatched"


def document(old: str, new: str) -> Document:
    """Return the sample source with one change."""
    assert old in SAMPLE
    return yaml12.load(SAMPLE.replace(old, new), name="source.yaml")


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("scheme: stripe", "scheme: pigeon", 5, "pigeon"),
        ("on_violation: hold", "on_violation: drop", 9, "drop"),
        (
            '"= body.id"                  #',
            '"= body.id +"                  #',
            6,
            "does not compile",
        ),
        ('kind: "= body.type"', 'kind: "= event.type"', 7, "undeclared reference to 'event.type'"),
        ("kind in ['refund.created'", "kindd in ['refund.created'", 13, "undeclared reference"),
        ('version: "^1"', 'version: "^8"', 14, "No version"),
        ('billing_id: "=', 'billing_idd: "=', 23, "billing_id"),
        ("source: /billing", "source: 5", 20, "string"),
        (
            "contract: billing.refund.completed",
            "contract: billing.refund.complete",
            14,
            "not known",
        ),
    ],
)
def test_a_wrong_source_is_refused_with_its_line(old: str, new: str, line: int, told: str) -> None:
    findings = refusals(check_source(document(old, new), contracts=KNOWN))

    assert findings
    assert findings[0].line == line
    assert any(told in finding.message for finding in findings)


def test_the_sample_source_passes_against_its_contract() -> None:
    assert check_source(yaml12.load(SAMPLE), contracts=KNOWN) == []


def test_a_rule_after_one_that_takes_everything_is_refused() -> None:
    two = (
        SAMPLE.replace(
            "  - when: \"kind in ['refund.created', 'refund.updated', 'refund.failed']\"\n    contract",
            "  - contract",
        )
        + "  - {contract: billing.refund.completed, payload: '= body'}\n"
    )

    (finding,) = refusals(check_source(yaml12.load(two), contracts=KNOWN))

    assert "takes every delivery" in finding.message


def test_an_unknown_contract_is_noted_in_an_open_world() -> None:
    findings = check_source(
        document("contract: billing.refund.completed", "contract: other.thing"),
        contracts=KNOWN,
        closed=False,
    )

    assert [finding.severity for finding in findings] == [Severity.WARNING]
