"""A proposed contract against the ones in service: verdict, number, consumers who would be hurt."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts_app.rules.contract_change import judge_change
from contracts_app.rules.contract_spec import ContractSpec, parse_contract
from meshline.core.yaml12 import Document, load

PILOT = Path(__file__).resolve().parents[2] / "meshline/pilot/contracts/billing"
REFUND = load((PILOT / "billing.refund.completed/1.2.0.yaml").read_bytes())
Edit = Callable[[Any], None]


def spec(version: str, *edits: Edit) -> ContractSpec:
    """The pilot's refund contract under a number, edited."""
    value = copy.deepcopy(REFUND.value)
    value["version"] = version
    value["lifecycle"]["supersedes"] = None
    for edit in edits:
        edit(value)
    return parse_contract(Document(value, "", "contract", {}))


def data(value: Any) -> Any:
    """The properties of the payload's data."""
    return value["schema"]["payload"]["properties"]["data"]


def dropped_status(value: Any) -> None:
    data(value)["properties"]["status"]["enum"].append("reversed")


def optional_field(value: Any) -> None:
    data(value)["properties"]["memo"] = {"type": "string"}


def required_field(value: Any) -> None:
    data(value)["required"].append("failure_code")
    payloads = [*value["examples"]["valid"], *value["examples"]["invalid"]]
    for example in payloads:
        example["payload"]["data"]["failure_code"] = "x"


def optional_amount(value: Any) -> None:
    data(value)["required"].remove("amount")


def mode(name: str, **more: str) -> Edit:
    """Set the compatibility block."""
    return lambda value: value["compatibility"].update(mode=name, **more)


@pytest.mark.parametrize(
    ("edits", "verdict", "least"),
    [
        ([mode("backward")], "compatible", "1.2.1"),
        ([mode("backward"), optional_field], "compatible", "1.3.0"),
        ([mode("backward"), required_field], "breaking", "2.0.0"),
        ([mode("full"), optional_field], "breaking", "2.0.0"),
        ([mode("forward"), required_field], "compatible", "1.3.0"),
        ([mode("none"), required_field], "compatible", "1.3.0"),
    ],
)
def test_mode_decides_what_breaks(edits: list[Edit], verdict: str, least: str) -> None:
    change = judge_change(spec("1.3.0", *edits), [spec("1.2.0")])

    assert (change.verdict, change.least_version) == (verdict, least)


def test_first_version_breaks_nobody() -> None:
    change = judge_change(spec("1.0.0"), [])

    assert (change.verdict, change.newest) == ("compatible", None)


def test_transitive_mode_compares_with_every_version_in_service() -> None:
    older = spec("1.1.0", lambda value: data(value)["properties"].update(old={"type": "string"}))
    proposed = spec("1.3.0", mode("backward_transitive"))

    change = judge_change(proposed, [older, spec("1.2.0")])

    assert [one.version for one in change.comparisons] == ["1.2.0", "1.1.0"]
    assert change.verdict == "breaking"
    assert change.deciding is not None
    assert change.deciding.version == "1.1.0"


def test_versions_of_another_major_number_are_left_alone() -> None:
    """After 2.0.0 broke 1.2.0 on purpose, both lines go on by themselves."""
    serving = [spec("1.2.0"), spec("2.0.0", required_field)]
    transitive = mode("backward_transitive")

    fix = judge_change(spec("2.0.1", required_field, transitive), serving)
    old_line = judge_change(spec("1.2.1", transitive), serving)
    breaks_old_line = judge_change(spec("1.3.0", required_field, transitive), serving)

    assert (fix.verdict, fix.least_version) == ("compatible", "2.0.1")
    assert (old_line.verdict, old_line.least_version) == ("compatible", "1.2.1")
    assert (breaks_old_line.verdict, breaks_old_line.least_version) == ("breaking", "3.0.0")


def test_first_of_a_new_major_number_says_what_it_breaks() -> None:
    change = judge_change(spec("2.0.0", required_field, mode("backward_transitive")),
                          [spec("1.2.0"), spec("1.1.0")])  # fmt: skip

    assert [one.version for one in change.comparisons] == ["1.2.0"]
    assert (change.verdict, change.least_version) == ("breaking", "2.0.0")


def test_consumer_that_expects_other_values_is_hurt_with_a_payload() -> None:
    change = judge_change(spec("1.3.0", mode("backward"), dropped_status), [spec("1.2.0")])

    hurt = {one.system: one for one in change.hurt}
    assert change.verdict == "breaking"
    assert set(hurt) == {"helpdesk", "bi"} - {"bi"}
    assert hurt["helpdesk"].counterexample is not None
    assert hurt["helpdesk"].counterexample.payload["data"]["status"] == "reversed"
    assert "/data/status" in hurt["helpdesk"].sentence


def test_consumer_that_ignores_unknown_values_is_not_hurt_by_one_more() -> None:
    def ignores(value: Any) -> None:
        value["consumers"][0]["expects"]["unknown_enum"] = "ignore"

    change = judge_change(spec("1.3.0", mode("backward"), dropped_status, ignores), [spec("1.2.0")])

    assert [(one.system, one.state) for one in change.impacts] == [
        ("helpdesk", "safe"), ("bi", "safe"),
    ]  # fmt: skip


def test_consumer_that_reads_a_field_is_hurt_when_it_may_be_missing() -> None:
    change = judge_change(spec("1.3.0", mode("backward"), optional_amount), [spec("1.2.0")])

    (hurt,) = change.hurt
    assert hurt.system == "bi"
    assert "amount" in hurt.sentence


def test_consumer_that_is_pinned_elsewhere_or_leaving_is_apart() -> None:
    def leaving(value: Any) -> None:
        value["consumers"][1]["status"] = "leaving"

    change = judge_change(spec("2.0.0", mode("backward"), dropped_status, leaving), [spec("1.2.0")])

    assert [one.state for one in change.impacts] == ["apart", "apart"]
    assert "pinned to ^1.1" in change.impacts[0].sentence


def test_versions_that_say_the_same_are_all_told_and_one_and_true_are_not_the_same() -> None:
    def memo(*values: object) -> Edit:
        return lambda value: data(value)["properties"].update(memo={"enum": list(values)})

    serving = [spec("1.0.0", memo(1)), spec("1.1.0", memo(1)), spec("1.2.0", memo(True))]
    change = judge_change(spec("1.3.0", mode("backward_transitive"), memo(1)), serving)

    told = {one.version: one.comparison.verdict for one in change.comparisons}
    assert told == {"1.2.0": "breaking", "1.1.0": "compatible", "1.0.0": "compatible"}
