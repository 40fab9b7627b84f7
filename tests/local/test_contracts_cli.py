"""`meshline contracts export` and `import`: files in, files out, and an honest exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts_app.rules.contract_spec import parse_contract
from meshline.cli import main
from meshline.core.yaml12 import load
from tests.rules.standard_contracts import BARE, PILOT

REFUND = next(path for path in PILOT if path.parent.name == "billing.refund.completed")
FOREIGN = "{apiVersion: v3.1.0, kind: DataContract, id: orders, status: active, version: 1.0.0}"


def run(*arguments: object) -> int:
    return main(["contracts", *map(str, arguments)])


def test_contract_goes_out_as_odcs_and_comes_back(tmp_path: Path) -> None:
    assert run("export", REFUND, "--to", "odcs", "--out", tmp_path / "odcs") == 0
    [written] = (tmp_path / "odcs").iterdir()
    assert written.name == "billing.refund.completed-1.2.0.odcs.yaml"

    assert run("import", written, "--out", tmp_path / "back") == 0
    [back] = (tmp_path / "back").iterdir()
    digest = parse_contract(load(REFUND.read_bytes())).digest
    assert parse_contract(load(back.read_bytes())).digest == digest


def test_every_pilot_contract_is_written_in_every_standard(tmp_path: Path) -> None:
    for standard in ("odcs", "asyncapi", "jsonschema"):
        assert run("export", *PILOT, "--to", standard, "--out", tmp_path) == 0

    assert len(list(tmp_path.iterdir())) == 3 * len(PILOT)


def test_one_file_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", REFUND, "--to", "jsonschema", "--dialect", "draft-07") == 0

    assert "draft-07" in json.loads(capsys.readouterr().out)["$schema"]


@pytest.mark.parametrize(
    ("verb", "text", "code", "words"),
    [
        (("import",), FOREIGN, 1, "lacks owners"),
        (("import",), FOREIGN.replace("orders", "../../orders"), 1, "lacks owners"),
        (("import",), BARE, 2, "no ODCS document"),
        (("import",), "a: [", 2, "not YAML"),
        (("export", "--to", "odcs"), BARE.replace("class: low", "class: mild"), 1, "mild"),
        (("export", "--to", "odcs"), "a: [", 2, "not YAML"),
        (("export", "--to", "odcs", "--dialect", "2020-12"), BARE, 2, "--to jsonschema only"),
    ],
)
def test_what_is_wrong_is_told_and_coded(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    verb: tuple[str, ...],
    text: str,
    code: int,
    words: str,
) -> None:
    file = tmp_path / "given.yaml"
    file.write_text(text, encoding="utf-8")

    assert run(*verb, file, "--out", tmp_path / "out" / "deep") == code

    assert words in capsys.readouterr().err
    made = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.parts[0] for path in made} <= {"given.yaml", "out"}


def test_foreign_file_leaves_a_draft_to_be_completed(tmp_path: Path) -> None:
    file = tmp_path / "foreign.yaml"
    file.write_text(FOREIGN, encoding="utf-8")

    assert run("import", file, "--out", tmp_path / "out") == 1

    assert "status: draft" in (tmp_path / "out/imported.orders-1.0.0.yaml").read_text("utf-8")


def test_usage_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", REFUND, REFUND, "--to", "odcs") == 2
    assert "--out" in capsys.readouterr().err
    assert run("import", tmp_path / "none.yaml") == 2
    assert "cannot be read" in capsys.readouterr().err
