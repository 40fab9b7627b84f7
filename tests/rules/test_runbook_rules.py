"""Runbooks: what the check refuses, what a parsed one offers, and how its texts are filled."""

from __future__ import annotations

import shlex

import pytest

from contracts_app.rules.contract_spec import parse_contract
from meshline.core import yaml12
from meshline.core.findings import Finding, Severity, refusals
from orchestration.rules.contract_lookup import Contracts
from runbooks.rules.placeholders import NOT_KNOWN, fill, places_in
from runbooks.rules.runbook_checks import check_runbook
from runbooks.rules.runbook_spec import RunbookSpec, parse_runbook
from tests.rules.flow_texts import fixtures

SAMPLE = (fixtures() / "runbook-refund-callback.yaml").read_text()
CONTRACT = parse_contract(
    yaml12.load((fixtures() / "contract-billing.refund.completed-1.2.0.yaml").read_bytes())
)


def found(old: str = "", new: str = "", text: str = SAMPLE) -> list[Finding]:
    """Check the sample runbook with one change."""
    assert old in text
    return check_runbook(yaml12.load(text.replace(old, new, 1), name="runbook.yaml"))


def parsed() -> RunbookSpec:
    """Return the sample runbook."""
    return parse_runbook(yaml12.load(SAMPLE))


def test_the_sample_runbook_passes_and_offers_its_actions() -> None:
    spec = parsed()

    assert found() == []
    assert (spec.name, spec.version, spec.start) == ("refund-callback-failed", 4, "check")
    assert spec.actions == (
        "connector.call",
        "flow.satisfy_expectation",
        "alert.follow_up",
        "flow.retry_step",
        "escalate",
    )
    assert spec.failure_modes == ("callback_timeout", "retries_exhausted")
    assert (spec.may_run("support_agent"), spec.may_run("manager")) == (True, False)


def test_a_step_knows_where_it_can_lead_and_how_it_ends() -> None:
    spec = parsed()

    assert spec.step("lookup").targets == {
        "outcomes/success": "already_done",
        "outcomes/exhausted": "escalate",
    }
    assert set(spec.step("already_done").targets.values()) == {
        "escalate",
        "accept_ack",
        "approve",
        "alert_on",
    }
    assert (spec.step("log_rejected").end, spec.step("check").end) == ("stopped", None)
    with pytest.raises(KeyError):
        spec.step("nowhere")


@pytest.mark.parametrize(
    ("old", "new", "told", "remedy"),
    [
        ("start: check", "start: chek", "'chek', which is no step", "check"),
        ("    next: lookup\n", "    next: lokup\n", "'lokup', which is no step", "lookup"),
        ("    next: lookup\n", "", "leads nowhere and does not end", "next"),
        (
            "{success: owner_script, ",
            "{success: log_escalated, ",
            "'owner_script' is never reached",
            "",
        ),
        ("type: checklist", "type: checklists", "unknown type 'checklists'", "checklist"),
        ("    type: verify\n", "", "no type", "verify"),
        ("action: flow.retry_step\n", "action: flow.retry\n", "flow.retry", ""),
        (
            '    confirm: "Ask billing again for refund {event.data.refund_id}?"\n',
            "",
            "nothing asks before it",
            "confirm",
        ),
        ("    effect: read ", "    effect: write ", "but it does read", "effect: read"),
        (
            "operation: billing.get_refund",
            "operation: billing.get_refnd",
            "no operation 'get_refnd'",
            "billing.get_refund",
        ),
        (
            'args: {billing_id: "= steps.billing.billing_id"}',
            'args: {billing: "= steps.billing.billing_id"}',
            "no argument 'billing'",
            "billing_id",
        ),
        (
            '"= steps.billing.billing_id"',
            '"= steps.billing.billing_ix"',
            "'steps.billing.billing_ix', which is never there",
            "billing_id",
        ),
        ("steps.lookup.status ==", "steps.lookup.stat ==", "'steps.lookup.stat'", "status"),
        ("run.state == 'succeeded'", "run.stat == 'succeeded'", "'run.stat'", "state"),
        (
            'constants.limits[event.data.currency]"',
            'constants.limit[event.data.currency]"',
            "'constants.limit'",
            "limits",
        ),
        ("{customer.name}", "{customer.nam}", "{customer.nam} names what is never there", ""),
        ("{customer.name}", "{client.name}", "{client.name} names nothing", "customer"),
        ("{event.data.refund_id} is not", "{nobody.x} is not", "{nobody.x} names nothing", ""),
        (
            "approvers: approve_high_value",
            "approvers: bosses",
            "Nobody is named as 'bosses'",
            "approve_high_value",
        ),
        ("run: [support_agent, ops_lead", "run: [support_agent, boss", "boss", ""),
        ("expires: PT30M", "expires: 30 minutes", "30 minutes", ""),
        (
            "required: [billing_id]\n",
            "required: [billing]\n",
            "requires 'billing', but has no such field",
            "",
        ),
        ('pattern: "^re_[A-Za-z0-9]{8,32}$"', 'pattern: "^(a+)+\\\\1$"', "pattern", ""),
        ("end: recovered}", "end: finished}", "finished", ""),
        ("    evidence: {exit_code", "    proof: {exit_code", "'proof' is not known", ""),
        ("with: {state: disabled}", "with: {state: off}", "", ""),
    ],
)
def test_a_wrong_runbook_is_refused_with_its_line_and_a_remedy(
    old: str, new: str, told: str, remedy: str
) -> None:
    findings = refusals(found(old, new))

    assert findings, "nothing was refused"
    assert any(told in finding.message and remedy in finding.remedy for finding in findings)
    assert all(finding.line > 1 for finding in findings)


def test_every_way_must_pass_the_incident_log_before_it_ends() -> None:
    silent = SAMPLE.replace("    next: lookup\n", "    next: quit\n", 1) + (
        "  - {id: quit, type: action, title: Stop, action: escalate, effect: write, "
        "with: {policy: x}, end: stopped}\n"
    )

    findings = refusals(found(text=silent))

    assert any("without a word in the incident log" in finding.message for finding in findings)


def test_a_circle_without_an_end_is_refused() -> None:
    circle = SAMPLE.replace("    next: billing\n", "    next: check\n", 1)

    findings = refusals(found(text=circle))

    assert any("no end can be reached" in finding.message for finding in findings)


def test_two_steps_of_one_name_are_refused() -> None:
    findings = refusals(found("  - id: billing\n", "  - id: check\n"))

    assert "Two steps are named 'check'." in [finding.message for finding in findings]


def test_against_its_contracts_a_path_must_be_in_one_of_them() -> None:
    only = SAMPLE.replace(", support.refund.requested]", "]")
    known = Contracts([CONTRACT])

    findings = refusals(check_runbook(yaml12.load(only), contracts=known))

    told = " ".join(finding.message for finding in findings)
    assert "event.data.refund_id" in told  # the acknowledgement calls it a reference
    right = only.replace("event.data.refund_id", "event.data.reference")
    left = refusals(check_runbook(yaml12.load(right), contracts=known))
    assert {"event.data.reference" in finding.message for finding in left} == {False}


def test_an_unknown_contract_is_refused_or_noted() -> None:
    document, known = yaml12.load(SAMPLE), Contracts([CONTRACT])

    closed = check_runbook(document, contracts=known)
    noted = check_runbook(document, contracts=known, closed=False)

    assert ["support.refund.requested" in finding.message for finding in closed] == [True]
    assert [finding.severity for finding in noted] == [Severity.WARNING]


SCOPE = {
    "event": {"data": {"refund_id": "rf_1", "amount_minor": 21800, "lines": [1], "on": True}},
    "customer": {"name": "Zoë <b>\nO'Brien", "email": None},
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Refund {event.data.refund_id}", "Refund rf_1"),
        ("{event.data.amount_minor} and {event.data.on}", "21800 and yes"),
        ("{customer.name}", "Zoë <b> O'Brien"),
        (
            "{customer.email} {event.nothing} {event.data} {event.data.lines}",
            " ".join([NOT_KNOWN] * 4),
        ),
        (
            "{} {0} {a b} {event.data.refund_id!r} {event.data[0]}",
            "{} {0} {a b} {event.data.refund_id!r} {event.data[0]}",
        ),
        ("{event.__class__} {event.data.__class__.mro}", f"{NOT_KNOWN} {NOT_KNOWN}"),
        ("no places", "no places"),
    ],
)
def test_place_holders_are_looked_up_and_never_computed(text: str, filled: str) -> None:
    assert fill(text, SCOPE) == filled


def test_a_value_with_place_holders_in_it_is_not_filled_again() -> None:
    scope = {"customer": {"name": "{event.data.secret}"}, "event": {"data": {"secret": "x"}}}

    assert fill("{customer.name}", scope) == "{event.data.secret}"


def test_values_are_quoted_for_a_script_and_shortened() -> None:
    assert fill("run {customer.name}", SCOPE, quote=shlex.quote) == "run 'Zoë <b> O'\"'\"'Brien'"
    assert len(fill("{event.s}", {"event": {"s": "x" * 9_000}})) == 500


def test_places_are_listed_for_the_check() -> None:
    assert list(places_in("a {event.data.x} {customer.name}")) == [
        ("event", ("data", "x")),
        ("customer", ("name",)),
    ]
