"""The inventory's services: audited, never over somebody else's change, imports as previewed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from contracts_app.models import AuditEntry, Contract, ContractVersion, InventoryFlow
from contracts_app.queries import clock, inventory
from contracts_app.rules.inventory.entry import FlowEntry, entry_of, read_cell
from contracts_app.rules.inventory.risk import BY_SLUG, rule_digest
from contracts_app.rules.inventory.sheet import read_sheet, write_sheet
from contracts_app.services.inventory import assess_anew
from meshline.core.errors import Conflict, ContractViolation, NotAllowed, NotFound
from orchestration.services import sweeper
from runbooks.services import inventory as service
from tests.services.people import given_person

HEAD = "name,title,kind,owner\n"


def entry(name: str = "billing.refund.done", **cells: str) -> FlowEntry:
    texts = {"name": name, "title": "Refund done", "kind": "event", **cells}
    return entry_of({column: read_cell(column, text) for column, text in texts.items()})


def added(by: User, name: str = "billing.refund.done", **cells: str) -> InventoryFlow:
    return service.add(entry=entry(name, **cells), by=by, now=clock.now())


def trail(name: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(object_type="inventory", object_id=name).order_by("id"))


@pytest.fixture
def tomas(db: None) -> User:
    return given_person("ops_lead", username="tomas")


@pytest.mark.parametrize("role", ["ops_lead", "contract_owner", "admin"])
def test_editor_adds_edits_and_removes_and_each_is_kept(db: None, role: str) -> None:
    by = given_person(role)
    flow = added(by, money="yes")
    now = clock.now()

    edited = service.edit(
        name=flow.name, read=flow.digest, entry=entry(owner="ops"), by=by, now=now
    )
    assert InventoryFlow.objects.get().entry == entry(owner="ops")
    service.remove(name=flow.name, read=edited.digest, reason="Merged.", by=by, now=now)

    assert not InventoryFlow.objects.exists()
    kept = trail(flow.name)
    assert [one.action for one in kept] == ["inventory.add", "inventory.edit", "inventory.remove"]
    assert {one.actor for one in kept} == {by.username}
    assert kept[1].detail["columns"] == ["owner", "money"]
    assert kept[1].before == kept[0].after
    assert kept[2].reason == "Merged."


@pytest.mark.parametrize(
    "role", ["support_agent", "runtime_owner", "product_owner", "manager", "auditor"]
)
def test_reader_changes_nothing_and_the_attempt_is_kept(db: None, role: str) -> None:
    reader = given_person(role)
    now = clock.now()
    presses: list[tuple[str, Callable[[], object]]] = [
        ("inventory.add", lambda: added(reader)),
        ("inventory.edit", lambda: service.edit(
            name="a.b", read="", entry=entry(), by=reader, now=now)),
        ("inventory.remove", lambda: service.remove(
            name="a.b", read="", reason="x", by=reader, now=now)),
        ("inventory.import", lambda: service.apply_import(
            text=HEAD, digest="", by=reader, now=now)),
    ]  # fmt: skip
    for action, press in presses:
        with pytest.raises(NotAllowed, match="Your role may not change the inventory"):
            press()
        assert AuditEntry.objects.filter(action=f"{action}.refused", actor=role).count() == 1
    assert not InventoryFlow.objects.exists()


def test_second_editor_of_the_same_state_is_told_and_overwrites_nothing(tomas: User) -> None:
    flow = added(tomas)
    read, now = flow.digest, clock.now()
    service.edit(name=flow.name, read=read, entry=entry(owner="first"), by=tomas, now=now)

    with pytest.raises(Conflict, match="Somebody else changed"):
        service.edit(name=flow.name, read=read, entry=entry(owner="second"), by=tomas, now=now)
    with pytest.raises(Conflict):
        service.remove(name=flow.name, read=read, reason="x", by=tomas, now=now)
    assert InventoryFlow.objects.get().owner == "first"


def test_saving_what_stands_there_is_no_change(tomas: User) -> None:
    flow = added(tomas)

    service.edit(name=flow.name, read=flow.digest, entry=entry(), by=tomas, now=clock.now())

    assert [one.action for one in trail(flow.name)] == ["inventory.add"]


def test_name_is_taken_once_and_stays_with_its_contract(tomas: User) -> None:
    flow = added(tomas)
    added(tomas, "other.flow")
    now = clock.now()
    with pytest.raises(Conflict, match="has a flow other"):
        added(tomas, "other.flow")
    with pytest.raises(Conflict, match="has a flow other"):
        service.edit(name=flow.name, read=flow.digest, entry=entry("other.flow"), by=tomas, now=now)

    Contract.objects.create(name=flow.name)
    with pytest.raises(Conflict, match="never renamed"):
        service.edit(name=flow.name, read=flow.digest, entry=entry("new.name"), by=tomas, now=now)
    with pytest.raises(NotFound):
        service.edit(name="no.flow", read="", entry=entry(), by=tomas, now=now)
    with pytest.raises(ContractViolation, match="reason"):
        service.remove(name=flow.name, read=flow.digest, reason=" ", by=tomas, now=now)


def test_import_does_what_was_previewed_and_keeps_a_trail(tomas: User) -> None:
    added(tomas, "a.flow", owner="ops", notes="stays")
    added(tomas, "b.flow")
    text = f"{HEAD}a.flow,Newer,event,\nb.flow,Refund done,event,\nc.flow,C,command,ops\nd,D,x,\n"
    plan = inventory.plan(read_sheet(text))
    assert AuditEntry.objects.filter(action="inventory.import").count() == 0

    done = service.apply_import(text=text, digest=plan.digest, by=tomas, now=clock.now())

    assert (done.added, done.changed, done.same, done.refused) == (1, 1, 1, 1)
    changed = InventoryFlow.objects.get(name="a.flow")
    assert (changed.title, changed.owner, changed.notes) == ("Newer", "", "stays")
    assert changed.digest == changed.entry.digest
    assert InventoryFlow.objects.get(name="c.flow").entry == entry(
        "c.flow", title="C", kind="command", owner="ops"
    )
    assert [one.detail.get("columns") for one in trail("a.flow")] == [None, ["title", "owner"]]
    assert [one.reason for one in trail("c.flow")] == ["Import"]
    (whole,) = trail("file")
    assert whole.detail == {"added": 1, "changed": 1, "same": 1, "refused": 1}
    assert whole.after == plan.digest


@pytest.mark.parametrize("moved", ["edited", "removed", "added", "another file"])
def test_import_is_refused_whole_if_anything_moved_since_the_preview(
    tomas: User, moved: str
) -> None:
    flow = added(tomas, "a.flow")
    text = f"{HEAD}a.flow,Newer,event,\nc.flow,C,event,\n"
    digest = inventory.plan(read_sheet(text)).digest
    now = clock.now()
    if moved == "edited":
        other = entry("a.flow", owner="x")
        service.edit(name="a.flow", read=flow.digest, entry=other, by=tomas, now=now)
    elif moved == "removed":
        service.remove(name="a.flow", read=flow.digest, reason="x", by=tomas, now=now)
    elif moved == "added":
        added(tomas, "c.flow", owner="x")
    else:
        text = text.replace("Newer", "Newest")
    before = write_sheet(inventory.entries())

    with pytest.raises(Conflict, match="has changed since you looked"):
        service.apply_import(text=text, digest=digest, by=tomas, now=now)

    assert write_sheet(inventory.entries()) == before
    assert trail("file") == []


def test_flow_that_is_not_named_in_the_file_is_left_alone(tomas: User) -> None:
    added(tomas, "a.flow")
    added(tomas, "b.flow", owner="ops")
    text = f"{HEAD}a.flow,Newer,event,\n"

    digest = inventory.plan(read_sheet(text)).digest
    service.apply_import(text=text, digest=digest, by=tomas, now=clock.now())

    assert InventoryFlow.objects.get(name="b.flow").owner == "ops"


@pytest.mark.django_db(transaction=True)
def test_two_presses_of_one_preview_import_once() -> None:
    by = given_person("ops_lead")
    text = f"{HEAD}a.flow,A,event,\nb.flow,B,event,\n"
    digest = inventory.plan(read_sheet(text)).digest
    now = clock.now()

    def press(_: int) -> str:
        try:
            service.apply_import(text=text, digest=digest, by=by, now=now)
            return "done"
        except Conflict:
            return "late"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(press, range(2))) == ["done", "late"]
    assert InventoryFlow.objects.count() == 2
    assert AuditEntry.objects.filter(action="inventory.add").count() == 2


def test_how_far_contracts_are_is_asked_once_for_all_rows(
    db: None, django_assert_num_queries: Any
) -> None:
    for name, versions in {
        "a.flow": [("1.9.0", "active"), ("1.10.0", "active"), ("2.0.0", "draft")],
        "b.flow": [("1.0.0", "in_review")],
        "c.flow": [("1.0.0", "retired")],
    }.items():
        contract = Contract.objects.create(name=name)
        with transaction.atomic():
            for version, state in versions:
                ContractVersion.objects.create(
                    contract=contract, version=version, state=state, text="x", digest=version
                )
    with django_assert_num_queries(1):
        found = inventory.agreed(["a.flow", "b.flow", "c.flow", "d.flow"])

    assert (found["a.flow"].version, found["a.flow"].state) == ("1.10.0", "active")
    assert (found["a.flow"].coming, found["a.flow"].coming_state) == ("2.0.0", "draft")
    assert found["b.flow"].state == "in_review"
    assert found["c.flow"].state == "retired"
    assert "d.flow" not in found


def test_flows_that_another_rule_assessed_are_assessed_anew_a_few_at_a_time(tomas: User) -> None:
    answers = dict.fromkeys(BY_SLUG, "no") | {"frequency": "daily", "money": "yes"}
    for number in range(5):
        added(tomas, f"a.flow{number}", **answers, manual_fallback="refund-manual")
    before = InventoryFlow.objects.get(name="a.flow0")
    assert (before.risk, before.risk_rule) == ("high", rule_digest())
    InventoryFlow.objects.update(risk_rule="1")
    InventoryFlow.objects.exclude(name="a.flow0").update(risk="low", risk_rule="0" * 16)
    InventoryFlow.objects.filter(name="a.flow4").update(risk="high", risk_rule="")

    done = [assess_anew(clock.now(), batch=3) for _ in range(3)]

    assert done == [3, 2, 0]
    assert set(InventoryFlow.objects.values_list("risk", "risk_rule")) == {("high", rule_digest())}
    moved = AuditEntry.objects.filter(action="inventory.assess")
    assert {(one.object_id, one.actor, one.detail["was"]) for one in moved} == {
        (f"a.flow{number}", "engine", "low") for number in (1, 2, 3)
    }
    after = InventoryFlow.objects.get(name="a.flow0")
    assert (after.digest, after.updated_at) == (before.digest, before.updated_at)


def test_sweep_assesses_anew_and_looks_once_where_nothing_is_left(
    tomas: User, django_assert_num_queries: Any
) -> None:
    added(tomas)
    InventoryFlow.objects.update(risk="critical", risk_rule="0" * 16)

    now = clock.now()

    assert sweeper.sweep(now=now).failed == 0

    assert InventoryFlow.objects.get().risk == ""
    with django_assert_num_queries(1):
        assert assess_anew(now) == 0
