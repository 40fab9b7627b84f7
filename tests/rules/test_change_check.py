"""`meshline check --old OLD NEW…`: verdicts, exit codes and the four ways to tell them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from runbooks.rules.change_check import check_changes
from runbooks.rules.change_output import FORMATS, rendered

PILOT = Path(__file__).resolve().parents[2] / "meshline/pilot/contracts"
NAME = "billing.refund.completed"
REFUND = (PILOT / "billing" / NAME / "1.2.0.yaml").read_text()
STATUS = "status: {enum: [pending, succeeded, failed]}"
MEMO = "failure_code: {type: string, maxLength: 64}"
Edits = tuple[tuple[str, str], ...]

NO_FAILED: Edits = ((STATUS, STATUS.replace(", failed", "")), ("status: failed", "status: pending"))
BACKWARD: Edits = (("mode: full_transitive", "mode: backward"),)
ONE_MORE: Edits = (*BACKWARD, (MEMO, f"{MEMO}\n          memo: {{type: string}}"))
# Wider, but the prover cannot tell so of patterns.
UNSURE: Edits = (*BACKWARD, ("^rf_[a-z0-9]{8,32}$", "^rf_[a-z0-9]+$"))


def written(folder: Path, version: str, *edits: tuple[str, str], name: str = NAME) -> Path:
    """A version of the refund contract where the layout has it."""
    text = REFUND.replace("\nversion: 1.2.0", f"\nversion: {version}", 1).replace(NAME, name)
    text = text.replace("supersedes: 1.1.0", "supersedes: null")
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    file = folder / "billing" / name / f"{version}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@pytest.fixture
def old(tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    written(folder, "1.2.0")
    return folder


@pytest.mark.parametrize(
    ("version", "edits", "code", "told"),
    [
        ("1.3.0", ONE_MORE, 0, "is safe for 1.2.0"),
        ("1.2.1", BACKWARD, 0, "is safe for 1.2.0"),
        ("1.3.0", NO_FAILED, 1, "breaks 1.2.0"),
        ("2.0.0", NO_FAILED, 1, "breaks 1.2.0"),
        ("1.2.1", ONE_MORE, 1, "The number 1.2.1 is too low"),
        ("1.2.0", ONE_MORE, 1, "The number 1.2.0 is too low"),
        ("1.3.0", (("title: Refund", "titel: Refund"),), 1, "'titel'"),
    ],
)
def test_verdict_decides_the_exit_code(
    tmp_path: Path, old: Path, version: str, edits: Edits, code: int, told: str
) -> None:
    report = check_changes(old, [written(tmp_path / "new", version, *edits)])

    (entry,) = report.entries
    assert report.exit_code == code, entry.reasons
    assert any(told in reason for reason in entry.reasons), entry.reasons


@pytest.mark.parametrize(("on_unknown", "code"), [("review", 3), ("block", 1)])
def test_what_is_not_decided_never_passes(
    tmp_path: Path, old: Path, on_unknown: str, code: int
) -> None:
    edits = (*UNSURE, ("on_unknown: review", f"on_unknown: {on_unknown}"))
    report = check_changes(old, [written(tmp_path / "new", "1.3.0", *edits)])

    (entry,) = report.entries
    assert (entry.verdict, report.exit_code) == ("unknown", code)
    assert "is not known" in entry.reasons[0]
    assert "may break pattern-changed" in rendered(report, "text")


def test_an_old_version_that_is_not_sound_leaves_the_change_undecided(
    tmp_path: Path, old: Path
) -> None:
    written(old, "1.1.0", ("title: Refund", "titel: Refund"))

    report = check_changes(old, [written(tmp_path / "new", "1.3.0", *ONE_MORE)])

    assert report.exit_code == 3
    assert "cannot be compared with" in report.entries[0].reasons[0]


def test_what_cannot_be_read_is_told_apart_from_what_breaks(tmp_path: Path, old: Path) -> None:
    new = written(tmp_path / "new", "1.3.0", *ONE_MORE)
    broken = tmp_path / "broken.yaml"
    broken.write_text("meshline: contract/v1\nname: [unclosed\n")
    flow = tmp_path / "flow.yaml"
    flow.write_text("meshline: flow/v1\nname: some\n")

    for paths in ([broken], [new, broken], [flow], [tmp_path / "missing"], [old]):
        assert check_changes(old, paths).exit_code == 2, paths
    assert check_changes(tmp_path / "missing", [new]).exit_code == 2
    written(old, "1.1.0").write_text(f"meshline: contract/v1\nname: {NAME}\nx: [unclosed\n")
    assert check_changes(old, [new]).exit_code == 2


def test_only_what_changed_is_compared_and_a_file_is_not_old_to_itself(
    tmp_path: Path, old: Path
) -> None:
    new = tmp_path / "new"
    written(new, "1.2.0")
    written(new, "1.0.0", name="billing.refund.noticed")
    same = check_changes(old, [new / "billing" / NAME])
    assert (same.exit_code, same.entries, same.unchanged) == (0, (), 1)

    beside = written(old, "1.3.0", *NO_FAILED)
    report = check_changes(old, [beside])
    assert [entry.title for entry in report.entries] == [f"{NAME} 1.3.0"]
    assert report.exit_code == 1


def test_rewritten_without_another_meaning_is_no_change(tmp_path: Path, old: Path) -> None:
    report = check_changes(old, [written(tmp_path / "new", "1.2.0", ("# wri", "# Wri"))])

    assert (report.exit_code, report.entries, report.unchanged) == (0, (), 1)


def test_contract_is_found_where_no_layout_says_so(tmp_path: Path, old: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    (old / "billing" / NAME / "1.2.0.yaml").rename(flat / "whatever.yaml")
    (flat / "compose.yaml").write_text(f"services: {{x: {NAME}}}\n")
    new = written(tmp_path / "new", "1.3.0", *NO_FAILED)

    assert check_changes(flat, [new]).exit_code == 1
    misfiled = tmp_path / "misfiled" / "a.b"
    misfiled.mkdir(parents=True)
    (flat / "whatever.yaml").rename(misfiled / "1.2.0.yaml")
    assert check_changes(misfiled.parent, [new]).exit_code == 1


def test_version_in_service_whose_file_is_gone_is_refused(tmp_path: Path, old: Path) -> None:
    written(old, "1.0.0", name="billing.refund.noticed")
    new = tmp_path / "new"
    written(new, "1.2.0")

    report = check_changes(old, [new])

    assert report.exit_code == 1
    assert "billing.refund.noticed 1.0.0 is in service and its file is gone" in str(report.entries)


def test_drafts_and_retired_versions_are_compared_with_only_if_there_is_nothing_else(
    tmp_path: Path, old: Path
) -> None:
    new = written(tmp_path / "new", "1.2.0", *NO_FAILED)
    file = old / "billing" / NAME / "1.2.0.yaml"
    text = file.read_text()
    file.write_text(text.replace("status: active", "status: retired"))
    assert check_changes(old, [new]).exit_code == 0
    file.write_text(text.replace("status: active", "status: draft"))
    (entry,) = check_changes(old, [new]).entries
    assert entry.outcome == "refused"
    assert not any("too low" in reason for reason in entry.reasons)


@pytest.mark.parametrize(
    ("new", "direction", "code"),
    [
        ({"type": "integer"}, "backward", 1),
        ({"type": ["string", "null"]}, "backward", 0),
        ({"type": ["string", "null"]}, "forward", 1),
        ({"type": "strin"}, "backward", 1),
        ({"type": "string", "pattern": "(?=a)b"}, "backward", 1),
        ({"meshline": "flow/v1"}, "backward", 2),
    ],
)
def test_two_bare_schemas(tmp_path: Path, new: object, direction: str, code: int) -> None:
    before, after = tmp_path / "old.json", tmp_path / "new.json"
    before.write_text('{"type": "string"}')
    after.write_text(json.dumps(new))

    report = check_changes(before, [after], direction=direction)  # type: ignore[arg-type]

    assert report.exit_code == code, report.as_json()
    assert check_changes(before, [after, before]).exit_code == 2


def test_every_format_tells_rule_path_payload_and_least_version(tmp_path: Path, old: Path) -> None:
    new = written(tmp_path / "new", "1.3.0", *NO_FAILED)
    report = check_changes(old, [new])
    told = {form: rendered(report, form) for form in FORMATS}

    for text in told.values():
        assert "enum-value-removed" in text
        assert "/data/status" in text
        assert "2.0.0" in text
        assert "billing_id" in text  # the counterexample's payload
    value = json.loads(told["json"])
    assert value["exit_code"] == 1
    assert value["entries"][0]["comparisons"][0]["counterexample"]["accepted_by"] == "old"
    suite = ElementTree.fromstring(told["junit"])  # noqa: S314 our own
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "1", "0")
    lines = told["annotations"].splitlines()
    assert all(re.match(r"::error file=[^,:]+,line=\d+,title=[^:]+::.", one) for one in lines)
    line = int(re.findall(r"line=(\d+),title=enum", told["annotations"])[0])
    assert "status: {enum" in new.read_text().splitlines()[line - 1]


def test_consumer_that_would_be_hurt_is_named_with_its_payload(tmp_path: Path, old: Path) -> None:
    edits = (*BACKWARD, (f"{STATUS}  ", f"{STATUS}  ".replace("failed]", "failed, reversed]")))
    report = check_changes(old, [written(tmp_path / "new", "1.3.0", *edits)])

    text = rendered(report, "text")
    assert report.exit_code == 1
    assert "hurt: helpdesk (support-ops)" in text
    assert '"reversed"' in text


def test_undecided_is_an_error_in_junit_and_in_annotations(tmp_path: Path, old: Path) -> None:
    written(old, "1.1.0", ("title: Refund", "titel: Refund"))
    report = check_changes(old, [written(tmp_path / "new", "1.3.0", *ONE_MORE)])

    suite = ElementTree.fromstring(rendered(report, "junit"))  # noqa: S314 our own
    assert (suite.get("errors"), suite.get("failures"), suite.get("skipped")) == ("1", "0", "0")
    assert rendered(report, "annotations").startswith("::error ")


def test_names_cannot_write_annotations_of_their_own(tmp_path: Path, old: Path) -> None:
    edits = ((STATUS, "status: {enum: [pending, succeeded]}"),)
    new = written(tmp_path / "n,e%w", "1.3.0", *edits)
    new.write_text(new.read_text().replace("status: failed", 'status: "a\\n::error::b"'))

    lines = rendered(check_changes(old, [new]), "annotations").splitlines()

    assert all(one.startswith("::error file=") and "n%2Ce%25w" in one for one in lines)
