"""Which contract tests a version has, and what each came to, in words for its owner."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contracts_app.rules.contract_spec import ContractSpec, Example
from contracts_app.rules.contract_tests import MOST_SENT, ContractTest, Sent, judged, to_send
from contracts_app.rules.contract_tests import unique_id as judge_id
from tests.rules.standard_contracts import contract, each_contract, read

READER = {"system": "bi", "team": "analytics", "status": "live"}
KEPT = Sent(events=1, known=True, conflict=True)


def told(spec: ContractSpec, before: ContractSpec | None = None) -> list[tuple[str, str, str]]:
    return [(one.kind, one.name, one.outcome) for one in judged(spec, before)]


def of_consumer(before: ContractSpec | None = None, **reader: Any) -> ContractTest:
    found = judged(contract(consumers=[READER | reader]), before)
    return next(one for one in found if one.kind == "consumer")


def test_each_example_and_each_consumer_has_a_test() -> None:
    expects = {"schema": {"type": "object", "required": ["number"]}}

    found = told(contract(consumers=[READER | {"expects": expects}]))

    assert found == [
        ("valid", "one", "passed"),
        ("invalid", "none", "passed"),
        ("consumer", "bi", "passed"),
    ]


def test_examples_that_do_not_keep_the_schema_are_told_with_their_place() -> None:
    spec = contract()
    twisted = replace(
        spec,
        examples_valid=(Example("text", {"number": "1"}),),
        examples_invalid=(
            Example("fine", {"number": 1}, ("/number",)),
            Example("elsewhere", {"number": "1"}, ("/colour",)),
        ),
    )

    found = {one.name: one for one in judged(twisted, None)}

    assert {one.outcome for one in found.values()} == {"failed"}
    assert found["text"].sentence.startswith("The schema refuses it: ")
    assert found["fine"].sentence == "The schema accepts it."
    assert found["elsewhere"].sentence == (
        "It is refused at /number, and not where it should be: /colour."
    )


def test_consumer_that_does_not_expect_an_example_is_told_with_it() -> None:
    found = of_consumer(expects={"schema": {"properties": {"number": {"maximum": 0}}}})

    assert found.outcome == "failed"
    assert "It does not expect the example one: " in found.sentence


def test_field_of_a_consumer_is_expected_as_the_version_in_service_says() -> None:
    serving = contract(
        schema={"payload": {"type": "object", "properties": {"number": {"type": "string"}}}},
        examples={
            "valid": [{"name": "text", "payload": {"number": "1"}}],
            "invalid": [{"name": "whole", "violates": ["/number"], "payload": {"number": 1}}],
        },
    )
    expects = {"fields": ["/number"]}

    assert of_consumer(expects=expects).outcome == "passed"
    assert of_consumer(serving, expects=expects).outcome == "failed"


@pytest.mark.parametrize(
    ("reader", "why"),
    [
        ({"status": "planned"}, "bi is planned."),
        ({"pinned": "^3"}, "bi is pinned to ^3 and does not get this version."),
        ({}, "bi has written down no expectation, so nothing can be tested."),
    ],
)
def test_consumer_that_cannot_be_tested_is_told_and_fails_nothing(
    reader: dict[str, Any], why: str
) -> None:
    found = of_consumer(**reader)

    assert (found.outcome, found.sentence) == ("skipped", why)


def test_field_that_no_example_shows_is_named() -> None:
    found = of_consumer(expects={"fields": ["/number", "/colour"]})

    assert found.sentence == "It expects the valid example. No example shows /colour."


@pytest.mark.parametrize(
    ("sent", "outcome", "words"),
    [
        (KEPT, "passed", "Sent twice under the id 1, it is one event. Another body under that id "
                         "is refused as a conflict."),
        (replace(KEPT, conflict=None), "passed", "it is one event."),
        (replace(KEPT, conflict=False), "failed", "Another body under the id 1 was taken in"),
        (replace(KEPT, events=2, known=False), "failed", "it became 2 events"),
        (Sent(trouble="A flow cannot be read."), "failed", "A flow cannot be read."),
        (None, "skipped", "it was not sent"),
    ],
)  # fmt: skip
def test_unique_id_is_judged_by_what_came_of_sending(
    sent: Sent | None, outcome: str, words: str
) -> None:
    spec = contract()

    found = judge_id(spec, spec.examples_valid[0], sent)

    assert found.outcome == outcome
    assert words in found.sentence


def test_id_that_is_neither_text_nor_whole_fails_without_being_sent() -> None:
    spec = contract()

    found = judge_id(spec, Example("half", {"number": 1.5}), None)

    assert found.outcome == "failed"
    assert found.sentence.startswith("What stands at /number is neither text nor a whole number")


def test_no_more_than_a_few_examples_are_sent() -> None:
    many = tuple(Example(f"n{number}", {"number": number}) for number in range(20))

    assert len(to_send(replace(contract(), examples_valid=many))) == MOST_SENT


@each_contract
def test_contracts_of_the_pilot_fail_no_test(path: Any) -> None:
    assert [str(one) for one in judged(read(path), None) if one.outcome == "failed"] == []
