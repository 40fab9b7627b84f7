"""The pytest plugin in somebody else's project: payloads checked, reasons told, nothing loaded."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from tests.local.plugin_runs import NAME, ROOT, given_project
from tests.rules.test_change_check import PILOT

GOOD = f"""
def test_good(meshline_contract):
    contract = meshline_contract("{NAME}", "1.2.0")
    example = contract.examples[0]
    assert contract.accepts(example.payload)
    assert contract.check(example.payload) is example.payload
"""


def test_payload_that_does_not_fit_is_told_with_path_rule_sentence_and_line(tmp_path: Path) -> None:
    project = given_project(
        tmp_path,
        f"""
def test_bad(meshline_contract):
    contract = meshline_contract("{NAME}", "1.2.0")
    payload = contract.examples[0].payload
    payload["data"]["amount"]["currency"] = "eur"
    del payload["id"]
    contract.accepts(payload)
""",
    )

    session = project.run()

    assert session.code == 1, session.out
    assert f"{NAME} 1.2.0 refuses this payload at 2 places:" in session.out
    assert "/data/amount/currency  pattern  " in session.out
    assert "(the whole)  required  " in session.out
    file = PILOT / "billing" / NAME / "1.2.0.yaml"
    named = {int(line) for line in re.findall(rf"{re.escape(str(file))}:(\d+)", session.out)}
    lines = file.read_text().splitlines()
    assert any("currency: {type: string" in lines[number - 1] for number in named), session.out


def test_good_payload_passes_and_bytes_are_read_as_json(tmp_path: Path) -> None:
    project = given_project(
        tmp_path,
        GOOD
        + f"""
import json, pytest

def test_bytes(meshline_contract):
    contract = meshline_contract("{NAME}", "^1")
    raw = json.dumps(contract.examples[0].payload).encode()
    assert contract.check(raw) is raw
    with pytest.raises(AssertionError, match="json"):
        contract.accepts(b'{{"id": 1, "id": 2}}')
    assert [one.path for one in contract.violations(contract.invalid_examples[0].payload)]
""",
    )

    session = project.run()

    assert session.code == 0, session.out


def test_consumer_is_asked_whether_it_gets_what_it_expects(tmp_path: Path) -> None:
    project = given_project(
        tmp_path,
        f"""
import pytest

def test_holds(meshline_contract):
    expected = meshline_contract("{NAME}").expected_by("helpdesk")
    payload = meshline_contract("{NAME}").examples[0].payload
    assert expected.schemas
    assert expected.holds()
    assert expected.accepts(payload)
    payload["data"]["status"] = "reversed"
    with pytest.raises(AssertionError, match="helpdesk, a consumer of .* does not expect"):
        expected.accepts(payload)

def test_own_system(meshline_contract):
    assert meshline_contract("{NAME}").expected_by().holds()

def test_nobody(meshline_contract):
    meshline_contract("{NAME}").expected_by("nobody")
""",
        ini="meshline_system = bi\n",
    )

    session = project.run()

    assert "1 failed, 2 passed" in session.out, session.out
    assert "knows no consumer nobody. Its consumers: helpdesk, bi." in session.out


def test_consumer_that_would_get_what_it_does_not_expect_is_shown_the_payload(
    tmp_path: Path,
) -> None:
    text = (PILOT / "billing" / NAME / "1.2.0.yaml").read_text()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "refund.yaml").write_text(
        text.replace("expects: {fields", "expects: {schema: {required: [nothing]}, fields")
    )
    project = given_project(
        tmp_path,
        f"""
def test_holds(meshline_contract):
    meshline_contract("{NAME}", "1.2.0").expected_by("bi").holds()
""",
        ini="meshline_contracts = own\n",
    )

    session = project.run(contracts=False)

    assert session.code == 1
    assert "bi would get payloads that it does not expect" in session.out, session.out
    assert "payload: {" in session.out
    assert "own/refund.yaml:" in session.out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (f'"{NAME}", "9.9.9"', f"There is no contract {NAME} 9.9.9 below"),
        ('"no.such"', "there is none of it"),
        (f'"{NAME}", "latest"', "is not a version range"),
    ],
)
def test_contract_that_is_not_there_fails_the_test_in_one_sentence(
    tmp_path: Path, asked: str, said: str
) -> None:
    project = given_project(
        tmp_path, f"def test_it(meshline_contract):\n    meshline_contract({asked})\n"
    )

    session = project.run()

    assert session.code == 1
    assert said in session.out
    assert "During handling" not in session.out


def test_without_folder_and_registry_it_is_said_what_to_give(tmp_path: Path) -> None:
    project = given_project(tmp_path, GOOD)

    session = project.run(contracts=False)

    assert session.code == 1
    assert "Give --meshline-contracts FOLDER or" in session.out


@pytest.mark.parametrize(
    ("words", "key", "said"),
    [
        ((), "msh_x", "needs the registry's address: give --meshline-registry"),
        (("--meshline-registry=http://localhost:1", "--meshline-system=bi"), "msh_x", "version"),
        (
            ("--meshline-registry=http://localhost:1", "--meshline-system=bi",
             "--meshline-version=7"), "", "needs an API key",
        ),
    ],
)  # fmt: skip
def test_registering_without_knowing_whom_and_where_is_a_usage_error(
    tmp_path: Path, words: tuple[str, ...], key: str, said: str
) -> None:
    session = given_project(tmp_path, GOOD).run("--meshline-register", *words, MESHLINE_API_KEY=key)

    assert session.code == 4
    assert said in session.out


UNUSED = """
import sys

def test_nothing():
    heavy = {"django", "rest_framework", "celery", "httpx", "ruamel", "jsonschema_rs"}
    assert not heavy & sys.modules.keys()
    assert not {name for name in sys.modules if name.startswith(("contracts_app", "runbooks"))}
"""
# What an install without the server's dependencies has not got.
LIGHT = """
import sys

AWAY = {"django", "rest_framework", "celery", "psycopg", "redis", "cel_expr_python", "cryptography",
        "argon2", "granian", "jsonschema", "structlog", "whitenoise", "orchestration"}

class Away:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in AWAY:
            raise ModuleNotFoundError(f"{name} is not installed here")

sys.meta_path.insert(0, Away())
"""


def test_session_that_asks_for_no_contract_loads_nothing(tmp_path: Path) -> None:
    session = given_project(tmp_path, UNUSED).run()
    assert session.code == 0, session.out


def test_light_install_is_enough(tmp_path: Path) -> None:
    project = given_project(tmp_path, GOOD)
    project.write("conftest.py", LIGHT)

    session = project.run()

    assert session.code == 0, session.out


def test_installing_meshline_gives_the_plugin_to_pytest() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (named,) = told["project"]["entry-points"]["pytest11"].values()

    assert import_module(named).pytest_addoption
