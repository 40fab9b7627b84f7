"""The inventory's rules: the questionnaire's class, what a cell may hold, a draft from a row."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest

from contracts_app.rules.contract_shape import RISK_CLASSES
from contracts_app.rules.contract_spec import parse_contract
from contracts_app.rules.golive import Answering, GateFacts, gaps, gates
from contracts_app.rules.inventory import risk
from contracts_app.rules.inventory.entry import COLUMNS, FlowEntry, entry_of, read_cell
from contracts_app.rules.inventory.next_step import Agreed, next_step
from contracts_app.rules.inventory.risk import FREQUENCIES, QUESTIONS, Answers, assess
from contracts_app.rules.inventory.skeleton import UNNAMED, skeleton
from meshline.core import yaml12
from meshline.core.errors import BadValue

SLUGS = [question.slug for question in QUESTIONS]


def answers(*yes: str, often: str = "daily") -> Answers:
    return Answers(**{slug: slug in yes for slug in SLUGS}, frequency=often)


def flow(**cells: str) -> FlowEntry:
    given = {"name": "billing.refund.done", "title": "Refund done", "kind": "event", **cells}
    return entry_of({column: read_cell(column, text) for column, text in given.items()})


@pytest.mark.parametrize(
    ("yes", "often", "fallback", "risk", "reasons"),
    [
        ((), "hourly", True, "low", ()),
        (("analytics",), "hourly", False, "low", ("wrong_figures",)),
        (("friction",), "daily", True, "medium", ("friction",)),
        (("friction",), "rarely", False, "medium", ("friction",)),
        (("friction",), "daily", False, "high", ("friction", "no_manual_fallback")),
        (("money",), "daily", True, "high", ("financial_harm",)),
        (("compliance",), "daily", True, "high", ("compliance_breach",)),
        (("service_level_breach",), "daily", True, "high", ("sla_breach",)),
        (("money",), "hourly", False, "critical", ("financial_harm", "no_manual_fallback")),
        (("money", "service_level_breach"), "rarely", True, "critical",
         ("financial_harm", "sla_breach")),
        (("compliance", "money"), "rarely", True, "critical",
         ("financial_harm", "compliance_breach")),
        (tuple(SLUGS), "daily", False, "critical",
         ("financial_harm", "compliance_breach", "sla_breach", "friction", "wrong_figures")),
    ],
)  # fmt: skip
def test_answers_give_a_class_with_its_reasons(
    yes: tuple[str, ...], often: str, fallback: bool, risk: str, reasons: tuple[str, ...]
) -> None:
    found = assess(answers(*yes, often=often), has_fallback=fallback)

    assert (found.risk_class, found.reasons) == (risk, reasons)
    assert found.why


def test_one_yes_more_never_lowers_the_class() -> None:
    for said in product([True, False], repeat=len(SLUGS)):
        for often, fallback in product(FREQUENCIES, [True, False]):
            before = dict(zip(SLUGS, said, strict=True))
            for slug in SLUGS:
                low = assess(Answers(**before, frequency=often), has_fallback=fallback)
                more = Answers(**{**before, slug: True}, frequency=often)
                high = assess(more, has_fallback=fallback)
                assert _rank(high.risk_class) <= _rank(low.risk_class)


def test_open_questions_are_named_and_give_no_class() -> None:
    found = assess(Answers(money=True, frequency="daily"), has_fallback=True)

    assert found.risk_class == ""
    assert len(found.open_questions) == len(SLUGS) - 1
    assert "Can it break a law or a duty?" in found.open_questions


@pytest.mark.parametrize(
    ("column", "given", "kept"),
    [
        ("name", " Billing.Refund.Done ", "billing.refund.done"),
        ("kind", "Callback", "callback"),
        ("producer", "Billing", "billing"),
        ("consumers", "desk, bi;shop desk", "desk bi shop"),
        ("service_level", "15 min", "PT15M"),
        ("service_level", "2 hours", "PT2H"),
        ("service_level", "pt90m", "PT1H30M"),
        ("service_level", "", ""),
        ("money", "YES", "yes"),
        ("money", "0", "no"),
        ("notes", "one\r\ntwo\rthree", "one\ntwo\nthree"),
    ],
)
def test_cell_is_kept_in_one_form(column: str, given: str, kept: str) -> None:
    assert read_cell(column, given) == kept
    assert read_cell(column, kept) == kept


@pytest.mark.parametrize(
    ("column", "given", "says", "remedy"),
    [
        ("name", "refunds", "'refunds' is no name of a flow.", "like billing.refund.completed"),
        ("name", "", "The name is missing.", "Write it like"),
        ("kind", "webhook", "'webhook' is not on the list.", "enrichment or callback"),
        ("producer", "Help Desk", "'Help Desk' is no name of a system.", "like help-desk"),
        ("owner", "Team Üx!", "is no name of an owner.", "like team"),
        ("consumers", "desk, B!", "'B!' is no name of a system.", "like b"),
        ("service_level", "soon", "'soon' is no span of time.", "15 min"),
        ("service_level", "0 min", "no time", "Leave it empty"),
        ("service_level", "99999 weeks", "longer than 100 years", "Shorten"),
        ("money", "perhaps", "neither yes nor no", "leave it empty"),
        ("title", "two\nlines", "line break", "one line"),
        ("title", "x" * 121, "121 characters", "Shorten"),
        ("notes", "a\x00b", "cannot be shown", "Type the text anew"),
        ("frequency", "often", "'often' is not on the list.", "rarely, daily or hourly"),
    ],
)
def test_bad_cell_says_what_is_wrong_and_what_to_write(
    column: str, given: str, says: str, remedy: str
) -> None:
    with pytest.raises(BadValue) as refusal:
        read_cell(column, given)

    assert says in refusal.value.message
    assert remedy in refusal.value.remedy


def test_new_flow_names_every_column_that_it_still_needs() -> None:
    with pytest.raises(BadValue, match="needs its title and its kind"):
        entry_of({"name": "a.flow"})


def test_cells_left_out_stay_as_they_were() -> None:
    before = flow(owner="payments", money="yes")

    after = entry_of({"name": before.name, "title": "Newer"}, before=before)

    assert after.cells() == {**before.cells(), "title": "Newer"}
    assert after.digest != before.digest


ALL: dict[str, str] = {
    "producer": "billing",
    "consumers": "null bi true",
    "owner": "no",
    "service_level": "PT15M",
    "notes": 'He said: "refund" # now\nand {more}',
    "money": "yes", "compliance": "no", "service_level_breach": "yes", "friction": "yes",
    "analytics": "no", "frequency": "daily",
}  # fmt: skip


@pytest.mark.parametrize(
    "cells",
    [
        {},
        ALL,
        {**ALL, "manual_fallback": "refund-manual"},
        {**ALL, "manual_fallback": "Ask billing: by phone,\nthen # note it"},
        *({"kind": kind} for kind in ("event", "command", "enrichment", "callback")),
    ],
)
def test_draft_from_a_row_is_a_contract_that_says_what_the_row_says(cells: dict[str, str]) -> None:
    entry = flow(**cells)

    spec = parse_contract(yaml12.load(skeleton(entry)))

    assert (spec.name, spec.title, spec.kind) == (entry.name, entry.title, entry.kind)
    assert spec.status == "draft"
    assert spec.producer.system == (entry.producer or UNNAMED)
    assert tuple(one.system for one in spec.consumers) == entry.consumers
    assert spec.risk.reasons == entry.assessment.reasons
    assert spec.risk.risk_class == (entry.assessment.risk_class or "medium")
    assert spec.sla.ack_within == entry.promise
    assert spec.owners["contract"].group == (entry.owner or UNNAMED)
    assert (spec.manual_fallback.runbook if spec.manual_fallback else "") == entry.runbook


@pytest.mark.parametrize("runbook", ["", "Ask billing by phone.", "refund-manual"])
def test_draft_whose_points_are_all_followed_lacks_nothing_but_evidence(runbook: str) -> None:
    entry = flow(**{**ALL, "owner": "ops", "manual_fallback": runbook, "service_level": ""})
    begun = skeleton(entry)
    followed = re.sub(r"(?m)^( *)# (?=[a-z_]+: [\[{])", r"\1", begun).replace(
        "executable: false", "executable: true"
    )
    ops = Answering("Ops", "Lena", "ops-primary")
    named = frozenset([entry.producer, *entry.consumers])
    spec = parse_contract(yaml12.load(followed))
    known = GateFacts(
        owners=dict.fromkeys(("contract", "runtime", "product"), ops),
        systems=named, runbooks=frozenset([entry.runbook or "name-of-the-runbook"]), audited=True,
    )  # fmt: skip

    assert [gate.id for gate in gaps(gates(spec, known))] == ["rollback", "outcome"]
    for point in range(1, 8):
        assert f"# {point}. " in begun


def test_draft_names_its_drafter_where_the_inventory_names_another_owner() -> None:
    spec = parse_contract(yaml12.load(skeleton(flow(owner="ops"), drafter=["b", "a"])))
    own = parse_contract(yaml12.load(skeleton(flow(owner="ops"), drafter=["a", "ops"])))

    assert [spec.owners[role].group for role in ("contract", "runtime")] == ["a", "ops"]
    assert own.owners["contract"].group == "ops"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("15 min", "15 min"), ("2 hours", "2 h"), ("PT90M", "PT1H30M"), ("1 week", "7 d"), ("", "")],
)
def test_service_level_comes_back_in_words_that_read_as_the_same(typed: str, shown: str) -> None:
    entry = flow(service_level=typed)

    assert entry.promise_typed == shown
    assert read_cell("service_level", shown) == entry.service_level


DONE: dict[str, Any] = {**ALL, "owner": "payments"}


@pytest.mark.parametrize(
    ("cells", "agreed", "do"),
    [
        ({}, Agreed(), "answer"),
        ({**DONE, "owner": ""}, Agreed(), "complete"),
        (DONE, Agreed(), "draft"),
        (DONE, Agreed(coming="1.0.0", coming_state="draft"), "edit"),
        (DONE, Agreed(coming="1.0.0", coming_state="in_review"), "sign"),
        (DONE, Agreed("1.0.0", "active"), "rest"),
        (DONE, Agreed("1.0.0", "active", "1.1.0", "draft"), "rest"),
        ({}, Agreed("1.0.0", "deprecated"), "rest"),
        (DONE, Agreed(coming="1.0.0", coming_state="retired"), "draft"),
    ],
)
def test_next_step_follows_what_is_known_and_how_far_the_contract_is(
    cells: dict[str, str], agreed: Agreed, do: str
) -> None:
    step = next_step(flow(**cells), agreed)

    assert step.do == do
    assert step.title
    assert step.how


def test_every_column_has_a_title_and_is_read() -> None:
    assert list(flow().cells()) == list(COLUMNS)


def _rank(risk: str) -> int:
    return RISK_CLASSES.index(risk)


def test_rule_is_known_by_what_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    before = risk.rule_digest.__wrapped__()
    assert before == risk.rule_digest()
    monkeypatch.setitem(risk._UP, "medium", "critical")
    assert risk.rule_digest.__wrapped__() != before
