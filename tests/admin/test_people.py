"""Accounts, API keys, owners and sources in the administration."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from contracts_app.models import ApiKey, AuditEntry, Owner, Source
from contracts_app.queries import clock
from contracts_app.queries.people import roles_of
from contracts_app.services import sources
from contracts_app.services.credentials import verify_key
from meshline.core.errors import NotAuthentic
from orchestration.services.sources import default_text, save_source
from tests.admin.conftest import SignIn
from tests.services.people import given_person
from tests.services.test_documents import given_contracts

pytestmark = pytest.mark.django_db


def change(user: User) -> str:
    return reverse("admin:auth_user_change", args=[user.pk])


def edited(user: User, **more: object) -> dict[str, object]:
    return {
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "is_active": "on",
        **more,
    }


def given_source() -> Source:
    given_contracts("support.refund.requested")
    text = default_text(
        "erp", scheme="stripe", contracts=["support.refund.requested"], on_violation="reject"
    )
    return save_source(text=text, now=clock.now())


def test_new_account_gets_a_password_that_is_shown_once(sign_in: SignIn) -> None:
    client = sign_in("admin")

    answer = client.post(
        reverse("admin:auth_user_add"),
        {"username": "nora", "first_name": "Nora", "last_name": "L", "email": "n@example.com",
         "roles": ["contract_owner"]},
    )  # fmt: skip

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    (password,) = re.findall(r"<code>([a-z2-7-]{19})</code>", answer.content.decode())
    assert Client().login(username="nora", password=password)
    assert password not in client.get(change(User.objects.get(username="nora"))).content.decode()


def test_administrator_changes_roles_of_others_and_not_their_own(sign_in: SignIn) -> None:
    boss = given_person("admin", username="boss")
    agent = given_person("support_agent")
    client = sign_in(user=boss)

    client.post(change(agent), edited(agent, roles=["ops_lead"]))
    client.post(change(boss), edited(boss, roles=["admin", "runtime_owner"]))

    assert roles_of(agent) == {"ops_lead"}
    assert roles_of(boss) == {"admin"}
    assert 'name="roles"' not in client.get(change(boss)).content.decode()


def test_administrator_cannot_make_a_superuser_or_take_over_one(sign_in: SignIn) -> None:
    root = given_person("admin", username="root", superuser=True)
    agent = given_person("support_agent")
    client = sign_in(user=given_person("admin", username="boss"))

    client.post(change(agent), edited(agent, roles=["support_agent"], is_superuser="on"))
    agent.refresh_from_db()
    password = reverse("admin:auth_user_new_password", args=[root.pk])

    assert not agent.is_superuser
    assert client.post(password).status_code == 403
    assert client.post(change(root), edited(root, roles=["admin"])).status_code == 403


def test_closed_account_is_signed_out_at_its_next_request(sign_in: SignIn) -> None:
    agent = given_person("runtime_owner")
    theirs = sign_in(user=agent)
    assert theirs.get("/admin/").status_code == 200

    data = edited(agent, roles=["runtime_owner"])
    data.pop("is_active")
    sign_in("admin").post(change(agent), data)

    assert theirs.get("/admin/").status_code == 302


def test_new_password_ends_the_old_one(sign_in: SignIn) -> None:
    agent = given_person("runtime_owner")

    answer = sign_in("admin").post(reverse("admin:auth_user_new_password", args=[agent.pk]))

    (password,) = re.findall(r"<code>([a-z2-7-]{19})</code>", answer.content.decode())
    agent.refresh_from_db()
    assert agent.check_password(password)
    assert AuditEntry.objects.filter(action="user.password", actor="admin").exists()


@pytest.mark.parametrize("role", ["runtime_owner", "contract_owner", "auditor"])
def test_other_roles_make_no_accounts_and_no_keys(sign_in: SignIn, role: str) -> None:
    client = sign_in(role)

    for name in ("auth_user", "contracts_app_apikey"):
        assert client.post(reverse(f"admin:{name}_add"), {"name": "x"}).status_code == 403
    assert User.objects.count() == 1


def test_issued_key_is_shown_once_works_and_is_revoked_at_once(sign_in: SignIn) -> None:
    given_source()
    client = sign_in("admin")

    answer = client.post(
        reverse("admin:contracts_app_apikey_add"),
        {"name": "erp", "scopes": ["ingest:erp", "runs:read"]},
    )

    assert "no-store" in answer["Cache-Control"]
    token = re.findall(r"<code>(msh_[^<]+)</code>", answer.content.decode())[0]
    key = verify_key(token, clock.now())
    assert key.scopes == ["ingest:erp", "runs:read"]
    shown = client.get(reverse("admin:contracts_app_apikey_change", args=[key.pk]))
    assert token not in shown.content.decode()
    assert "Revoke" in shown.content.decode()

    client.post(reverse("admin:contracts_app_apikey_revoke", args=[key.pk]))

    with pytest.raises(NotAuthentic):
        verify_key(token, clock.now())
    assert ApiKey.objects.get().revoked_at is not None


def test_nobody_makes_themselves_the_person_who_signs(sign_in: SignIn) -> None:
    boss = given_person("admin", username="boss")
    owner = Owner.objects.create(name="team", title="Team")
    client = sign_in(user=boss)
    url = reverse("admin:contracts_app_owner_change", args=[owner.pk])

    answer = client.post(url, {"title": "Team", "person": boss.pk}, follow=True)

    assert "Nobody makes themselves" in answer.content.decode()
    owner.refresh_from_db()
    assert owner.person is None


def test_source_is_edited_as_text_and_its_secret_never_shown_again(sign_in: SignIn) -> None:
    source = given_source()
    (secret,) = sources.secrets_of(source, clock.now())
    client = sign_in("runtime_owner")
    url = reverse("admin:contracts_app_source_change", args=[source.pk])

    shown = client.get(url).content.decode()
    assert secret not in shown
    assert f"…{secret[-4:]}" in shown
    edited_text = source.text.replace("on_violation: reject", "on_violation: hold")
    client.post(url, {"text": edited_text, "enabled": "on"})

    source.refresh_from_db()
    assert (source.on_violation, source.enabled) == ("hold", True)


def test_source_is_switched_off_and_audited(sign_in: SignIn) -> None:
    source = given_source()
    url = reverse("admin:contracts_app_source_change", args=[source.pk])

    sign_in("runtime_owner").post(url, {"text": source.text})

    source.refresh_from_db()
    assert not source.enabled
    assert AuditEntry.objects.filter(action="source.close").exists()


def test_new_signing_secret_is_shown_once_and_the_old_one_lives_for_a_day(
    sign_in: SignIn,
) -> None:
    source = given_source()
    (old,) = sources.secrets_of(source, clock.now())

    answer = sign_in("runtime_owner").post(
        reverse("admin:contracts_app_source_roll", args=[source.pk])
    )

    live = sources.secrets_of(source, clock.now())
    assert live[1] == old
    assert live[0] in answer.content.decode().replace("&#x3D;", "=")


def test_source_that_names_an_unknown_contract_is_refused_with_its_line(sign_in: SignIn) -> None:
    source = given_source()
    bad = source.text.replace("support.refund.requested", "support.refund.wanted")
    line = 1 + bad[: bad.index("contract: support.refund.wanted")].count("\n")

    answer = sign_in("runtime_owner").post(
        reverse("admin:contracts_app_source_change", args=[source.pk]), {"text": bad}
    )

    assert f"line {line}" in answer.content.decode()
    source.refresh_from_db()
    assert "wanted" not in source.text
