"""API keys and signing secrets: shown once, kept as digest or sealed, ended at once."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core import management
from django.core.management.base import CommandError

from contracts_app.models import ApiKey, AuditEntry, Source, WebhookSecret
from contracts_app.queries import clock
from contracts_app.services import sources
from contracts_app.services.credentials import issue_key, revoke_key, verify_key
from contracts_app.services.sources import SourceText
from meshline.core.errors import BadValue, Conflict, NotAuthentic
from meshline.core.secretbox import SecretUnreadable, key_of, new_key

pytestmark = pytest.mark.django_db


SECRET = "whsec_0123456789abcdef"


def given_source(scheme: str = "stripe", secret: str | None = SECRET) -> Source:
    source, _ = sources.create_source(
        slug="billing",
        scheme=scheme,
        on_violation="hold",
        document=SourceText("a: 1", {"a": 1}),
        secret=secret,
        now=clock.now(),
    )
    return source


def test_issued_key_is_accepted_and_its_secret_kept_nowhere() -> None:
    now = clock.now()
    issued = issue_key(name="erp", scopes=["runs:read", "ingest:billing"], now=now)

    key = verify_key(issued["key"], now)

    assert key.key_id == issued["id"]
    assert key.scopes == ["ingest:billing", "runs:read"] == issued["scopes"]
    secret = issued["key"].split("_", 2)[2]
    kept = f"{ApiKey.objects.values().get()} {AuditEntry.objects.values().get()}"
    assert secret not in kept
    assert secret[:43] not in kept


def test_wrong_expired_and_revoked_keys_are_refused_alike() -> None:
    now = clock.now()
    issued = issue_key(name="a", scopes=["runs:read"], expires_at=now + timedelta(hours=1), now=now)
    token = issued["key"]
    other = issue_key(name="b", scopes=["runs:read"], now=now)["key"]
    crossed = f"msh_{issued['id']}_{other.split('_', 2)[2]}"
    changed = token[:-1] + ("0" if token[-1] != "0" else "1")

    for bad in ("", "msh_", changed, crossed, token.upper(), token + "x", "Bearer " + token):
        with pytest.raises(NotAuthentic):
            verify_key(bad, now)
    with pytest.raises(NotAuthentic):
        verify_key(token, now + timedelta(hours=1))
    revoke_key(key=ApiKey.objects.get(key_id=issued["id"]), now=now)
    with pytest.raises(NotAuthentic) as refused:
        verify_key(token, now)
    assert "revoked" not in str(refused.value)


def test_key_remembers_its_use_at_most_once_a_minute() -> None:
    now = clock.now()
    token = issue_key(name="a", scopes=["runs:read"], now=now)["key"]

    for seconds in (0, 30, 59, 90):
        verify_key(token, now + timedelta(seconds=seconds))

    assert ApiKey.objects.get().last_used_at == now + timedelta(seconds=90)


@pytest.mark.parametrize("scopes", [[], ["everything"], ["ingest:"], ["ingest:../x"], ["runs:*"]])
def test_key_with_unknown_scopes_is_refused(scopes: list[str]) -> None:
    with pytest.raises(BadValue):
        issue_key(name="a", scopes=scopes, now=clock.now())


def test_signing_secret_is_sealed_in_its_row_and_opens_only_there() -> None:
    source = given_source()
    row = WebhookSecret.objects.get()

    assert sources.secrets_of(source, clock.now()) == [SECRET]
    assert "0123456789" not in row.sealed
    assert row.hint == "cdef"
    assert "0123456789" not in str(list(AuditEntry.objects.values()))
    moved = WebhookSecret.objects.create(source=source, sealed=row.sealed, hint="cdef")
    row.delete()
    with pytest.raises(SecretUnreadable):
        sources.secrets_of(source, clock.now())
    assert moved.pk


def test_rolled_secret_lives_beside_the_old_one_until_the_overlap_ends() -> None:
    now = clock.now()
    source = given_source()

    fresh = sources.roll_secret(source=source, overlap=timedelta(hours=24), now=now)

    assert sources.secrets_of(source, now) == [fresh, SECRET]
    assert sources.secrets_of(source, now + timedelta(hours=24)) == [fresh]


def test_third_live_secret_is_refused_and_an_ended_one_counts_no_more() -> None:
    now = clock.now()
    source = given_source()
    sources.add_secret(source=source, now=now)

    with pytest.raises(Conflict):
        sources.add_secret(source=source, now=now)
    oldest = WebhookSecret.objects.order_by("id")[0]
    sources.end_secret(secret=oldest, now=now)
    assert sources.add_secret(source=source, now=now) in sources.secrets_of(source, now)


def test_source_without_signature_takes_no_secret() -> None:
    source = given_source(scheme="apikey", secret=None)

    assert sources.secrets_of(source, clock.now()) == []
    with pytest.raises(BadValue):
        sources.add_secret(source=source, now=clock.now())


def test_rotation_seals_every_secret_with_the_newest_key(settings: object) -> None:
    source = given_source()
    settings.SECRET_KEYS = [new_key("fresh"), *settings.SECRET_KEYS]  # type: ignore[attr-defined]

    assert sources.reseal_secrets(now=clock.now()) == 1

    assert key_of(WebhookSecret.objects.get().sealed) == "fresh"
    settings.SECRET_KEYS = settings.SECRET_KEYS[:1]  # type: ignore[attr-defined]
    assert sources.secrets_of(source, clock.now()) == [SECRET]


def test_key_command_prints_a_key_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    management.call_command("apikey_create", "erp", "--scope", "ingest:orders", "runs:read")

    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"id", "key", "scopes"}
    assert verify_key(printed["key"], clock.now()).scopes == ["ingest:orders", "runs:read"]
    with pytest.raises(CommandError, match="no scope"):
        management.call_command("apikey_create", "--scope", "root")


def test_user_command_prints_a_login_that_works(
    capsys: pytest.CaptureFixture[str], client: object
) -> None:
    management.call_command("user_create", "--role", "ops_lead")

    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"username", "password", "role"}
    assert client.login(  # type: ignore[attr-defined]
        username=printed["username"], password=printed["password"]
    )
