"""The pilot's documents: they check together, name people who exist, and cover each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest

from meshline.core.yaml12 import Document
from orchestration.rules.catalog import CATALOG
from orchestration.rules.flow_spec import CallStep, give_ups
from orchestration.rules.source_spec import SourceSpec
from runbooks.rules.document_check import check_files
from tests.rules import pilot_world as pilot

# Reasons that the engine gives by itself, whatever the flow says.
ENGINE_REASONS = ("retries_exhausted", "unknown_outcome", "run_deadline")


def test_all_documents_of_the_pilot_are_fine_together() -> None:
    code, lines = check_files(pilot.paths(), closed=True)

    assert (code, [line for line in lines if "refused" in line]) == (0, [])


def test_no_sentence_in_brackets_is_cut_at_its_comma() -> None:
    """What stands behind the comma would be a key of its own, with nothing in it."""
    cut = [
        f"{path}: {key}"
        for path in pilot.paths()
        for key in _empty_keys(pilot.read(path).value)
        if " " in key
    ]

    assert cut == []


def _empty_keys(value: Any) -> Iterator[str]:
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict):
        yield from (key for key, child in value.items() if child is None)
    if isinstance(value, dict | list):
        for child in children:
            yield from _empty_keys(child)


@pytest.mark.parametrize("name", pilot.names("contracts"))
def test_a_contract_of_the_pilot_leaves_nothing_doubtful(name: str) -> None:
    spec = pilot.contracts()[name]

    assert [str(finding) for finding in spec.warnings] == []
    assert spec.status == "active"
    assert all(spec.violations(example.payload) == [] for example in spec.examples_valid)
    assert all(spec.violations(example.payload) for example in spec.examples_invalid)


@pytest.mark.parametrize("name", pilot.names("contracts"))
def test_every_owner_of_a_contract_is_a_person_who_can_be_reached(name: str) -> None:
    spec = pilot.contracts()[name]
    addresses = {person["email"] for person in pilot.people()["people"]}
    groups = {group["name"] for group in pilot.people()["groups"]}

    people = [owner.person for owner in spec.owners.values()]

    assert set(spec.owners) == {"contract", "runtime", "product"}
    assert set(people) <= addresses
    assert len(set(people)) == 3, "three roles, three people"
    assert {owner.group for owner in spec.owners.values()} <= groups
    assert spec.owners["runtime"].oncall in pilot.names("rotas")


def test_every_group_is_answered_for_by_a_person_and_a_rota() -> None:
    people = {person["email"]: person["name"] for person in pilot.people()["people"]}

    for group in pilot.people()["groups"]:
        assert group["person"] in people
        assert group["rota"] in pilot.names("rotas")
    for path in pilot.paths("rotas"):
        on_rota = pilot.read(path).value["people"]
        assert {one["email"]: one["name"] for one in on_rota}.items() <= people.items()


def test_every_kind_of_user_has_a_demo_login() -> None:
    demo = [person for person in pilot.people()["people"] if person["demo_login"]]

    assert {role for person in demo for role in person["roles"]} == {
        "support_agent",
        "ops_lead",
        "contract_owner",
        "runtime_owner",
        "product_owner",
        "manager",
        "auditor",
        "admin",
    }
    assert len({person["username"] for person in demo}) == len(demo)


@pytest.mark.parametrize("name", pilot.names("runbooks"))
def test_a_runbooks_owner_and_escalations_resolve(name: str) -> None:
    known = {group["name"] for group in pilot.people()["groups"]} | set(pilot.names("rotas"))
    document = next(pilot.read(path) for path in pilot.paths("runbooks") if path.stem == name).value

    escalations = [step["with"] for step in document["steps"] if step.get("action") == "escalate"]

    assert document["owner"] in known
    assert escalations, "every runbook can be handed on"
    for escalation in escalations:
        assert escalation["policy"] in known or escalation["policy"].startswith("owners.")


def test_every_contract_comes_from_a_source_and_every_system_is_known() -> None:
    mapped = {rule.contract for source in pilot.sources().values() for rule in source.events}
    systems = set(pilot.names("systems"))

    assert mapped == set(pilot.contracts())
    assert {source.system for source in pilot.sources().values()} <= systems
    for spec in pilot.contracts().values():
        assert spec.producer.system in systems
        assert {consumer.system for consumer in spec.consumers} <= systems
        assert spec.producer.channel["source"] in pilot.sources()


def _reasons() -> Iterator[tuple[str, str, str]]:
    """Yield (flow, runbook, reason) of every way in which a flow gives work to a person."""
    for spec in pilot.flows().values():
        for step in spec.steps:
            for give_up in give_ups(step):
                reason = give_up.reason or "ambiguous_refund"  # a system's own word
                yield spec.name, give_up.runbook or step.route.runbook, reason
            if isinstance(step, CallStep):
                yield from ((spec.name, step.route.runbook, reason) for reason in ENGINE_REASONS)


def test_every_reason_of_a_handoff_has_a_runbook_that_knows_it() -> None:
    for flow, runbook, reason in _reasons():
        offered = [
            spec.name
            for spec in pilot.runbooks().values()
            if reason in spec.failure_modes
            and pilot.flows()[flow].trigger.contract in spec.contracts
        ]
        assert offered, f"{flow}: nothing is offered for {reason}"
        assert runbook in pilot.runbooks(), f"{flow} sends {reason} to {runbook}"


@pytest.mark.parametrize(
    ("runbook", "actions"),
    [
        ("refund-callback-failed", {"flow.replay", "flow.retry_step", "flow.satisfy_expectation"}),
        ("refund-refused", {"flow.replay", "flow.satisfy_expectation", "ticket.comment"}),
        ("refund-manual", {"flow.satisfy_expectation"}),
        ("backfill-enrichment", {"flow.backfill", "flow.replay"}),
        ("cancellation-failed", {"flow.replay", "flow.retry_step", "flow.satisfy_expectation"}),
        ("page-unanswered", {"flow.replay", "page"}),
        ("held-event", set()),
        ("run-failed", {"flow.replay", "flow.retry_step", "flow.cancel"}),
    ],
)
def test_a_runbook_offers_the_buttons_that_its_trouble_needs(
    runbook: str, actions: set[str]
) -> None:
    assert actions | {"escalate"} <= set(pilot.runbooks()[runbook].actions)


def test_the_engines_own_writes_are_marked_in_every_source_that_we_write_to() -> None:
    written = {op.system for op in CATALOG.values() if op.is_effect} & set(pilot.sources())

    for name in written - {"pager"}:  # the pager reports what people do, not what we send
        assert _marks_own_writes(pilot.sources()[name]), name


def _marks_own_writes(source: SourceSpec) -> bool:
    return source.own_writes is not None and "false" not in str(source.own_writes)


def test_comments_are_internal_and_the_customer_hears_of_one_thing_once() -> None:
    for spec in pilot.flows().values():
        calls = [step for step in spec.steps if isinstance(step, CallStep)]
        public = [step.id for step in calls if _arguments(step).get("public", False) is not False]
        mails = [step for step in calls if step.operation == "mail.send"]
        assert public == [], spec.name
        assert len(mails) <= 1, spec.name


def _arguments(step: CallStep) -> dict[str, Any]:
    found: dict[str, Any] = step.arguments
    return found


def test_money_is_looked_up_before_it_moves() -> None:
    for spec in pilot.flows().values():
        for step in spec.steps:
            if isinstance(step, CallStep) and CATALOG[step.operation].money:
                assert set(step.look_up_first) == set(CATALOG[step.operation].look_up_by), spec.name


def test_holidays_of_the_calendar_are_dates_and_each_stands_once() -> None:
    holidays = _document("calendars", "berlin-support").value["holidays"]

    assert [date.fromisoformat(day).isoformat() for day in holidays] == sorted(set(holidays))


def test_the_policy_names_a_calendar_contracts_and_rotas_that_exist() -> None:
    policy = _document("policies", "support-standard").value
    named = re.findall(r"contract: ([a-z.]+)", _document("policies", "support-standard").text)

    assert policy["calendar"] in pilot.names("calendars")
    assert set(named) <= set(pilot.contracts())
    assert {one["escalate"]["rota"] for one in policy["metrics"]} <= set(pilot.names("rotas"))
    assert [one["name"] for one in policy["metrics"]] == [
        "first_reply",
        "next_reply",
        "resolution",
        "refund_confirmed",
    ]


def test_an_example_is_dated_like_the_real_thing() -> None:
    for spec in pilot.contracts().values():
        for example in spec.examples_valid:
            payload: Any = example.payload
            assert datetime.fromisoformat(payload["time"]).utcoffset() is not None


def _document(folder: str, name: str) -> Document:
    return next(pilot.read(path) for path in pilot.paths(folder) if path.stem == name)
