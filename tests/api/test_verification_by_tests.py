"""Tests of a producer or consumer register what they found out: once, and only what is true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts_app.models import AuditEntry, Verification
from contracts_app.queries import clock
from contracts_app.services import publishing
from tests.api.web import running_web
from tests.local.plugin_runs import NAME, Project, Session, given_project
from tests.rules.test_change_check import REFUND

pytestmark = pytest.mark.django_db(transaction=True)
Keys = Callable[..., str]
Run = Callable[..., Session]

TESTS = f"""
import os, pytest

def test_one(meshline_contract):
    assert meshline_contract("{NAME}", "^1").examples

@pytest.mark.parametrize("number", range(4))
def test_many(meshline_contract, number):
    contract = meshline_contract("{NAME}", "1.2.0")
    payload = contract.examples[0].payload
    if number == 3 and os.environ.get("BREAK"):
        payload["data"]["status"] = "gone"
    contract.accepts(payload)

def test_other():
    if os.environ.get("STOP"):
        raise KeyboardInterrupt
"""
TAKEN_ONLY = f"""
def test_only_taken(meshline_contract):
    meshline_contract("{NAME}", "1.2.0")
"""


@pytest.fixture
def address(process_environment: dict[str, str]) -> Iterator[str]:
    publishing.install(text=REFUND, now=clock.now())
    with running_web(process_environment) as web:
        yield f"http://localhost:{web.port}"


@pytest.fixture
def run(tmp_path: Path, address: str, key: Keys) -> Run:
    """Run a project's tests against the registry, and register."""
    token = key("contracts:read", "contracts:verify")

    def session(*words: str, tests: str = TESTS, **more: str) -> Session:
        project = given_project(
            tmp_path, tests, ini=f"meshline_registry = {address}\nmeshline_system = bi\n"
        )
        told = {"contracts": False, "MESHLINE_API_KEY": token, **more}
        return project.run("--meshline-register", "--meshline-version=7", *words, **told)  # type: ignore[arg-type]

    return session


def stored() -> list[tuple[str, str, str, str, bool]]:
    """What the registry was told."""
    rows = Verification.objects.order_by("id").select_related("version__contract")
    return [
        (r.version.contract.name, r.version.version, r.system, r.system_version, r.passed)
        for r in rows
    ]


def test_session_registers_each_contract_version_once_with_and_without_workers(run: Run) -> None:
    plain = run()
    spread = run("-p", "xdist", "-n", "2")

    for session in (plain, spread):
        assert session.code == 0, session.out
        assert "registered: bi 7 passed. 5 tests passed." in session.out
    assert stored() == [(NAME, "1.2.0", "bi", "7", True)] * 2
    assert AuditEntry.objects.filter(action="contract.verify").count() == 2


def test_one_failing_test_fails_the_contract_and_is_named(run: Run) -> None:
    for words in ((), ("-p", "xdist", "-n", "2")):
        assert run(*words, BREAK="1").code == 1

    assert stored() == [(NAME, "1.2.0", "bi", "7", False)] * 2
    assert (
        "1 of 5 tests failed: test_contracts.py::test_many[3]"
        in Verification.objects.all()[0].details
    )


def test_test_that_is_expected_to_fail_is_no_pass(run: Run) -> None:
    expected = TESTS.replace(
        "@pytest.mark.parametrize", "@pytest.mark.xfail\n@pytest.mark.parametrize"
    )

    assert run(tests=expected, BREAK="1").code == 0
    assert stored() == [(NAME, "1.2.0", "bi", "7", False)]


@pytest.mark.parametrize(
    ("words", "more", "code", "said"),
    [
        (("-k", "nothing_of_it"), {}, 5, "Nothing is registered"),
        (("-k", "test_one or test_other"), {}, 0, "were deselected"),
        ((), {"STOP": "1"}, 2, "Nothing is registered"),
        (("--collect-only",), {}, 0, "Nothing is registered"),
        ((), {"tests": TAKEN_ONLY}, 0, "Nothing is registered"),
        (
            ("-p", "xdist", "-n", "2", "-k", "test_one or test_other"), {}, 0, "were deselected",
        ),
        (
            ("--continue-on-collection-errors", "."), {"extra": "import nothing_there"}, 1,
            "could not be collected",
        ),
    ],
)  # fmt: skip
def test_what_was_not_wholly_tested_is_not_registered(
    run: Run, tmp_path: Path, words: tuple[str, ...], more: dict[str, str], code: int, said: str
) -> None:
    if "extra" in more:
        (tmp_path / "test_extra.py").write_text(more["extra"])
        more = {}
    session = run(*words, **more)

    assert (session.code, stored()) == (code, []), session.out
    assert said in session.out


def test_other_text_than_the_published_one_is_not_registered_as_it(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "refund.yaml").write_text(REFUND.replace("title: Refund", "title: My refund", 1))

    changed = run("--meshline-contracts=own")
    unknown = run(
        "--meshline-contracts=own", "--meshline-unregistered=fail",
        tests=TESTS.replace('"1.2.0"', '"1.3.0"'),
    )  # fmt: skip
    (folder / "refund.yaml").write_text(REFUND)
    same = run("--meshline-contracts=own")

    assert (changed.code, same.code, unknown.code) == (0, 0, 1)
    assert "It was tested by another text than the one published" in changed.out
    assert "There is no contract" in unknown.out
    assert stored() == [(NAME, "1.2.0", "bi", "7", True)]


def test_registry_that_cannot_be_asked_is_a_warning_or_a_failure(
    run: Run, key: Keys, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "refund.yaml").write_text(REFUND)
    away = ("--meshline-contracts=own", "--meshline-registry=http://127.0.0.1:1")

    warned = run(*away)
    failed = run(*away, "--meshline-unregistered=fail")
    refused = run("--meshline-contracts=own", MESHLINE_API_KEY=key("contracts:read"))

    assert (warned.code, failed.code, refused.code) == (0, 1, 0)
    for session in (warned, failed):
        assert "not registered. The registry at http://127.0.0.1:1 cannot be reached" in session.out
    assert "contracts:verify" in refused.out
    assert "msh_" not in refused.out
    assert stored() == []


def test_without_the_option_nothing_is_registered(tmp_path: Path, address: str, key: Keys) -> None:
    project: Project = given_project(
        tmp_path, TESTS, ini=f"meshline_registry = {address}\nmeshline_system = bi\n"
    )
    token = key("contracts:read", "contracts:verify")
    session = project.run(contracts=False, MESHLINE_API_KEY=token)

    assert session.code == 0, session.out
    assert stored() == []
