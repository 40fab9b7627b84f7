"""Handoffs: grouped by cause, one beside the list, claim and resolve, by role."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from contracts_app.models import AuditEntry
from meshline.core.ids import uuid7_at
from orchestration.models import Attempt, Effect, Handoff, Run
from runbooks.models import Intervention
from tests.builders import given_document, given_pilot
from tests.console.builders import given_finished, given_reader, given_stuck_refund

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def pilot(db: None) -> None:
    given_pilot()


def signed_in(role: str = "support_agent", name: str = "Nadia Arslan") -> Client:
    client = Client()
    client.force_login(given_reader(role, name))
    return client


def test_list_groups_by_cause_with_customers_and_money_per_currency() -> None:
    given_stuck_refund(ticket="1", amount_minor=21800)
    given_stuck_refund(ticket="2", amount_minor=1000, currency="JPY")

    page = signed_in().get(reverse("console:handoffs")).content.decode()

    assert "Acknowledgement missing" in page
    assert "2 customers · € 218.00 + ¥ 1,000" in page
    assert "desk:1" in page
    assert "desk:2" in page


def test_empty_list_says_that_nobody_is_waiting() -> None:
    page = signed_in().get(reverse("console:handoffs")).content.decode()

    assert "Nobody is waiting" in page


def test_filters_stand_in_the_address_and_narrow_the_list() -> None:
    given_stuck_refund(ticket="1", requester_name="Oren Halabi")
    client = signed_in()
    address = reverse("console:handoffs")

    fitting = client.get(address, {"reason": "callback_timeout", "partial": "list"})
    other = client.get(address, {"reason": "refund_refused", "partial": "list"})

    assert "Oren Halabi" in fitting.content.decode()
    assert "No handoff fits these filters" in other.content.decode()
    assert "remove this filter" in other.content.decode()


def test_page_of_one_tells_everything_needed_to_act() -> None:
    handoff = given_stuck_refund()

    page = signed_in().get(reverse("console:handoff", args=[handoff.pk])).content.decode()

    for said in (
        "Maja Lindqvist",
        "desk:48213",
        "€ 218.00",
        "Promise breaks",
        "Suggested: Refund callback failed",
        "Refund requested, from the help desk",
        "Send the refund: done",
        "asked 5 times without an answer",
        "Handed to a person",
        reverse("console:button-preview", args=["handoff", handoff.pk, "flow.replay"]),
    ):
        assert said in page, said


def test_payload_is_masked_as_received_too() -> None:
    handoff = given_stuck_refund(requester_email="maja.lindqvist@example.com")

    page = signed_in().get(reverse("console:handoff", args=[handoff.pk])).content.decode()

    assert "maja.lindqvist@" not in page
    assert "m…@example.com" in page


def test_manager_sees_customers_names_masked() -> None:
    handoff = given_stuck_refund()

    page = (
        signed_in("manager", "Oskar Ruud")
        .get(reverse("console:handoff", args=[handoff.pk]))
        .content.decode()
    )

    assert "Maja Lindqvist" not in page
    assert "M… L…" in page


def test_runbook_published_now_is_offered_without_a_restart() -> None:
    handoff = given_stuck_refund()
    client, address = signed_in(), reverse("console:handoff", args=[handoff.pk])
    assert "Suggested: Ask billing by telephone" not in client.get(address).content.decode()
    Handoff.objects.update(runbook="by-telephone")
    source = (
        "meshline: runbook/v1\nname: by-telephone\nversion: 1\ntitle: Ask billing by telephone\n"
        "summary: Call them.\nowner: billing-runtime\ncontracts: [support.refund.requested]\n"
        "failure_modes: [callback_timeout]\npermissions: {run: [support_agent]}\nstart: log\n"
        "steps:\n  - {id: log, type: action, title: Record it, action: incident.log, effect: write,"
        " with: {outcome: recovered}, end: recovered}\n"
    )

    given_document(source)

    assert "Suggested: Ask billing by telephone" in client.get(address).content.decode()


def test_claim_gives_it_to_the_presser_and_tells_the_second() -> None:
    handoff = given_stuck_refund()
    address = reverse("console:handoff-claim", args=[handoff.pk])

    first = signed_in().post(address, headers=HTMX)
    second = signed_in("ops_lead", "Tomás Oliveira").post(address, headers=HTMX)

    handoff.refresh_from_db()
    assert (first.status_code, second.status_code) == (200, 409)
    assert handoff.claimed_by is not None
    assert handoff.claimed_by.username == "nadia"
    assert f"Nadia Arslan was first and has {handoff.reference} now." in second.content.decode()


def test_auditor_may_not_claim_and_is_told_why() -> None:
    handoff = given_stuck_refund()

    answer = signed_in("auditor", "Ines Falk").post(
        reverse("console:handoff-claim", args=[handoff.pk])
    )

    assert answer.status_code == 403
    assert "Your role may not take a handoff." in answer.content.decode()
    assert AuditEntry.objects.filter(action="handoff.claim.refused", actor="ines").exists()


def test_resolve_asks_for_a_reason_and_keeps_it() -> None:
    handoff = given_stuck_refund()
    client = signed_in("ops_lead", "Tomás Oliveira")
    address = reverse("console:handoff-resolve", args=[handoff.pk])

    empty = client.post(address, {"reason": ""}, headers=HTMX)
    done = client.post(address, {"reason": "Refunded in cash"})

    handoff.refresh_from_db()
    assert empty.status_code == 422
    assert "Choose a reason or say it" in empty.content.decode()
    assert done.status_code == 302
    assert (handoff.state, handoff.resolution) == ("resolved", "Refunded in cash")


def test_support_agent_may_not_resolve_without_an_action() -> None:
    handoff = given_stuck_refund()

    answer = signed_in().post(
        reverse("console:handoff-resolve", args=[handoff.pk]), {"reason": "done"}
    )

    handoff.refresh_from_db()
    assert (answer.status_code, handoff.state) == (403, "open")


def test_replay_under_way_is_seen_by_everybody_until_resolved() -> None:
    handoff = given_stuck_refund()
    client = signed_in()
    preview = reverse("console:button-preview", args=["handoff", handoff.pk, "flow.replay"])
    form = client.get(preview).context["form"]
    client.post(
        reverse("console:button-press", args=["handoff", handoff.pk, "flow.replay"]),
        {
            "press_key": form["press_key"].value(),
            "ticket": "desk:48213",
            "reason": "billing is well",
        },
    )
    watcher, head = signed_in("auditor", "Ines Falk"), {"partial": "head"}
    address = reverse("console:handoff", args=[handoff.pk])

    running = watcher.get(address, head).content.decode()
    listed = watcher.get(reverse("console:handoffs"), {"partial": "list"}).content.decode()
    press = Intervention.objects.get()
    given_finished(press.result_run_id)
    over = watcher.get(address, head).content.decode()

    assert "Replay under way, started by Nadia Arslan" in running
    assert "Replay under way, started by Nadia Arslan" in listed
    assert "Replay under way" not in over
    assert "The run has succeeded." in over


def test_unchanged_part_answers_304_and_a_changed_one_does_not() -> None:
    handoff = given_stuck_refund()
    client, address = signed_in(), reverse("console:handoffs")
    first = client.get(address, {"partial": "list"})

    same = client.get(address, {"partial": "list"}, headers={"If-None-Match": first["ETag"]})
    Handoff.objects.filter(pk=handoff.pk).update(cause="Something else")
    changed = client.get(address, {"partial": "list"}, headers={"If-None-Match": first["ETag"]})

    assert (same.status_code, same.content) == (304, b"")
    assert changed.status_code == 200


def test_page_needs_a_sign_in_and_a_role() -> None:
    handoff = given_stuck_refund()
    nobody = Client()
    nobody.force_login(given_reader("", "Rolf Less"))
    address = reverse("console:handoff", args=[handoff.pk])

    assert Client().get(reverse("console:handoffs")).status_code == 302
    assert nobody.get(reverse("console:handoffs")).status_code == 403
    assert nobody.get(address).status_code == 404
    assert signed_in().get(reverse("console:handoff", args=[987654])).status_code == 404


def test_footer_lists_the_keys_that_work_for_this_reader_by_their_buttons_names() -> None:
    handoff = given_stuck_refund()
    address = reverse("console:handoff", args=[handoff.pk])

    page = signed_in("ops_lead", "Tomás Oliveira").get(address).text
    idle = signed_in("auditor", "Ines Falk").get(address).text

    offered = dict(re.findall(r'data-key="(\w)".*?</svg>([^<]+)<kbd>', page))
    listed = re.findall(r"<span><kbd>([A-Z])</kbd> ([^<]+)</span>", footer(page))
    assert {key.lower(): title for key, title in listed} == offered
    assert offered["s"] == "Retry step"
    assert re.findall(r"<span><kbd>([A-Z])</kbd> ", footer(idle)) == []


def footer(page: str) -> str:
    return page.partition('<footer class="keys"')[2].partition("</footer>")[0]


def test_key_of_a_locked_button_is_not_given_to_another() -> None:
    handoff = given_stuck_refund()
    Run.objects.update(amount_minor=9_999_999)

    page = signed_in().get(reverse("console:handoff", args=[handoff.pk])).text

    for key, title in re.findall(r'data-key="(\w)".*?</svg>([^<]+)<kbd>', page):
        assert (key == "r") == (title == "Replay"), (key, title)


def test_code_of_a_reason_is_not_shown_as_an_explanation() -> None:
    handoff = given_stuck_refund()
    Handoff.objects.filter(pk=handoff.pk).update(
        reason="refund_reversed", detail="refund_reversed", cause="A refund failed"
    )
    client = signed_in()

    for address in (
        reverse("console:handoff", args=[handoff.pk]),
        reverse("console:run", args=[handoff.run_id]),
        reverse("console:ticket", args=["desk:48213"]),
    ):
        assert ">refund_reversed<" not in client.get(address).text, address


def test_only_the_last_of_several_handoffs_of_a_run_is_now() -> None:
    handoff = given_stuck_refund()
    first = Attempt.objects.get(kind="handoff")
    again = uuid7_at(first.started_at + timedelta(minutes=1))
    Attempt.objects.create(
        id=again, run_id=first.run_id, path=first.path, kind="handoff", outcome="noted",
        reason=first.reason, started_at=first.started_at + timedelta(minutes=1),
    )  # fmt: skip
    client, address = signed_in(), reverse("console:handoff", args=[handoff.pk])

    ends = [line.end for line in client.get(address).context["lines"] if "Handed" in line.text]
    given_finished(handoff.run_id)
    over = [line.end for line in client.get(address).context["lines"] if "Handed" in line.text]

    assert (ends, over) == (["", "now"], ["", ""])


def test_answer_that_nobody_confirmed_does_not_read_as_done() -> None:
    handoff = given_stuck_refund()
    call = Attempt.objects.get(kind="call")
    for n in (1, 2):
        at = call.started_at + timedelta(seconds=10 * n)
        Attempt.objects.create(
            id=uuid7_at(at), run=call.run, path=call.path, kind="call", operation=call.operation,
            effect_key=call.effect_key, outcome="done", detail={"id": f"re_{n}"}, started_at=at,
        )  # fmt: skip
    client = signed_in()
    addresses = (
        reverse("console:handoff", args=[handoff.pk]),
        reverse("console:run", args=[handoff.run_id]) + "?view=list",
        reverse("console:ticket", args=["desk:48213"]),
    )

    for state, loose in (("unknown", 3), ("done", 2)):
        Effect.objects.filter(path="refund").update(state=state)
        for address in addresses:
            told = client.get(address).text
            assert told.count("Send the refund: answered, not confirmed") == loose, address
            assert told.count("Send the refund: done") == 3 - loose, address
