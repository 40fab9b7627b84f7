"""A verdict of "unknown": one answer of the contract for checks, numbers and publishing."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from contracts_app.rules.change_verdict import judge_proposal, left_undecided
from contracts_app.rules.contract_change import judge_change
from contracts_app.rules.contract_shape import CONTRACT_SHAPE, ON_UNKNOWN
from contracts_app.rules.contract_spec import ContractSpec, parse_contract
from contracts_app.rules.on_unknown import doubt_of
from meshline.core.yaml12 import Document
from tests.rules.test_contract_change import REFUND, data


def spec(version: str, on_unknown: str | None, *, unsure: bool = False) -> ContractSpec:
    """The refund contract; `unsure` widens it in a way that the prover cannot tell."""
    value: Any = copy.deepcopy(REFUND.value)
    value["version"], value["lifecycle"]["supersedes"] = version, None
    value["compatibility"]["mode"] = "backward"
    if on_unknown is None:
        del value["compatibility"]["on_unknown"]
    else:
        value["compatibility"]["on_unknown"] = on_unknown
    if unsure:
        data(value)["properties"]["reference"]["pattern"] = "^rf_[a-z0-9]+$"
    return parse_contract(Document(value, "", "contract", {}))


@pytest.mark.parametrize(
    ("serving", "proposed", "choice", "outcome", "said_by"),
    [
        ("review", "review", "review", "undecided", ""),
        ("review", None, "review", "undecided", ""),
        (None, "review", "review", "undecided", ""),
        ("review", "block", "block", "refused", ""),
        ("block", "review", "block", "refused", "1.2.0"),
        ("block", None, "block", "refused", "1.2.0"),
        ("block", "block", "block", "refused", ""),
    ],
)
def test_what_is_not_decided_is_never_a_pass_and_a_block_in_service_binds(
    serving: str | None, proposed: str | None, choice: str, outcome: str, said_by: str
) -> None:
    old, new = spec("1.2.0", serving), spec("2.0.0", proposed, unsure=True)

    change = judge_change(new, [old])
    proposal = judge_proposal(new, [old])

    assert (change.verdict, change.least_version) == ("unknown", "2.0.0")
    assert change.counts_as_break
    assert change.doubt is not None
    assert (change.doubt.choice, change.doubt.said_by) == (choice, said_by)
    assert change.doubt.publishable is (choice == "review")
    assert (proposal.outcome, proposal.as_json()["on_unknown"]) == (outcome, choice)
    assert change.doubt.sentence("2.0.0") in proposal.reasons[-1]


def test_answer_tells_the_number_and_who_signs_or_what_to_do_instead() -> None:
    old = spec("1.2.0", "review")

    review = judge_proposal(spec("1.3.0", "review", unsure=True), [old])
    block = judge_proposal(spec("1.3.0", "block", unsure=True), [old])

    assert "2.0.0 or higher, signed by the contract owner and by the" in review.reasons[-1]
    assert "says on_unknown: block" in block.reasons[-1]
    assert block.reasons[-1].endswith("Write the change so that it can be proved, or say review.")


def test_what_is_decided_asks_nothing_of_it() -> None:
    old = spec("1.2.0", "block")
    proposal = judge_proposal(spec("1.2.1", "block"), [old])

    assert proposal.outcome == "passes"
    assert proposal.as_json()["on_unknown"] is None


@pytest.mark.parametrize(("choice", "outcome"), [("review", "undecided"), ("block", "refused")])
def test_version_that_cannot_be_compared_with_is_the_same_doubt(choice: str, outcome: str) -> None:
    old, new = spec("1.2.0", choice), spec("1.2.1", "review")
    passed = judge_proposal(new, [old])

    assert left_undecided(passed, new, [old], ["1.1.0 is not sound."]).outcome == outcome
    assert left_undecided(passed, new, [old], []).outcome == "passes"


def test_without_a_word_owners_decide_and_no_other_word_is_read() -> None:
    assert doubt_of(spec("1.2.0", None), []).choice == "review" == ON_UNKNOWN[0]
    said = CONTRACT_SHAPE["properties"]["compatibility"]["properties"]["on_unknown"]
    assert set(said["enum"]) == {"review", "block"}
