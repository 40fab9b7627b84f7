"""Which consumers a proposal asks to sign: those that it touches, and nobody else."""

from __future__ import annotations

import pytest

from contracts_app.rules.contract_change import judge_change
from contracts_app.rules.contract_spec import ContractSpec, parse_contract
from contracts_app.rules.signoff import required, untouched
from meshline.core.yaml12 import load

EXPECTS = "expects: {schema: {type: object, required: [id], properties: {id: {type: string}}}}"
NUMBERS = "expects: {schema: {type: object, required: [id], properties: {id: {type: integer}}}}"
ID = "{id: {type: string}}"


def spec(
    version: str = "1.0.0",
    consumer: str = "",
    *,
    title: str = "Refunds",
    properties: str = ID,
    status: str = "live",
    pinned: str = "*",
) -> ContractSpec:
    return parse_contract(
        load(f"""\
meshline: contract/v1
name: billing.refund.requested
version: {version}
title: {title}
status: draft
kind: event
risk: {{class: high}}
producer: {{system: helpdesk, channel: {{type: webhook, source: helpdesk}}}}
consumers:
  - {{system: billing, team: t, status: {status}, pinned: "{pinned}"{consumer and ", "}{consumer}}}
compatibility: {{mode: backward}}
identity: {{event_id: /id}}
schema:
  payload: {{type: object, required: [id], properties: {properties}}}
examples:
  valid: [{{name: plain, payload: {{id: a}}}}]
  invalid: [{{name: number, violates: [/id], payload: {{id: 1}}}}]
owners: {{contract: {{group: c}}, runtime: {{group: r}}, product: {{group: p}}}}
signoff: {{required: [contract, "consumer:*"]}}
""")
    )


MORE = "{id: {type: string}, note: {type: string}}"
LESS = "{id: {type: string, maxLength: 3}}"


@pytest.mark.parametrize(
    ("before", "proposed", "asked"),
    [
        pytest.param(None, spec(), True, id="the first version"),
        pytest.param(None, spec(pinned="^2"), False, id="the first version, pinned elsewhere"),
        pytest.param(spec(), spec("1.0.1", title="New"), False, id="only the title"),
        pytest.param(spec(), spec("1.1.0", properties=LESS), True, id="no expectation, less"),
        pytest.param(
            spec(consumer=EXPECTS), spec("1.1.0", EXPECTS, properties=MORE), False,
            id="it gets what it expects",
        ),
        pytest.param(
            spec(consumer=NUMBERS), spec("2.0.0", NUMBERS), True, id="it does not"
        ),
        pytest.param(spec(), spec("1.0.1", EXPECTS), True, id="its own words are new"),
        pytest.param(
            spec(), spec("1.1.0", properties=LESS, status="leaving"), False, id="it is leaving"
        ),
    ],
)  # fmt: skip
def test_consumer_signs_only_what_touches_it(
    before: ContractSpec | None, proposed: ContractSpec, asked: bool
) -> None:
    change = judge_change(proposed, [before] if before else [])
    spared = untouched(change, proposed, before)

    roles = required(proposed, untouched=spared)

    assert ("consumer:billing" in roles) is asked
    assert "contract" in roles


def test_consumer_that_the_text_names_by_itself_is_spared_too() -> None:
    text = spec().document
    named = required(spec(), untouched={"billing"})
    assert text["signoff"]
    assert named == ("contract",)
