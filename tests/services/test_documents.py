"""Flows, runbooks, calendars, policies, rotas, sources: one life from draft to service."""

from __future__ import annotations

import json
import threading

import pytest
from django.core import management
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction

from contracts_app.models import AuditEntry, BusinessCalendar, Owner, Rota, SlaPolicy, Source
from contracts_app.queries import clock, registry
from contracts_app.queries import documents as queries
from contracts_app.services import publishing, sources
from contracts_app.services.documents import (
    discard_draft,
    draft_from_published,
    edit_draft,
    install_document,
    publish_document,
    retire_document,
    start_draft,
)
from contracts_app.services.promises import CALENDAR, POLICY, ROTA
from meshline.core.errors import Conflict, DocumentRefused, IllegalTransition, NotAllowed, NotFound
from orchestration.queries.documents import flow_spec, published_flow, published_flows, source_spec
from orchestration.rules.source_map import map_delivery
from orchestration.services.flows import FLOW
from orchestration.services.sources import default_text, save_source
from runbooks.models import RunbookVersion
from runbooks.queries.runbooks import offered_for, runbook_spec
from runbooks.services.drafts import RUNBOOK
from tests.builders import PILOT
from tests.services.people import given_person

pytestmark = pytest.mark.django_db


def pilot(kind: str, name: str) -> str:
    return (PILOT / kind / f"{name}.yaml").read_text()


def given_contracts(*names: str) -> None:
    for name in names:
        (file,) = PILOT.glob(f"contracts/*/{name}/*.yaml")
        publishing.install(text=file.read_text(), now=clock.now())


def given_refund_world() -> None:
    """What the flow refund-completion refers to."""
    given_contracts("support.refund.requested", "billing.refund.completed")
    for slug in ("billing-runtime", "support-platform", "billing-owner", "payments-contracts"):
        Owner.objects.update_or_create(
            name=slug, defaults={"title": slug, "rota": "billing-primary"}
        )
    for name in ("refund-callback-failed", "refund-refused"):
        install_document(RUNBOOK, text=pilot("runbooks", name), now=clock.now())


# Two runbooks are enough for these tests.
FLOW_TEXT = pilot("flows", "refund-completion").replace(
    "{runbook: run-failed}", "{runbook: refund-callback-failed}"
)
CALENDAR_TEXT = pilot("calendars", "always-open")


def test_first_draft_is_number_one_and_serves_nobody() -> None:
    draft = start_draft(CALENDAR, text=CALENDAR_TEXT, now=clock.now())

    assert (draft.name, draft.number, draft.state) == ("always-open", 1, "draft")
    with pytest.raises(NotFound):
        queries.published(BusinessCalendar, "always-open")


def test_published_document_serves_at_once_and_the_one_before_is_retired() -> None:
    now = clock.now()
    install_document(CALENDAR, text=CALENDAR_TEXT, now=now)
    draft = draft_from_published(CALENDAR, name="always-open", now=now)
    assert queries.published(BusinessCalendar, "always-open").number == 1

    publish_document(CALENDAR, row=draft, now=now)

    assert queries.published(BusinessCalendar, "always-open").number == 2
    assert dict(BusinessCalendar.objects.values_list("number", "state")) == {
        1: "retired",
        2: "published",
    }
    entry = AuditEntry.objects.get(action="calendar.publish")
    assert entry.before == BusinessCalendar.objects.get(number=1).digest
    assert entry.after == draft.digest
    assert entry.detail["number"] == 2


def test_new_draft_keeps_the_authors_text_but_for_its_number() -> None:
    install_document(CALENDAR, text=CALENDAR_TEXT, now=clock.now())

    draft = draft_from_published(CALENDAR, name="always-open", now=clock.now())

    assert draft.text == CALENDAR_TEXT.replace("version: 1", "version: 2")


def test_second_draft_of_a_name_is_refused_and_a_discarded_one_makes_room() -> None:
    now = clock.now()
    install_document(CALENDAR, text=CALENDAR_TEXT, now=now)
    draft = draft_from_published(CALENDAR, name="always-open", now=now)

    with pytest.raises(Conflict, match="draft of always-open already"):
        draft_from_published(CALENDAR, name="always-open", now=now)
    discard_draft(CALENDAR, row=draft, now=now)

    assert draft_from_published(CALENDAR, name="always-open", now=now).number == 2


def test_draft_is_refused_with_its_line_when_it_names_another_number_or_name() -> None:
    now = clock.now()
    draft = start_draft(CALENDAR, text=CALENDAR_TEXT, now=now)

    for old, new, line in [
        ("version: 1", "version: 7", 4),
        ("name: always-open", "name: other", 3),
    ]:
        with pytest.raises(DocumentRefused) as refused:
            edit_draft(CALENDAR, row=draft, text=CALENDAR_TEXT.replace(old, new), now=now)
        assert refused.value.findings[0].line == line
    draft.refresh_from_db()
    assert draft.text == CALENDAR_TEXT


def test_unreadable_draft_is_refused_and_not_stored() -> None:
    with pytest.raises(DocumentRefused):
        start_draft(CALENDAR, text="meshline: [calendar/v1", now=clock.now())
    with pytest.raises(DocumentRefused):
        start_draft(CALENDAR, text="just words", now=clock.now())
    assert not BusinessCalendar.objects.exists()


def test_published_document_is_edited_by_nobody() -> None:
    now = clock.now()
    row, _ = install_document(CALENDAR, text=CALENDAR_TEXT, now=now)

    for act in (
        lambda: edit_draft(CALENDAR, row=row, text=CALENDAR_TEXT, now=now),
        lambda: discard_draft(CALENDAR, row=row, now=now),
        lambda: publish_document(CALENDAR, row=row, now=now),
    ):
        with pytest.raises(IllegalTransition):
            act()
    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        BusinessCalendar.objects.filter(pk=row.pk).update(body={})


def test_retired_document_serves_no_more_and_says_why() -> None:
    now = clock.now()
    row, _ = install_document(CALENDAR, text=CALENDAR_TEXT, now=now)

    retire_document(CALENDAR, row=row, reason="replaced by local hours", now=now)

    with pytest.raises(NotFound):
        queries.published(BusinessCalendar, "always-open")
    assert AuditEntry.objects.get(action="calendar.retire").reason == "replaced by local hours"


def test_installing_a_file_twice_changes_nothing_and_a_changed_one_is_the_next_version() -> None:
    now = clock.now()
    install_document(ROTA, text=pilot("rotas", "support-primary"), now=now)
    _, again = install_document(ROTA, text=pilot("rotas", "support-primary"), now=now)
    moved = pilot("rotas", "support-primary").replace('"09:00"', '"10:00"')
    row, changed = install_document(ROTA, text=moved, now=now)
    _, unchanged = install_document(ROTA, text=moved, now=now)

    assert (again, changed, unchanged) == (False, True, False)
    assert row.number == 2
    assert queries.rota_spec_of(row).version == 2
    assert Rota.objects.filter(state="published").count() == 1


def test_file_is_installed_beside_the_draft_that_somebody_works_on() -> None:
    given_refund_world()
    now = clock.now()
    install_document(FLOW, text=FLOW_TEXT, now=now)
    draft = draft_from_published(FLOW, name="refund-completion", now=now)
    changed = FLOW_TEXT.replace("deadline: PT4H", "deadline: PT5H")

    row, _ = install_document(FLOW, text=changed, now=now)

    assert row.number == draft.number + 1
    draft.refresh_from_db()
    assert draft.state == "draft"
    assert published_flow("refund-completion").pk == row.pk


def test_flow_is_not_published_before_what_it_names() -> None:
    draft = start_draft(FLOW, text=_first(FLOW_TEXT), now=clock.now())

    with pytest.raises(DocumentRefused) as refused:
        publish_document(FLOW, row=draft, now=clock.now())

    told = " ".join(str(finding) for finding in refused.value.findings)
    assert "support.refund.requested" in told
    assert "refund-callback-failed" in told
    assert all(finding.line for finding in refused.value.findings)


def test_published_flow_starts_on_its_contracts_events_at_once() -> None:
    given_refund_world()
    assert published_flows("support.refund.requested") == []

    install_document(FLOW, text=FLOW_TEXT, now=clock.now())

    (version,) = published_flows("support.refund.requested")
    assert flow_spec(version).name == "refund-completion"
    assert flow_spec(version) is flow_spec(version), "parsed once"


def test_author_of_a_flow_does_not_publish_it_but_a_second_owner_does() -> None:
    given_refund_world()
    author = given_person("runtime_owner", username="author")
    second = given_person("runtime_owner", username="second")
    now = clock.now()
    draft = start_draft(FLOW, text=_first(FLOW_TEXT), by=author, now=now)

    with pytest.raises(NotAllowed, match="second person"):
        publish_document(FLOW, row=draft, by=author, now=now)
    published = publish_document(FLOW, row=draft, by=second, now=now)

    assert published.published_by == second
    entry = AuditEntry.objects.get(action="flow.publish")
    assert (entry.actor, entry.detail["author"]) == ("second", "author")


def test_last_editor_counts_as_the_author() -> None:
    given_refund_world()
    author = given_person("runtime_owner", username="author")
    second = given_person("runtime_owner", username="second")
    now, text = clock.now(), _first(FLOW_TEXT)
    draft = start_draft(FLOW, text=text, by=author, now=now)
    edited = text.replace("deadline: PT4H", "deadline: PT5H")
    draft = edit_draft(FLOW, row=draft, text=edited, by=second, now=now)

    with pytest.raises(NotAllowed, match="second person"):
        publish_document(FLOW, row=draft, by=second, now=now)
    publish_document(FLOW, row=draft, by=author, now=now)


@pytest.mark.parametrize("role", ["support_agent", "ops_lead", "manager", "auditor", "admin"])
def test_role_that_owns_nothing_drafts_nothing(role: str) -> None:
    by = given_person(role)

    with pytest.raises(NotAllowed, match="role may not"):
        start_draft(CALENDAR, text=CALENDAR_TEXT, by=by, now=clock.now())


def test_contract_owner_edits_flows_of_their_own_contracts_only() -> None:
    given_refund_world()
    now, text = clock.now(), FLOW_TEXT
    install_document(FLOW, text=text, now=now)
    owner = given_person("contract_owner", username="owner")
    Owner.objects.filter(name="payments-contracts").update(person=owner)
    stranger = given_person("contract_owner", username="stranger")

    with pytest.raises(NotAllowed, match="do not own"):
        draft_from_published(FLOW, name="refund-completion", by=stranger, now=now)
    matrix = Owner.objects.filter(ownerships__contract__name="support.refund.requested")
    matrix.update(person=owner)
    draft = draft_from_published(FLOW, name="refund-completion", by=owner, now=now)
    assert draft.created_by == owner


def test_runbook_published_now_is_offered_to_matching_trouble_at_once() -> None:
    given_contracts("support.refund.requested", "billing.refund.completed")
    Owner.objects.create(name="billing-runtime", title="Billing", rota="billing-primary")
    assert offered_for(reason="callback_timeout") == []

    row, _ = install_document(
        RUNBOOK, text=pilot("runbooks", "refund-callback-failed"), now=clock.now()
    )

    offered = offered_for(reason="callback_timeout", contract="billing.refund.completed")
    assert [one.pk for one in offered] == [row.pk]
    assert runbook_spec(offered[0]).name == "refund-callback-failed"
    assert offered_for(reason="no_such_reason") == []
    assert [r.pk for r in offered_for(reason="other", first="refund-callback-failed")] == [row.pk]


def test_runbook_whose_owner_leads_to_nobody_is_not_published() -> None:
    given_contracts("support.refund.requested", "billing.refund.completed")
    Owner.objects.create(name="billing-runtime", title="Billing")

    with pytest.raises(DocumentRefused, match="leads to no person"):
        install_document(RUNBOOK, text=pilot("runbooks", "refund-callback-failed"), now=clock.now())
    assert not RunbookVersion.objects.exists()


def test_policy_is_not_published_before_calendar_rota_and_contracts() -> None:
    with pytest.raises(DocumentRefused) as refused:
        install_document(POLICY, text=pilot("policies", "support-standard"), now=clock.now())

    told = " ".join(map(str, refused.value.findings))
    for name in ("always-open", "support-primary", "support.ticket.created"):
        assert name in told
    assert not SlaPolicy.objects.exists()


def test_policy_whose_condition_does_not_compile_is_refused_at_its_line() -> None:
    text = pilot("policies", "support-standard")
    broken = text.replace("event.data.author == 'agent'", "event.data.author === 'agent'", 1)
    line = 1 + broken[: broken.index("===")].count("\n")

    with pytest.raises(DocumentRefused) as refused:
        start_draft(POLICY, text=broken, now=clock.now())

    assert line in [finding.line for finding in refused.value.findings]


@pytest.mark.django_db(transaction=True)
def test_two_people_who_start_a_draft_at_once_start_one() -> None:
    install_document(CALENDAR, text=CALENDAR_TEXT, now=clock.now())
    results: list[str] = []
    start = threading.Barrier(2)

    def press() -> None:
        start.wait()
        try:
            draft_from_published(CALENDAR, name="always-open", now=clock.now())
            results.append("started")
        except Conflict:
            results.append("too late")
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == ["started", "too late"]


def test_edited_source_maps_the_next_delivery() -> None:
    given_contracts("support.refund.requested")
    now = clock.now()
    text = default_text(
        "orders", scheme="standardwebhooks", contracts=["support.refund.requested"],
        on_violation="reject",
    )  # fmt: skip
    source = save_source(text=text, now=now)
    assert map_delivery(source_spec(source), headers={}, body={"id": "a"}).external_id == "a"

    edited = save_source(text=text.replace("body.id", "body.key"), source=source, now=now)

    assert map_delivery(source_spec(edited), headers={}, body={"key": "b"}).external_id == "b"
    assert AuditEntry.objects.get(action="source.edit").before == source.digest


def test_source_that_names_an_unknown_contract_is_refused() -> None:
    given_contracts("support.refund.requested")
    text = default_text(
        "orders", scheme="apikey", contracts=["support.refund.requested"], on_violation="hold"
    )
    with pytest.raises(DocumentRefused, match=r"support\.refund\.wanted"):
        save_source(text=text.replace("requested", "wanted"), now=clock.now())


def test_source_command_prints_where_and_how_to_send(capsys: pytest.CaptureFixture[str]) -> None:
    given_contracts("support.refund.requested", "support.ticket.created")

    management.call_command(
        "source_create", "erp", "--scheme", "stripe", "--contract", "support.refund.requested",
        "support.ticket.created", "--on-violation", "reject",
    )  # fmt: skip

    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"slug", "scheme", "secret", "address"}
    assert printed["address"].endswith("/api/v1/ingest/erp")
    source = registry.source_named("erp")
    assert sources.secrets_of(source, clock.now()) == [printed["secret"]]
    body = {"id": "e1", "type": "support.ticket.created", "time": "2026-11-23T12:00:00Z"}
    mapped = map_delivery(source_spec(source), headers={}, body=body)
    assert (mapped.external_id, mapped.contract) == ("e1", "support.ticket.created")
    assert mapped.payload == body


def test_source_command_refuses_a_contract_that_is_not_published() -> None:
    with pytest.raises(CommandError, match="no published contract"):
        management.call_command("source_create", "erp", "--contract", "support.refund.requested")
    assert not Source.objects.exists()


def _first(text: str) -> str:
    """The text as the first version of its name."""
    lines = text.splitlines(keepends=True)
    return "".join("version: 1\n" if line.startswith("version:") else line for line in lines)
