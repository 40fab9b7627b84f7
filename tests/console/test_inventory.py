"""The inventory's pages: found, read, added, edited, imported, proposed, by whoever may."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from contracts_app.models import AuditEntry, Contract, ContractVersion, InventoryFlow, Owner
from contracts_app.queries import clock
from contracts_app.rules.inventory.entry import entry_of
from contracts_app.services import inventory
from tests.console.builders import given_reader
from tests.services.people import given_person

pytestmark = pytest.mark.django_db
EDITORS = ("ops_lead", "contract_owner", "admin")
READERS = ("support_agent", "runtime_owner", "product_owner", "manager", "auditor")
QUIET = {"compliance": "no", "friction": "no", "analytics": "no"}
REFUND = {
    "name": "billing.refund.done", "title": "Refund done", "kind": "command",
    "producer": "billing", "consumers": "helpdesk bi", "owner": "payments",
    "service_level": "15 min", "manual_fallback": "refund-manual", "notes": "",
    "money": "yes", "service_level_breach": "yes", "frequency": "daily", **QUIET,
}  # fmt: skip


def browser(role: str = "ops_lead", name: str = "Tomas Body") -> Client:
    client = Client()
    client.force_login(given_reader(role, name))
    return client


def given_flow(name: str = "billing.refund.done", **cells: str) -> InventoryFlow:
    told = {**REFUND, "service_level": "PT15M", "name": name, **cells}
    return inventory.add_flow(entry=entry_of(told), now=clock.now())


def given_contract(name: str, *versions: tuple[str, str]) -> None:
    contract = Contract.objects.create(name=name)
    for number, state in versions:
        ContractVersion.objects.create(
            contract=contract, version=number, state=state, text="x", digest=number
        )


def page(client: Client, route: str = "inventory", *args: str, **query: str) -> str:
    answer = client.get(reverse(f"console:{route}", args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def sent(client: Client, text: str) -> Any:
    file = SimpleUploadedFile("flows.csv", text.encode(), content_type="text/csv")
    return client.post(reverse("console:inventory-import"), {"file": file})


@pytest.mark.parametrize("role", [*EDITORS, *READERS])
def test_every_reader_of_the_console_reads_and_only_editors_are_offered_to_write(role: str) -> None:
    flow = given_flow()
    client = browser(role)
    shown = page(client) + page(client, "inventory-flow", flow.name)
    page(client, "inventory-pilot")

    assert ("Add a flow" in shown) is (role in EDITORS)
    assert ('name="money"' in shown) is (role in EDITORS)
    assert "Money moves, or waits for it." in shown


@pytest.mark.parametrize("role", READERS)
def test_reader_who_posts_all_the_same_is_refused(role: str) -> None:
    flow = given_flow()
    client = browser(role)
    for route, args, data in (
        ("inventory-add", (), {**REFUND, "name": "a.flow"}),
        ("inventory-flow", (flow.name,), {**REFUND, "title": "Other", "read": flow.digest}),
        ("inventory-remove", (flow.name,), {"read": flow.digest, "reason": "x"}),
        ("inventory-import", (), {}),
        ("inventory-import-apply", (), {"text": "name\n", "digest": "x"}),
    ):
        answer = client.post(reverse(f"console:{route}", args=args), data)
        assert answer.status_code == 403
        assert "Your role may not change the inventory" in answer.content.decode()
    assert InventoryFlow.objects.get().entry == flow.entry
    assert client.get(reverse("console:inventory-import")).status_code == 403


def test_stranger_is_led_to_the_door_and_a_person_without_a_role_refused() -> None:
    assert Client().get(reverse("console:inventory")).status_code == 302
    nobody = Client()
    nobody.force_login(given_person())
    for route in ("inventory", "inventory-csv", "inventory-pilot", "inventory-add"):
        assert nobody.get(reverse(f"console:{route}")).status_code == 403


def test_flow_is_added_with_its_class_and_reasons() -> None:
    client = browser()

    answer = client.post(reverse("console:inventory-add"), REFUND, follow=True)

    shown = answer.content.decode()
    assert answer.redirect_chain == [("/inventory/billing.refund.done/", 302)]
    assert InventoryFlow.objects.get().risk == "critical"
    assert "A promised time can be missed." in shown
    assert "Next: Draft a contract from this row" in shown


def test_bad_fields_keep_what_was_typed_and_are_tied_to_what_is_wrong() -> None:
    wrong = {**REFUND, "name": "refund", "owner": "Team A", "title": "  ", "money": "perhaps"}

    answer = browser().post(reverse("console:inventory-add"), wrong)

    assert answer.status_code == 422
    shown = answer.content.decode()
    form = answer.context["form"]
    assert set(form.errors) == {"name", "owner", "title", "money"}
    assert 'value="Team A"' in shown
    assert "Write small letters, digits and dashes, like team-a." in shown
    assert 'aria-describedby="id_owner_helptext id_owner_error"' in shown
    assert 'id="id_owner_error"' in shown
    assert 'id="id_money_error"' in shown
    assert not InventoryFlow.objects.exists()


def test_class_is_shown_before_anything_is_stored() -> None:
    client = browser()
    looked = client.post(reverse("console:inventory-add"), {**REFUND, "name": "", "look": "1"})
    part = client.post(reverse("console:inventory-assess"), {"money": "yes"})

    assert "Critical" in looked.content.decode()
    assert 'value="Refund done"' in looked.content.decode()
    assert "Can it break a law or a duty?" in part.content.decode()
    assert not InventoryFlow.objects.exists()


def test_name_that_is_taken_is_told_beside_the_name() -> None:
    given_flow()

    answer = browser().post(reverse("console:inventory-add"), REFUND)

    assert answer.status_code == 422
    assert "already" in answer.context["form"].errors["name"][0]


def test_second_editor_sees_what_stands_there_now_and_may_save_again() -> None:
    flow = given_flow()
    client = browser()
    address = reverse("console:inventory-flow", args=[flow.name])
    mine = {**REFUND, "title": "Mine", "read": flow.digest}
    client.post(address, {**REFUND, "title": "Theirs", "read": flow.digest})

    late = client.post(address, mine)

    assert late.status_code == 409
    shown = late.content.decode()
    assert "Somebody else changed" in shown
    assert "Theirs" in shown
    assert 'value="Mine"' in shown
    again = {**mine, "read": late.context["form"]["read"].value()}
    assert client.post(address, again).status_code == 302
    assert InventoryFlow.objects.get().title == "Mine"


def test_flow_is_removed_with_a_reason_only() -> None:
    flow = given_flow()
    client = browser()
    address = reverse("console:inventory-remove", args=[flow.name])

    assert client.post(address, {"read": flow.digest}).status_code == 422
    assert client.get(address).status_code == 405
    answer = client.post(address, {"read": flow.digest, "reason": "Merged."}, follow=True)

    assert "billing.refund.done is out of the inventory." in answer.content.decode()
    assert not InventoryFlow.objects.exists()
    assert client.get(reverse("console:inventory-flow", args=[flow.name])).status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["a.flow", "b.flow", "c.flow"]),
        ({"q": "refund helpdesk"}, ["a.flow"]),
        ({"q": "nothing of it"}, []),
        ({"risk": "critical"}, ["a.flow"]),
        ({"risk": "open"}, ["b.flow"]),
        ({"kind": "callback"}, ["c.flow"]),
        ({"owner": "ops"}, ["c.flow"]),
        ({"owner": "open"}, ["b.flow"]),
        ({"contract": "serving"}, ["a.flow"]),
        ({"contract": "coming"}, ["c.flow"]),
        ({"contract": "none"}, ["b.flow"]),
        ({"sort": "risk"}, ["a.flow", "c.flow", "b.flow"]),
        ({"sort": "owner"}, ["b.flow", "c.flow", "a.flow"]),
        ({"sort": "changed"}, ["c.flow", "b.flow", "a.flow"]),
        ({"sort": "nonsense", "page": "99"}, ["a.flow", "b.flow", "c.flow"]),
    ],
)
def test_list_is_searched_filtered_and_sorted(query: dict[str, str], found: list[str]) -> None:
    given_flow("a.flow")
    given_flow("b.flow", owner="", money="", title="Later", consumers="")
    given_flow("c.flow", kind="callback", owner="ops", money="no", title="C", consumers="x")
    given_contract("a.flow", ("1.0.0", "active"), ("1.1.0", "draft"))
    given_contract("c.flow", ("1.0.0", "in_review"))

    answer = browser().get(reverse("console:inventory"), query)

    assert [row.flow.name for row in answer.context["rows"]] == found


def test_long_list_has_pages_and_asks_for_contracts_once(
    django_assert_max_num_queries: Any,
) -> None:
    for number in range(60):
        given_flow(f"a.f{number:02}")
    client = browser()
    with django_assert_max_num_queries(20):
        first = client.get(reverse("console:inventory"))
    second = client.get(reverse("console:inventory"), {"page": 2})

    assert (len(first.context["rows"]), len(second.context["rows"])) == (50, 10)


def test_export_imports_as_it_was_and_is_for_who_may() -> None:
    given_flow("a.flow", notes="=SUM(A1)\n'quoted'")
    given_flow("b.flow", money="")
    address = reverse("console:inventory-csv")

    client = browser()
    file = client.get(address)
    preview = sent(client, file.content.decode())

    assert file["Content-Disposition"] == 'attachment; filename="inventory.csv"'
    assert "\"'=SUM(A1)" in file.content.decode()
    assert "There is nothing to import." in preview.content.decode()
    assert preview.context["plan"].same == ("a.flow", "b.flow")
    assert browser("support_agent", "Nadia").get(address).status_code == 403


def test_import_shows_first_and_does_on_the_press() -> None:
    given_flow("a.flow")
    text = "name,title,kind,owner\na.flow,Newer,command,payments\nb.flow,B,event,Team B\nc.flow,C,event,ops\n"  # noqa: E501
    client = browser()

    preview = sent(client, text)

    shown = preview.content.decode()
    assert "1 new, 1 changed, 0 the same, 1 row refused" in shown
    assert "Team B" in shown
    assert "like team-b" in shown
    assert InventoryFlow.objects.count() == 1
    press = {"text": text.replace("\n", "\r\n"), "digest": preview.context["plan"].digest}
    done = client.post(reverse("console:inventory-import-apply"), press, follow=True)
    assert "1 added, 1 changed, 0 were the same already. 1 row was left out." in (
        done.content.decode()
    )
    assert InventoryFlow.objects.get(name="a.flow").title == "Newer"
    late = client.post(reverse("console:inventory-import-apply"), press)
    assert late.status_code == 409
    assert "Look at the new preview" in late.content.decode()


def test_import_tells_what_the_file_does_not_name_and_removes_nothing() -> None:
    for name in ("a.flow", "b.flow", "c.flow"):
        given_flow(name)

    preview = sent(browser(), "name,title,kind\na.flow,A,event\nb.flow,B,no such kind\n")

    card = preview.content.decode().partition('id="missing"')[2].partition("</section>")[0]
    assert [flow.name for flow in preview.context["missing"]] == ["c.flow"]
    assert reverse("console:inventory-flow", args=["c.flow"]) in card
    assert "1 flow, and the import leaves it as it is" in card
    assert InventoryFlow.objects.count() == 3


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "empty"),
        (b"title\nx\n", "names no column"),
        (b"name\nM\xfcller\n", "not UTF-8"),
        (b"name\n" + b"x" * 600_000, "at most 524288"),
    ],
)
def test_file_that_cannot_be_read_says_why(raw: bytes, says: str) -> None:
    client = browser()
    file = SimpleUploadedFile("flows.csv", raw)

    answer = client.post(reverse("console:inventory-import"), {"file": file})

    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert client.post(reverse("console:inventory-import")).status_code == 422


def test_pilot_says_why_each_and_why_not_the_others() -> None:
    given_flow("a.flow")
    given_flow("b.flow", owner="")
    given_contract("a.flow", ("1.0.0", "active"))

    shown = page(browser("manager", "Oskar"), "inventory-pilot")

    assert "1 of 3 are ready." in shown
    assert "Money moves in it" in shown
    assert "Nobody owns it" in shown
    assert "Active" in shown


def test_draft_begins_from_the_row_and_the_row_follows_it() -> None:
    lena = given_person("contract_owner", username="lena", owns=("payments-contracts",))
    Owner.objects.create(name="payments", title="Payments")
    flow = given_flow(owner="payments")
    client = Client()
    client.force_login(lena)
    row = page(client, "inventory-flow", flow.name)
    address = "/admin/contracts_app/contractversion/add/?inventory=billing.refund.done"
    assert f'href="{address}"' in row
    assert "the system <b" in row  # the registry knows no systems here

    shown = client.get(address)
    text = shown.context["adminform"].form.initial["text"]
    saved = client.post(address, {"text": text, "_continue": "1"})

    assert "Begun from the inventory row" in shown.content.decode()
    assert "reasons: [financial_harm, sla_breach]" in text
    assert saved.status_code == 302
    version = ContractVersion.objects.get(contract__name=flow.name)
    assert (version.version, version.state) == ("1.0.0", "draft")
    after = page(client, "inventory-flow", flow.name)
    assert "Next: Complete the draft" in after
    assert address not in after
    assert "Complete the draft" in page(client)


def test_flow_whose_contract_is_retired_is_drafted_under_a_number_above_it() -> None:
    lena = given_person("contract_owner", username="lena", owns=("payments",))
    given_flow()
    given_contract("billing.refund.done", ("1.2.0", "retired"), ("1.10.0", "retired"))
    client = Client()
    client.force_login(lena)
    address = "/admin/contracts_app/contractversion/add/?inventory=billing.refund.done"
    assert f'href="{address}"' in page(client, "inventory-flow", "billing.refund.done")

    text = client.get(address).context["adminform"].form.initial["text"]
    client.post(address, {"text": text, "_continue": "1"})

    assert ContractVersion.objects.get(state="draft").version == "1.11.0"


def test_who_may_not_draft_is_told_whom_to_ask() -> None:
    flow = given_flow()

    shown = page(browser("ops_lead"), "inventory-flow", flow.name)

    assert "A contract owner drafts it" in shown
    assert "contractversion/add" not in shown


def test_new_contract_without_a_row_begins_empty() -> None:
    client = Client()
    client.force_login(given_person("contract_owner"))
    for query in ("", "?inventory=no.flow"):
        shown = client.get(f"/admin/contracts_app/contractversion/add/{query}")
        assert shown.context["adminform"].form.initial["text"] == ""
        assert "Begun from" not in shown.content.decode()


def test_nothing_of_the_row_is_markup() -> None:
    given_flow("a.flow", title="<script>alert(1)</script>", notes="</textarea><b>")
    client = browser()
    shown = (
        page(client) + page(client, "inventory-flow", "a.flow") + page(client, "inventory-pilot")
    )

    assert "<script>alert" not in shown
    assert AuditEntry.objects.count() == 1
