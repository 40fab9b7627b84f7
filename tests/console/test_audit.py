"""The audit log: filters, pages by key, one entry opened, the file, and who sees what."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contracts_app.models import AuditEntry, Contract, Owner, Ownership
from contracts_app.queries import clock
from contracts_app.services import audit
from meshline.console.export import cell
from tests.console.builders import given_reader

pytestmark = pytest.mark.django_db


def browser(role: str = "auditor", name: str = "Ines Falk") -> Client:
    client = Client()
    client.force_login(given_reader(role, name))
    return client


def given_entry(action: str = "flow.replay", *, ago: int = 0, **more: Any) -> AuditEntry:
    """An entry of so many seconds ago."""
    values: dict[str, Any] = {"actor": "engine", "object_type": "run", "object_id": "r1"} | more
    return audit.record(action=action, now=clock.now() - timedelta(seconds=ago), **values)


def shown(client: Client, **filters: Any) -> str:
    return client.get(reverse("console:audit"), filters).content.decode()


def rows(page: str) -> int:
    return page.count('<tr id="entry-')


def test_empty_log_says_so() -> None:
    assert "No entry yet" in shown(browser())


def test_entry_tells_time_person_action_ticket_and_reason() -> None:
    given_reader("ops_lead", "Tomás Oliveira")
    given_entry(
        actor="tomás", ticket="desk:4812", contract="support.refund.requested",
        contract_version="1.0.0", reason="Billing is well again",
    )  # fmt: skip

    page = shown(browser())

    assert "Tomás Oliveira" in page
    assert "flow.replay" in page
    assert "desk:4812" in page
    assert "support.refund.requested 1.0.0" in page
    assert "Billing is well again" in page


@pytest.mark.parametrize(
    "wanted",
    [
        {"ticket": "desk:1"},
        {"contract": "billing.refund.completed"},
        {"actor": "lena"},
        {"action": "handoff.claim"},
        {"action": "handoff.*"},
        {"object": "H-7"},
        {"since": "1h"},
        {"q": "desk:1"},
        {"q": "1"},
        {"q": "H-7"},
        {"q": "lena"},
        {"q": "handoff"},
        {"q": "waits for us"},
    ],
)
def test_every_filter_in_the_address_finds_its_entry_and_no_other(wanted: dict[str, str]) -> None:
    given_entry(ticket="desk:2", actor="engine", ago=7200)
    given_entry(
        "handoff.claim", ticket="desk:1", contract="billing.refund.completed", actor="lena",
        object_type="handoff", object_id="H-7", reason="The customer waits for us", ago=60,
    )  # fmt: skip

    page = shown(browser(), **wanted)

    assert rows(page) == 1
    assert "handoff.claim" in page


def test_run_filter_takes_an_id_and_nothing_else() -> None:
    run_id = uuid4()
    given_entry(run_id=run_id)
    given_entry()
    client = browser()

    assert rows(shown(client, run=str(run_id))) == 1
    assert rows(shown(client, q=str(run_id))) == 1
    assert "No entry fits these filters" in shown(client, run="not-an-id")


def test_pages_follow_each_other_without_gap_or_count() -> None:
    for number in range(120):
        given_entry(object_id=f"r{number}", ago=300 - number)
    client = browser()

    with CaptureQueriesContext(connection) as queries:
        first = client.get(reverse("console:audit"))
    second = client.get(first.context["older_url"])
    third = client.get(second.context["older_url"])
    back = client.get(third.context["newer_url"])

    assert not any("COUNT" in query["sql"] and "auditentry" in query["sql"] for query in queries)
    found = [
        line.entry.object_id for page in (first, second, third) for line in page.context["lines"]
    ]
    assert found == [f"r{number}" for number in reversed(range(120))]
    assert third.context["older_url"] == ""
    assert back.context["lines"][0].entry == second.context["lines"][0].entry


def test_opened_entry_shows_digests_before_and_after() -> None:
    entry = given_entry("contract.edit", before="a" * 64, after="b" * 64, detail={"lines": 3})
    given_entry()

    page = shown(browser(), entry=str(entry.pk))

    assert f"sha256 {'a' * 64}" in page
    assert f"sha256 {'b' * 64}" in page
    assert str(entry.pk) in page
    assert rows(page) == 2


def test_entry_that_lies_far_back_opens_by_its_address() -> None:
    old = given_entry(object_id="far-back", ago=4000, before="c" * 64)
    for number in range(60):
        given_entry(ago=number)

    page = shown(browser(), entry=str(old.pk))

    assert f"sha256 {'c' * 64}" in page


def test_personal_data_in_a_reason_is_masked() -> None:
    given_entry(reason="Asked by maja@example.com")
    client = browser()

    assert "maja@example.com" not in shown(client)
    exported = client.get(reverse("console:audit-csv")).content.decode()
    assert "maja@example.com" not in exported


# --- Who sees what --------------------------------------------------------------------------
def test_agent_sees_only_their_own_actions() -> None:
    client = browser("support_agent", "Nadia Arslan")
    given_entry(actor="nadia", object_id="mine")
    others = given_entry(actor="tomas", object_id="theirs")

    page = shown(client)
    asked = shown(client, actor="tomas")
    by_address = shown(client, entry=str(others.pk))

    assert rows(page) == 1
    assert "theirs" not in page + asked + by_address
    assert "You see what you did yourself." in page


def test_contract_owner_sees_only_their_contracts() -> None:
    owner = given_reader("contract_owner", "Lena Moritz")
    given_owned(owner, "billing.refund.completed")
    given_entry(contract="billing.refund.completed", object_id="mine")
    given_entry(contract="shop.cart.updated", object_id="theirs")
    given_entry(object_id="nobody-s")
    client = Client()
    client.force_login(owner)

    page = shown(client)
    exported = client.get(reverse("console:audit-csv")).content.decode()

    assert rows(page) == 1
    assert "mine" in exported
    assert "theirs" not in exported + shown(client, contract="shop.cart.updated")


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("support_agent", 200), ("ops_lead", 200), ("contract_owner", 200), ("runtime_owner", 200),
        ("product_owner", 200), ("auditor", 200), ("admin", 200), ("manager", 403),
    ],
)  # fmt: skip
def test_log_and_file_open_to_the_roles_of_the_table(role: str, status: int) -> None:
    client = browser(role, "Somebody Else")

    assert client.get(reverse("console:audit")).status_code == status
    assert client.get(reverse("console:audit-csv")).status_code == status


def test_nobody_reads_the_log_without_signing_in() -> None:
    answer = Client().get(reverse("console:audit"))

    assert answer.status_code == 302
    assert "next=/audit/" in answer["Location"]


# --- The file -------------------------------------------------------------------------------
def test_file_holds_what_the_filters_leave() -> None:
    given_entry(ticket="desk:1", reason="First, with a comma")
    given_entry(ticket="desk:2")

    answer = browser().get(reverse("console:audit-csv"), {"ticket": "desk:1"})

    listed = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert answer["Content-Disposition"] == 'attachment; filename="audit-log.csv"'
    assert [row["ticket"] for row in listed] == ["desk:1"]
    assert listed[0]["reason"] == "First, with a comma"
    assert listed[0]["at"].endswith("Z")


def test_no_cell_of_the_file_is_a_formula() -> None:
    given_entry(reason='=HYPERLINK("http://evil.example","click")')

    text = browser().get(reverse("console:audit-csv")).content.decode()

    line = text.splitlines()[1]
    assert "\"'=HYPERLINK(" in line
    assert line.startswith('"')


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＠"])  # noqa: RUF001
def test_cell_that_a_spreadsheet_would_compute_is_text(start: str) -> None:
    assert cell(f"{start}1+1").startswith("'")


def test_ordinary_cells_stay_as_they_are() -> None:
    assert (cell("desk:1"), cell(None), cell(12), cell("a=b")) == ("desk:1", "", "12", "a=b")


def given_owned(user: User, contract: str) -> None:
    """A contract whose owner is this person."""
    owner = Owner.objects.create(name=f"owner-{contract.partition('.')[0]}", person=user)
    row = Contract.objects.create(name=contract)
    Ownership.objects.create(contract=row, role="contract", owner=owner)
