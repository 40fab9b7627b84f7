"""Loading the pilot: everything in one go, nothing twice, changes as new versions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import management
from django.core.management.base import CommandError

from contracts_app.models import Contract, ContractVersion, InventoryFlow, Owner, Source, System
from contracts_app.queries import clock, registry
from contracts_app.queries.inventory import entries
from contracts_app.queries.people import owned_contracts, roles_of
from contracts_app.rules.inventory.pilot_proposal import propose
from contracts_app.services import sources
from meshline.core import yaml12
from orchestration.models import FlowVersion
from orchestration.queries.documents import flow_spec, published_flow, source_spec
from orchestration.rules.flow_parse import parse_flow
from orchestration.rules.flow_spec import FlowSpec
from runbooks.models import RunbookVersion
from tests.builders import PILOT

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_files_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MESHLINE_PILOT_SECRETS", "MESHLINE_PILOT_LOGINS"):
        monkeypatch.delenv(name, raising=False)


Load = Callable[..., Any]


@pytest.fixture
def load(capsys: pytest.CaptureFixture[str]) -> Load:
    """Return a function that runs the command and reads what it printed."""

    def run(*arguments: str) -> Any:
        management.call_command("pilot_load", *arguments)
        return json.loads(capsys.readouterr().out)

    return run


def test_pilot_loads_whole_twice_and_the_second_time_changes_nothing(load: Load) -> None:
    first = load("--users")
    again = load("--users")

    files = [path for path in PILOT.rglob("*.yaml") if path.name != "people.yaml"]
    files.append(PILOT / "inventory.csv")
    assert first["changed"] == len(first["documents"]) == len(files)
    assert again["changed"] == 0
    assert again["secrets"] == {}
    assert {user["password"] for user in again["users"]} == {None}
    for name in Contract.objects.values_list("name", flat=True):
        assert registry.spec_of(registry.published_version(name)).name == name
    for flow in FlowVersion.objects.filter(state="published"):
        assert flow_spec(flow).name == flow.name
    for source in Source.objects.all():
        assert source_spec(source).name == source.name
        live = sources.secrets_of(source, clock.now())
        assert len(live) == (source.scheme not in sources.WITHOUT_SECRET)
    assert set(System.objects.values_list("name", flat=True)) >= {"billing", "helpdesk", "shop"}

    lena = User.objects.get(username="lena")
    login = next(user for user in first["users"] if user["username"] == "lena")
    assert lena.check_password(login["password"])
    assert roles_of(lena) == {"contract_owner"}
    assert "billing.refund.completed" in owned_contracts(lena)


def test_inventory_is_filled_once_whole_and_then_left_to_people(load: Load) -> None:
    load("--users")
    rows = (PILOT / "inventory.csv").read_text().splitlines()[1:]
    assert InventoryFlow.objects.count() == len(rows)
    proposal = propose(entries())
    assert proposal.complete
    assert (
        Contract.objects.filter(name__in=[one.entry.name for one in proposal.chosen]).count() == 3
    )
    InventoryFlow.objects.exclude(name="shop.cart.updated").delete()

    load("--users")

    assert InventoryFlow.objects.count() == 1


def test_demo_pace_makes_minutes_seconds_and_keeps_the_steps(load: Load) -> None:
    load("--pace", "demo")

    spec = flow_spec(published_flow("refund-completion"))
    real = flow_spec_of_file("refund-completion")
    assert spec.deadline < real.deadline / 50
    assert [step.id for step in spec.steps] == [step.id for step in real.steps]


def test_changed_file_becomes_the_next_version_and_nothing_else_moves(
    load: Load, tmp_path: Path
) -> None:
    folder = tmp_path / "a pilot"
    shutil.copytree(PILOT, folder)
    load("--folder", str(folder))
    flow = folder / "flows" / "refund-completion.yaml"
    flow.write_text(flow.read_text().replace("deadline: PT4H", "deadline: PT5H"))
    (contract,) = folder.glob("contracts/shop/shop.cart.updated/*.yaml")
    contract.write_text(contract.read_text().replace("title: ", "title: Newer ", 1))

    report = load("--folder", str(folder))

    changed = {(d["kind"], d["name"], d["version"]) for d in report["documents"] if d["changed"]}
    numbers = FlowVersion.objects.filter(name="refund-completion").order_by("number")
    assert [row.state for row in numbers] == ["retired", "published"]
    assert changed == {
        ("flow", "refund-completion", str(numbers[1].number)),
        ("contract", "shop.cart.updated", "1.0.1"),
    }


def test_given_secrets_and_logins_are_used_and_missing_secrets_are_added_to_the_file(
    load: Load, tmp_path: Path
) -> None:
    secrets, logins = tmp_path / "secrets.json", tmp_path / "logins.json"
    secrets.write_text(json.dumps({"billing": "whsec_from_the_sandbox", "api_token": "x" * 20}))
    logins.write_text(
        json.dumps(
            [
                {
                    "username": "lena",
                    "password": "lena-has-a-pass-phrase",
                    "role": "contract_owner",
                    "name": "Lena Moritz",
                }
            ]
        )
    )

    load("--secrets", str(secrets), "--logins", str(logins))

    written = json.loads(secrets.read_text())
    assert written["api_token"] == "x" * 20
    for name in ("billing", "helpdesk", "shop", "pager"):
        assert sources.secrets_of(registry.source_named(name), clock.now()) == [written[name]]
    assert list(User.objects.values_list("username", flat=True)) == ["lena"]
    assert User.objects.get().check_password("lena-has-a-pass-phrase")
    assert Owner.objects.get(name="payments-contracts").person == User.objects.get()

    written["billing"] = "whsec_another_sandbox"
    secrets.write_text(json.dumps(written))
    load("--secrets", str(secrets), "--logins", str(logins))
    billing = registry.source_named("billing")
    assert sources.secrets_of(billing, clock.now()) == ["whsec_another_sandbox"]


def test_only_secrets_made_in_this_run_are_printed(load: Load) -> None:
    load()
    source = registry.source_named("shop")
    (secret,) = sources.secrets_of(source, clock.now())
    Source.objects.filter(pk=source.pk).update(digest="another text's")

    again = load()

    assert [d["name"] for d in again["documents"] if d["changed"]] == ["shop"]
    assert again["secrets"] == {}
    assert sources.secrets_of(source, clock.now()) == [secret]


def test_a_person_who_was_there_keeps_the_password_they_chose(load: Load, tmp_path: Path) -> None:
    logins = tmp_path / "logins.json"
    lena = {"username": "lena", "password": "printed-by-the-demo", "role": "contract_owner"}
    logins.write_text(json.dumps([{**lena, "name": "Lena Moritz"}]))
    (made,) = load("--logins", str(logins))["users"]
    (again,) = load("--logins", str(logins))["users"]
    assert made["password"] == again["password"] == "printed-by-the-demo"

    user = User.objects.get(username="lena")
    user.set_password("chosen-by-lena-herself")
    user.save()
    (later,) = load("--logins", str(logins))["users"]

    assert later["password"] is None
    assert User.objects.get(username="lena").check_password("chosen-by-lena-herself")


def test_broken_file_is_named_with_its_line_and_nothing_is_loaded(
    load: Load, tmp_path: Path
) -> None:
    folder = tmp_path / "pilot"
    shutil.copytree(PILOT, folder)
    runbook = folder / "runbooks" / "run-failed.yaml"
    runbook.write_text(runbook.read_text().replace("start: ", "begin: ", 1))

    with pytest.raises(CommandError, match=r"runbooks/run-failed\.yaml") as refused:
        load("--folder", str(folder))

    assert "line " in str(refused.value)
    assert not ContractVersion.objects.exists()
    assert not RunbookVersion.objects.exists()


def flow_spec_of_file(name: str) -> FlowSpec:
    return parse_flow(yaml12.load((PILOT / "flows" / f"{name}.yaml").read_bytes()))
