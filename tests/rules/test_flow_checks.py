"""The check of a flow: what it refuses, with line and remedy, and what it lets pass."""
# ruff: noqa: E501  a row of a table is one case

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts_app.rules.contract_spec import parse_contract
from meshline.core import yaml12
from meshline.core.errors import DocumentRefused
from meshline.core.findings import Finding, Severity, refusals
from orchestration.rules.catalog import CATALOG, Catalog
from orchestration.rules.contract_lookup import Contracts
from orchestration.rules.flow_parse import check_flow, parse_flow
from orchestration.rules.flow_spec import AwaitStep, CallStep, GiveUp, Probe, RetryFrom
from tests.rules.flow_texts import ACK, HEAD, NOTE, REFUND, document_of, fixtures

COMPLETED = parse_contract(
    yaml12.load((fixtures() / "contract-billing.refund.completed-1.2.0.yaml").read_bytes())
)
# The same contract under the trigger's name, for a world in which both are known.
REQUESTED = replace(COMPLETED, name="support.refund.requested")
KNOWN = Contracts([COMPLETED, REQUESTED])
OWN = HEAD.replace('version: "^1"', 'version: "*"').replace("event.data.ticket_id", "event.id")
PAID = """\
- id: refund
  call: billing.create_refund
  with: {charge: "= event.data.billing_id", amount_minor: "= event.data.amount.value", reference: "= event.data.reference"}
  look_up_first: {by: [reference, charge]}
"""
AWAITED = ACK.replace("event.data.refund_id", "event.data.reference")


def found(
    *steps: str, head: str = HEAD, catalog: Catalog = CATALOG, world: bool = False
) -> list[Finding]:
    """Check a flow; `world`: against both contracts and one runbook, and nothing else exists."""
    return check_flow(
        document_of(*steps, head=head),
        catalog=catalog,
        contracts=KNOWN if world else None,
        runbooks=["refund-callback-failed"] if world else None,
    )


def refused(*steps: str, **how: object) -> Finding:
    """Return the only refusal of a flow."""
    (finding,) = refusals(found(*steps, **how))  # type: ignore[arg-type]
    assert finding.line > 0
    assert finding.message.endswith(".")
    assert finding.remedy.endswith((".", "?"))
    return finding


def test_the_sample_flow_becomes_what_it_says() -> None:
    document = yaml12.load((fixtures() / "flow-refund-completion.yaml").read_bytes())

    spec = parse_flow(document)

    assert (spec.name, spec.version, spec.deadline) == ("refund-completion", 3, timedelta(hours=4))
    refund, ack, *rest = spec.steps
    assert isinstance(refund, CallStep)
    assert refund.look_up_first == ("reference", "charge")
    assert refund.retry.attempts == 6
    assert refund.route.runbook == "refund-callback-failed"
    assert isinstance(ack, AwaitStep)
    assert (ack.within, ack.renew and ack.renew.times) == (timedelta(minutes=15), 7)
    assert [type(move) for move in ack.on_timeout] == [Probe, RetryFrom, GiveUp]
    assert [step.id for step in rest] == ["route", "resolve", "tell_customer"]
    assert list(spec.runbooks) == ["refund-callback-failed", "refund-refused"]


def test_a_right_flow_passes_in_a_closed_world() -> None:
    assert found(PAID, AWAITED, NOTE, head=OWN, world=True) == []


def test_a_step_is_titled_by_its_operation_unless_it_says_otherwise() -> None:
    spec = parse_flow(document_of(NOTE, NOTE.replace("id: note", "id: two\n  title: Say it")))

    assert [step.title for step in spec.steps] == ["Write an internal note on the ticket", "Say it"]


@pytest.mark.parametrize(
    ("steps", "line", "told", "remedy"),
    [
        # connectors, operations, arguments
        ("- {id: a, call: teleport.go}", 12, "no connector 'teleport'", "billing"),
        ("- {id: a, call: billing.creat_refund}", 12, "no operation 'creat_refund'", "billing.create_refund"),
        ("- {id: a, call: helpdesk.add_note, with: {ticket: '= run.ticket'}}", 12, "'comment' is missing", "comment"),
        ("- {id: a, call: helpdesk.add_note, with: {ticket: '= run.ticket', coment: x, comment: y}}", 12, "no argument 'coment'", "comment, ticket"),
        ("- {id: a, call: helpdesk.transition_ticket, with: {ticket: '= run.ticket', to: closed}}", 12, "'solved'", "Mend"),
        ("- {id: a, call: helpdesk.add_note, with: {ticket: '= run.ticket', comment: '= 1 + 1'}}", 12, "gives number where string", "Convert"),
        ("- {id: a, call: helpdesk.add_note, with: {ticket: '= run.ticket', comment: '= event.data.?note'}}", 12, "may be empty", "orValue"),
        ("- {id: a, call: billing.get_refund, with: {}}", 12, "", ""),
        # expressions
        ("- {id: a, call: helpdesk.add_note, with: {ticket: '= run.tickt', comment: x}}", 12, "'run.tickt', which is never there", "Did you mean 'ticket'?"),
        ("- {id: a, call: helpdesk.add_note, with: {ticket: '= run.ticket', comment: '= event.data.'}}", 12, "does not compile", "CEL"),
        ("- {id: a, call: helpdesk.add_note, with: {ticket: '= run.ticket', comment: '= body.id'}}", 12, "undeclared reference", "awaited"),
        ("- {id: a, wait: PT1M, when: 'awaited.data.x == 1'}", 12, "'awaited', which is not known here", "customer"),
        ("- {id: a, wait: PT1M, when: \"'text'\"}", 12, "never true or false", "Compare"),
        ("- {id: a, wait: PT1M, when: 'steps.later.x == 1'}\n- {id: later, wait: PT1M}", 12, "'steps.later', which is never there", ""),
        ("- {id: a, wait: PT1M, when: 'constants.limit > 1'}", 12, "'constants.limit'", ""),
        # money
        (REFUND.replace("  look_up_first: {by: [reference, charge]}\n", ""), 12, "moves money", "look_up_first: {by: [reference, charge]}"),
        (REFUND.replace("[reference, charge]", "[reference, customer]"), 18, "cannot be looked up by 'customer'", "reference, charge"),
        # ways through the flow
        ("- {id: a, wait: PT1M}\n- {id: a, wait: PT1M}", 13, "'a' belongs to step 1 already", "own name"),
        ("- {id: a, handoff: {reason: x}}\n- {id: b, wait: PT1M}", 13, "'b' is never reached", "Remove"),
        ("- id: a\n  branch: [{when: 'true', end: true}]\n  default: {end: true}\n- {id: b, wait: PT1M}", 15, "'b' is never reached", ""),
        ("- id: a\n  branch: [{when: 'true', goto: nowhere}]", 13, "no step 'nowhere'", ""),
        ("- {id: a, wait: PT1M}\n- id: b\n  branch: [{when: 'true', goto: a}]", 14, "go round for ever", "retry_from"),
        (ACK, 21, "retry_from names 'refund', which is no step before", ""),
        (REFUND + ACK.replace("      times: 2\n", ""), 29, "has no bound", "1 to 20"),
        (REFUND + ACK.replace("    - probe", "    - handoff: {reason: early}\n    - probe"), 25, "Nothing after this handoff", "last"),
        ("- {id: w, wait: PT1M}\n" + ACK.replace("retry_from: refund", "retry_from: w"), 22, "which calls nothing", ""),
        (REFUND + ACK.replace("probe: billing.get_refund", "probe: billing.create_refund"), 25, "a probe only reads", "reads"),
        (REFUND + ACK.replace("      result: {status: \"= result.status\"}\n", "      result: {id: \"= result.id\"}\n"), 25, "The event gives status, the probe does not", "Add status"),
        # shape
        ("- {id: a}", 12, "says nothing of what it does", "call"),
        ("- {id: a, wait: PT1M, handoff: {reason: x}}", 12, "both wait and handoff", "exactly one"),
        ("- {id: a-b, wait: PT1M}", 12, "a-b", ""),
        ("- {id: a, wait: P1M}", 12, "P1M", ""),
        ("- {id: a, wait: P}", 12, "not an ISO 8601 duration", "PT15M"),
        ("- {id: a, wiat: PT1M}", 12, "says nothing of what it does", ""),
        ("- {id: a, wait: PT1M, titel: x}", 12, "'titel' is not known", "spelling"),
        ("- {id: a, each: {in: '= event.data.lines'}}", 12, "not supported in this version", "event"),
        ("- {id: a, call_flow: other}", 12, "not supported in this version", "event"),
    ],
)  # fmt: skip
def test_a_wrong_step_is_refused_with_its_line_and_a_remedy(
    steps: str, line: int, told: str, remedy: str
) -> None:
    findings = refusals(found(steps))

    assert findings, "nothing was refused"
    assert findings[0].line == line
    assert told in findings[0].message
    assert remedy in findings[0].remedy


def test_a_wrong_head_is_refused() -> None:
    for old, new, told in (
        ("ticket: ", "tickt: ", "'tickt' is not known"),
        ("risk: high", "risk: huge", "huge"),
        ("version: 1\n", "version: one\n", "one"),
        ("PT4H", "4 hours", "4 hours"),
        ("support.refund.requested", "refunds", "refunds"),
        ('"= event.data.ticket_id"', '"= event.data.ticket_id +"', "does not compile"),
    ):
        findings = refusals(found(NOTE, head=HEAD.replace(old, new, 1)))
        assert any(told in finding.message for finding in findings), old


def test_a_flow_without_exception_routes_names_every_uncovered_step() -> None:
    bare = HEAD.replace("exception_route: {runbook: refund-callback-failed}\n", "")
    covered = NOTE.replace("id: note", "id: two") + "  exception_route: {runbook: own}\n"

    findings = refusals(found(NOTE, covered, head=bare))

    assert [finding.path for finding in findings] == ["/steps/0"]
    assert "no exception route" in findings[0].message


def test_a_loop_without_a_bound_is_not_parsed() -> None:
    with pytest.raises(DocumentRefused, match="has no bound"):
        parse_flow(document_of(REFUND, ACK.replace("      times: 2\n", "")))


def test_an_effect_whose_connector_says_nothing_of_lost_answers_is_refused() -> None:
    odd = replace(CATALOG["helpdesk.add_note"], safety="hopeful")  # type: ignore[arg-type]

    finding = refused(NOTE, catalog={**CATALOG, "helpdesk.add_note": odd})

    assert "what a lost answer means" in finding.message
    assert "idempotent, lookup, manual" in finding.remedy


@pytest.mark.parametrize(
    ("old", "new", "path", "told", "remedy"),
    [
        ("contract: billing.refund.completed", "contract: billing.nothing", "/steps/1/await/contract", "'billing.nothing' is not known", "Publish"),
        ("contract: billing.refund.completed", "contract: billing.refund.complete", "/steps/1/await/contract", "not known", "Did you mean 'billing.refund.completed'?"),
        ("awaited.data.status != 'pending'", "awaited.data.statuz == 'x'", "/steps/1/await/until", "'awaited.data.statuz', which is never there", "Did you mean 'status'?"),
        ('key: "= event.data.reference"', 'key: "= event.data.ref"', "/steps/1/await/key", "'event.data.ref'", "reference"),
        ('{status: "= awaited.data.status"}', '{status: "= awaited.status"}', "/steps/1/result/status", "'awaited.status'", "data"),
        ("within: PT15M", "within: PT15M, version: ^9", "/steps/1/await/contract", "No version", "1.2.0"),
        ("callback_timeout}", "callback_timeout, runbook: nobody}", "/steps/1", "runbook 'nobody' is not known", "Publish"),
    ],
)  # fmt: skip
def test_in_a_closed_world_every_name_and_path_must_be_there(
    old: str, new: str, path: str, told: str, remedy: str
) -> None:
    assert old in AWAITED

    finding = refused(PAID, AWAITED.replace(old, new), head=OWN, world=True)

    assert finding.path == path
    assert told in finding.message
    assert remedy in finding.remedy


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("support.refund.requested", "support.refund.unknown", "'support.refund.unknown'"),
        ("refund-callback-failed", "nobody", "runbook 'nobody'"),
        ('version: "*"}', 'version: "*", when: "event.data.amount_minor > 0"}', "amount_minor"),
        ('version: "*"}', 'version: "^7"}', "^7"),
        ('"= event.id"', '"= event.idd"', "event.idd"),
    ],
)
def test_in_a_closed_world_the_head_must_be_right_too(old: str, new: str, told: str) -> None:
    finding = refused(PAID, AWAITED, head=OWN.replace(old, new), world=True)

    assert told in finding.message


def test_a_type_of_the_contract_that_does_not_fit_an_argument_is_refused() -> None:
    wrong = PAID.replace('amount_minor: "= event.data.amount.value"', 'amount_minor: "= event.id"')

    finding = refused(wrong, head=OWN, world=True)

    assert "gives string where integer is asked for" in finding.message


def test_an_await_on_a_contract_without_correlation_is_refused() -> None:
    mute = replace(COMPLETED, identity=replace(COMPLETED.identity, correlation=None))
    document = document_of(PAID, AWAITED, head=OWN)

    findings = refusals(check_flow(document, contracts=Contracts([mute, REQUESTED])))

    assert ["no identity.correlation" in finding.message for finding in findings] == [True]


def open_world(*steps: str, head: str) -> list[Finding]:
    """Check against one contract and one runbook that are only a part of the world."""
    return check_flow(
        document_of(*steps, head=head),
        contracts=Contracts([COMPLETED]),
        runbooks=["refund-callback-failed"],
        closed=False,
    )


def test_in_an_open_world_a_strange_name_is_noted_and_what_is_known_is_checked() -> None:
    branch = """\
    - id: route
      branch:
        - when: "steps.ack.status == 'failed'"
          handoff: {reason: refund_refused, runbook: refund-refused}
    """

    findings = open_world(REFUND, ACK, branch, head=HEAD)

    assert {finding.severity for finding in findings} == {Severity.WARNING}
    assert ["support.refund.requested" in findings[0].message, len(findings)] == [True, 2]
    broken = open_world(REFUND, ACK.replace("awaited.data.status !=", "awaited.x !="), head=HEAD)
    assert len(refusals(broken)) == 1


@pytest.mark.parametrize(
    ("steps", "head"),
    [
        (ACK.replace("billing.refund.completed", "billing.other"), HEAD),  # a run hangs on it
        (ACK, HEAD.replace("{runbook: refund-callback-failed}", "{runbook: elsewhere}")),
        (ACK, HEAD.replace("support.refund.requested", "billing.refund.complete")),  # a slip
    ],
)
def test_in_an_open_world_vital_names_and_slips_of_the_pen_are_refused(
    steps: str, head: str
) -> None:
    assert len(refusals(open_world(REFUND, steps, head=head))) == 1


def test_an_effect_that_was_renamed_must_say_what_it_was() -> None:
    previous = parse_flow(document_of(REFUND, NOTE))
    renamed = NOTE.replace("id: note", "id: say_it")

    (finding,) = check_flow(document_of(REFUND, renamed), previous=previous)

    assert "would do its effect again" in finding.message
    assert finding.remedy == "Add was: note to the step."
    assert check_flow(document_of(REFUND, renamed + "  was: note\n"), previous=previous) == []


def test_an_effect_that_is_new_or_gone_is_no_rename() -> None:
    previous = parse_flow(document_of(REFUND, NOTE))
    two = NOTE.replace("id: note", "id: another")

    assert check_flow(document_of(REFUND, NOTE, two), previous=previous) == []
    assert check_flow(document_of(REFUND), previous=previous) == []


def test_a_step_may_read_what_an_earlier_step_gives_and_nothing_else_of_it() -> None:
    ok = NOTE.replace("comment: Done", 'comment: "= string(steps.refund.amount_minor)"')
    wrong = NOTE.replace("comment: Done", 'comment: "= steps.refund.colour"')

    assert found(REFUND, ok) == []
    assert "'steps.refund.colour', which is never there" in refused(REFUND, wrong).message


def test_a_refusal_route_lets_later_steps_read_the_refusal() -> None:
    guarded = NOTE + "  when: \"steps.refund.refused.reason == 'no_such_charge'\"\n"

    assert found(REFUND + "  refused: {next: true}\n", guarded) == []
    assert "steps.refund.refused" in refused(REFUND, guarded).message
