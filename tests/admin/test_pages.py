"""Every page of the administration, by role: who sees it, and that big tables are not counted."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contracts_app.admin.base import UncountedAdmin
from contracts_app.models import AuditEntry
from contracts_app.queries import clock
from contracts_app.services import audit
from contracts_app.services.roles import roles
from meshline.core.ids import uuid7_at
from orchestration.models import Effect, Event
from tests.admin.conftest import SignIn
from tests.services.people import given_person

pytestmark = pytest.mark.django_db

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label_lower)


def url(model: type, page: str = "changelist") -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}")  # type: ignore[attr-defined]


@pytest.mark.parametrize("slug", list(roles()))
def test_role_sees_exactly_the_lists_that_its_data_names(sign_in: SignIn, slug: str) -> None:
    client, role = sign_in(slug), roles()[slug]

    for model in MODELS:
        meta = model._meta
        answer = client.get(url(model))
        if not role.staff:
            assert answer.status_code == 302, meta.label
            continue
        seen = f"{meta.app_label}.view_{meta.model_name}" in role.permissions
        assert answer.status_code == (200 if seen else 403), meta.label


@pytest.mark.parametrize("slug", ["contract_owner", "runtime_owner", "auditor", "admin"])
def test_role_may_add_only_what_its_data_names(sign_in: SignIn, slug: str) -> None:
    client, role = sign_in(slug), roles()[slug]

    for model in MODELS:
        meta = model._meta
        named = f"{meta.app_label}.add_{meta.model_name}" in role.permissions
        offered = admin.site._registry[model].has_add_permission(_request(client))
        status = client.get(url(model, "add")).status_code
        assert status == (200 if offered else 403), meta.label
        assert named or not offered, meta.label


def test_anonymous_visitor_is_sent_to_sign_in(client: Client) -> None:
    assert client.get("/admin/").status_code == 302


def test_every_list_answers_with_filters_and_search(sign_in: SignIn) -> None:
    client = sign_in(superuser=True)

    for model in MODELS:
        options = admin.site._registry[model]
        assert options.search_fields or model._meta.app_label == "django_celery_beat", model
        assert client.get(url(model)).status_code == 200, model
        assert client.get(url(model), {"q": "desk:1"}).status_code in (200, 302), model


def test_big_tables_are_never_counted(sign_in: SignIn) -> None:
    client = sign_in(superuser=True)
    big = [model for model in MODELS if isinstance(admin.site._registry[model], UncountedAdmin)]
    assert {AuditEntry, Event, Effect} <= set(big)

    for model in big:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(url(model)).status_code == 200
        table = model._meta.db_table
        counted = [
            q for q in queries.captured_queries if "COUNT(" in q["sql"] and table in q["sql"]
        ]
        assert counted == [], model


def test_audit_log_is_paged_without_counting(sign_in: SignIn) -> None:
    client, now = sign_in("auditor"), clock.now()
    for number in range(120):
        audit.record(
            action="x.y", actor="nadia", object_type="thing", object_id=number,
            now=now + timedelta(milliseconds=number),
        )  # fmt: skip

    first, third = client.get(url(AuditEntry)), client.get(url(AuditEntry), {"p": "3"})

    assert len(first.context["cl"].result_list) == 50
    assert "thing 119" in first.content.decode()
    assert "?p=2" in first.content.decode()
    assert 0 < len(third.context["cl"].result_list) < 50
    assert client.get(url(AuditEntry), {"p": "99"}).status_code in (200, 302)


def test_audit_entry_is_read_and_never_changed_even_by_a_superuser(sign_in: SignIn) -> None:
    entry = audit.record(action="x.y", actor="nadia", object_type="thing", object_id=1)
    client = sign_in(superuser=True)
    page = reverse("admin:contracts_app_auditentry_change", args=[entry.pk])

    shown = client.get(page)

    assert shown.status_code == 200
    assert b'name="_save"' not in shown.content
    assert client.post(page, {"reason": "nothing happened"}).status_code == 403
    assert client.post(page.replace("change", "delete"), {"post": "yes"}).status_code == 403


def test_contract_owner_reads_audit_entries_of_own_contracts_only(sign_in: SignIn) -> None:
    from contracts_app.models import Contract, Owner, Ownership

    owner = given_person("contract_owner", username="lena", owns=("team",))
    contract = Contract.objects.create(name="a.b")
    Ownership.objects.create(
        contract=contract, role="contract", owner=Owner.objects.get(name="team")
    )
    for name in ("a.b", "c.d"):
        audit.record(action="x.y", actor="x", object_type="contract", object_id=name, contract=name)

    page = sign_in(user=owner).get(url(AuditEntry)).content.decode()

    assert "contract a.b" in page
    assert "contract c.d" not in page


def test_times_are_exact_and_say_their_zone(sign_in: SignIn) -> None:
    entry = audit.record(action="x.y", actor="nadia", object_type="thing", object_id=1)

    page = sign_in("auditor").get(url(AuditEntry)).content.decode()

    assert re.search(rf"{entry.at.year}-\d\d-\d\d \d\d:\d\d:\d\d [A-Z]+", page)


def test_event_page_shows_facts_and_no_personal_data(sign_in: SignIn) -> None:
    now = clock.now()
    event = Event.objects.create(
        id=uuid7_at(now), source="billing", external_id="e1", kind="refund.updated",
        state="accepted", received_at=now, digest="d", ticket="desk:1",
        email="jane.roe@example.com", customer_name="Jane Roe",
    )  # fmt: skip

    page = sign_in("auditor").get(reverse("admin:orchestration_event_change", args=[event.pk]))

    assert page.status_code == 200
    assert b"desk:1" in page.content
    assert b"jane.roe" not in page.content
    assert b"Jane Roe" not in page.content


@pytest.mark.parametrize("name", ["periodictask", "intervalschedule", "crontabschedule"])
def test_pages_of_the_scheduler_carry_no_script_of_their_own(sign_in: SignIn, name: str) -> None:
    page = sign_in("admin").get(reverse(f"admin:django_celery_beat_{name}_add"))

    assert page.status_code == 200
    scripts = page.content.decode().split("<script")[1:]
    inline = [text for text in scripts if "src=" not in text.split(">")[0]]
    assert all('type="application/json"' in text.split(">")[0] for text in inline)


def _request(client: Client) -> WSGIRequest:
    answer = client.get("/admin/")
    return answer.wsgi_request
