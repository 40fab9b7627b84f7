"""`meshline check`: files and folders together, one line a finding, an exit code for scripts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from meshline.core import yaml12
from runbooks.rules.document_check import check_documents, check_files
from tests.rules.flow_texts import fixtures

SAMPLES = (
    "source-billing.yaml",
    "contract-billing.refund.completed-1.2.0.yaml",
    "flow-refund-completion.yaml",
    "runbook-refund-callback.yaml",
)
POLICY = """\
meshline: sla-policy/v1
name: standard
version: 1
calendar: always
contract: billing.refund.completed
metrics:
  - name: confirmed
    target: PT30M
    start: {contract: billing.refund.completed, when: "event.data.status == 'pending'"}
    stop:
      - {contract: billing.refund.completed, when: "event.data.status == 'succeeded'"}
      - {effect: helpdesk.transition_ticket, when: "event.data.to == 'solved'"}
    escalate: {rota: nobody}
"""
CALENDAR = "meshline: calendar/v1\nname: always\nversion: 1\nzone: UTC\nalways: true\n"


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A folder with the four samples, to be changed."""
    for name in SAMPLES:
        (tmp_path / name).write_bytes((fixtures() / name).read_bytes())
    return tmp_path


def change(folder: Path, name: str, old: str, new: str) -> None:
    """Change one sample."""
    path = folder / next(sample for sample in SAMPLES if sample.startswith(name))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_four_samples_pass_together_and_strange_names_are_notes() -> None:
    code, lines = check_files([fixtures() / name for name in SAMPLES])

    *notes, summary = lines
    assert code == 0
    assert summary == "1 source, 1 contract, 1 flow, 1 runbook: fine."
    assert all(": note: " in line for line in notes)
    assert any("support.refund.requested" in line for line in notes)
    assert any("refund-refused" in line for line in notes)


def test_the_samples_alone_are_no_closed_world() -> None:
    code, lines = check_files([fixtures() / name for name in SAMPLES], closed=True)

    assert code == 1
    assert any("'support.refund.requested' is not known" in line for line in lines)


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        (
            "flow",
            "awaited.data.status != 'pending'",
            "awaited.data.state != 'pending'",
            "awaited.data.state",
        ),
        (
            "flow",
            "contract: billing.refund.completed",
            "contract: billing.unknown",
            "billing.unknown",
        ),
        ("flow", "billing.get_refund", "billing.get_refunds", "get_refunds"),
        ("flow", "{runbook: refund-callback-failed}", "{runbook: nobody}", "nobody"),
        ("flow", "        times: 2\n", "", "no bound"),
        ("source", 'reference: "=', 'referenze: "=', "referenze"),
        (
            "contract",
            "event.data.status == 'pending'",
            "event.data.stat == 'pending'",
            "event.data.stat",
        ),
        ("runbook", "next: billing\n", "next: nowhere\n", "nowhere"),
        ("runbook", "with: {step: refund} ", "with: {step: refundd} ", "Write refund."),
        ("runbook", "with: {step: billing_ack,", "with: {step: nope,", "a step 'nope'"),
    ],
)
def test_one_mistake_in_one_file_is_refused_by_file_and_line(
    world: Path, name: str, old: str, new: str, told: str
) -> None:
    change(world, name, old, new)

    code, lines = check_files([world])

    refused = [line for line in lines if ": note: " not in line][:-1]
    assert code == 1
    assert any(told in line for line in refused)
    assert all(re.match(rf"{re.escape(str(world))}/\S+\.yaml:\d+: [^ ].*[.?]$", r) for r in refused)
    assert "refused at" in lines[-1]


def test_a_refused_contract_is_told_once_and_not_again_by_all_who_refer_to_it(world: Path) -> None:
    change(world, "contract", "title: Refund completed acknowledgement\n", "")

    code, lines = check_files([world])

    assert code == 1
    assert [line for line in lines[:-1] if ": note: " not in line] == [
        line for line in lines if "contract-billing" in line and ": note: " not in line
    ]


def test_what_cannot_be_read_ends_with_code_2(tmp_path: Path) -> None:
    broken, latin, none = tmp_path / "broken.yaml", tmp_path / "latin.yaml", tmp_path / "none.yaml"
    broken.write_text("meshline: flow/v1\nname: [unclosed\n")
    latin.write_bytes(b"meshline: flow/v1\nname: caf\xe9\n")
    none.write_text("")

    for path, told in ((broken, ":3: "), (latin, ":2: "), (none, "no document")):
        code, lines = check_files([path])
        assert code == 2
        assert told in lines[0]
    assert check_files([tmp_path / "missing.yaml"])[0] == 2
    assert check_files([])[0] == 2


def test_a_folder_is_read_whole_and_what_is_not_ours_in_it_is_left_alone(world: Path) -> None:
    (world / "deeper").mkdir()
    (world / "deeper" / "calendar.yml").write_text(CALENDAR)
    (world / "compose.yaml").write_text("services: {web: {}}\n")
    (world / ".hidden.yaml").write_text("meshline: [broken\n")
    (world / "notes.txt").write_text("meshline: flow/v1\n")

    code, lines = check_files([world])

    assert code == 0
    assert "1 calendar" in lines[-1]
    assert "other" not in lines[-1]


def test_a_file_that_is_named_must_say_what_it_is(tmp_path: Path) -> None:
    stray = tmp_path / "stray.yaml"
    for text, told in (("a: 1\n", "does not say what it is"), ("meshline: flow/v9\n", "'flow/v9'")):
        stray.write_text(text)
        code, lines = check_files([stray])
        assert code == 1
        assert told in lines[0]


def test_json_documents_and_several_in_one_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        '{"meshline": "calendar/v1", "name": "one", "zone": "UTC", "always": true}'
    )
    other = CALENDAR.replace("name: always", "name: other")
    (tmp_path / "b.yaml").write_text(f"{CALENDAR}---\n{other}")

    code, lines = check_files([tmp_path])

    assert (code, lines[-1]) == (0, "3 calendars: fine.")


def test_the_same_document_twice_is_refused(world: Path) -> None:
    (world / "copy.yaml").write_bytes((world / SAMPLES[2]).read_bytes())

    code, lines = check_files([world])

    assert code == 1
    assert any("stands in" in line and "version 3" in line for line in lines)
    assert check_files([world / SAMPLES[2], world / SAMPLES[2]])[0] == 0  # one file, named twice


def test_a_policy_is_checked_against_its_calendar_contracts_and_rotas(world: Path) -> None:
    (world / "policy.yaml").write_text(POLICY)
    (world / "calendar.yaml").write_text(CALENDAR)

    assert check_files([world])[0] == 0
    (world / "policy.yaml").write_text(POLICY.replace("event.data.to ==", "event.data.too =="))
    code, lines = check_files([world])
    assert code == 1
    assert any("policy.yaml:12:" in line and "event.data.too" in line for line in lines)
    (world / "policy.yaml").write_text(POLICY.replace("calendar: always", "calendar: never"))
    assert any("calendar 'never'" in line for line in check_files([world])[1])


def test_in_a_closed_world_systems_and_rotas_must_be_there(world: Path) -> None:
    (world / "policy.yaml").write_text(POLICY)

    _, lines = check_files([world], closed=True)

    told = "\n".join(lines)
    for name in ("system 'billing'", "calendar 'always'", "rota 'nobody'"):
        assert f"The {name} is not known" in told


def test_documents_at_hand_are_checked_like_files() -> None:
    documents = [yaml12.load(CALENDAR, name="a"), yaml12.load(CALENDAR.replace("UTC", "Mars"))]

    report = check_documents(documents)

    assert report.exit_code == 1
    assert {one.document.name for one in report.judged} == {"document"}
