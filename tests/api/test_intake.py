"""POST ingest/<source> through the HTTP client: each status of the list, and no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from contracts_app.models import ContractVersion, Source
from contracts_app.queries import clock
from contracts_app.services import retiring
from contracts_app.services.sources import add_secret, end_secret
from orchestration.models import DeliveryConflict, Event, EventBody, HeldEvent, Run
from tests.api.signing import SECRETS, encoded, signed
from tests.builders import next_id, refund_requested

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]

PAYLOADS = Path(__file__).resolve().parent.parent / "payloads"
Keys = Callable[..., str]


def post(
    client: Client, source: str, raw: bytes, headers: dict[str, str], kind: str = "application/json"
) -> HttpResponse:
    address = f"/api/v1/ingest/{source}"
    response: Any = client.generic("POST", address, raw, content_type=kind, headers=headers)
    if response.status_code != 202:
        told = json.loads(response.content)
        assert response["content-type"] == "application/problem+json"
        assert told["status"] == response.status_code
        assert told["code"]
        assert told["detail"].endswith(".")
    return response  # type: ignore[no-any-return]


def webhook(client: Client, body: Any, **signing: Any) -> HttpResponse:
    """A delivery of the help desk's, signed as it signs."""
    raw = encoded(body)
    return post(client, "helpdesk", raw, signed("zendesk", raw, **signing))


def cart(**more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": next_id("evt"),
        "source": "/warehouse",
        "type": "shop.cart.updated",
        "time": "2026-11-23T12:00:00Z",
        "data": {"cart_token": "c1", "total_minor": 14820, "currency": "EUR"},
        **more,
    }


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("source", "scheme", "payload"),
    [
        ("helpdesk", "zendesk", "helpdesk/refund_requested.json"),
        ("billing", "stripe", "billing/refund.updated.succeeded.json"),
        ("shop", "shopify", "shop/checkouts.update.json"),
        ("pager", "standardwebhooks", "pager/page.acknowledged.json"),
    ],
)
def test_signed_webhook_of_each_pilot_source_is_accepted_and_its_bytes_are_kept(
    client: Client, source: str, scheme: str, payload: str
) -> None:
    raw = (PAYLOADS / payload).read_bytes()
    response = post(client, source, raw, signed(scheme, raw))
    assert response.status_code == 202
    told = json.loads(response.content)
    assert sorted(told) == ["duplicate", "event_id"]
    assert told["duplicate"] is False
    assert bytes(EventBody.objects.get(pk=told["event_id"]).raw or b"") == raw
    assert Event.objects.get(pk=told["event_id"]).source == source


def test_same_delivery_again_is_told_to_be_a_duplicate_under_the_first_id(client: Client) -> None:
    body = refund_requested()
    first, second = (json.loads(webhook(client, body).content) for _ in range(2))
    assert second == {"event_id": first["event_id"], "duplicate": True}
    assert Run.objects.filter(event_id=first["event_id"]).count() == 1


def test_key_with_the_sources_scope_may_send(client: Client, key: Keys) -> None:
    response = post(client, "warehouse", encoded(cart()), bearer(key("ingest:warehouse")))
    assert response.status_code == 202


def test_key_may_send_to_a_source_that_signs_too(client: Client, key: Keys) -> None:
    raw = encoded(refund_requested())
    assert post(client, "helpdesk", raw, bearer(key("ingest:helpdesk"))).status_code == 202
    assert post(client, "helpdesk", raw, bearer(key("ingest:*"))).status_code == 202


def test_key_of_another_scope_is_not_allowed(client: Client, key: Keys) -> None:
    raw = encoded(cart())
    for scopes in (["ingest:billing"], ["runs:read", "contracts:read"]):
        assert post(client, "warehouse", raw, bearer(key(*scopes))).status_code == 403
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Zendesk-Webhook-Signature": "AAAA"},
        signed("stripe", b"{}", secret=SECRETS["zendesk"]),
        {"Authorization": "Basic bWU6c2VjcmV0"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer msh_aaaaaaaa_" + "A" * 51},
        {"Authorization": "Bearer something-else"},
    ],
)
def test_delivery_without_a_proof_is_not_authentic(client: Client, headers: dict[str, str]) -> None:
    response = post(client, "helpdesk", encoded(refund_requested()), headers)
    assert response.status_code == 401
    assert response["www-authenticate"] == "Bearer"
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "signing",
    [
        {"secret": "wrong"},
        {"age": timedelta(seconds=310)},
        {"age": timedelta(seconds=-310)},
    ],
)
def test_wrong_secret_or_clock_is_not_authentic(client: Client, signing: dict[str, Any]) -> None:
    assert webhook(client, refund_requested(), **signing).status_code == 401


def test_changed_body_is_not_authentic(client: Client) -> None:
    raw = encoded(refund_requested(amount_minor=100))
    headers = signed("zendesk", raw)
    assert post(client, "helpdesk", raw.replace(b"100", b"999"), headers).status_code == 401


def test_caller_who_is_not_authentic_learns_nothing_of_body_or_schema(client: Client) -> None:
    answers = {
        post(client, "helpdesk", raw, {}, kind).content
        for raw, kind in (
            (b"{}", "application/json"),
            (b"not json", "application/json"),
            (b'{"a":1,"a":2}', "application/json"),
            (b"a=b", "application/x-www-form-urlencoded"),
            (encoded(refund_requested()), "application/json"),
        )
    }
    assert len(answers) == 1
    assert b"amount_minor" not in answers.pop()


def test_old_and_new_secret_are_both_good_while_one_is_rolled(client: Client) -> None:
    source = Source.objects.get(name="helpdesk")
    old = source.secrets.get()
    add_secret(source=source, secret="the new one of the tests", now=clock.now())
    assert webhook(client, refund_requested(), secret="the new one of the tests").status_code == 202
    assert webhook(client, refund_requested()).status_code == 202
    end_secret(secret=old, now=clock.now())
    assert webhook(client, refund_requested()).status_code == 401
    assert webhook(client, refund_requested(), secret="the new one of the tests").status_code == 202


def test_unknown_switched_off_and_internal_sources_are_not_found(client: Client) -> None:
    Source.objects.filter(name="shop").update(enabled=False)
    raw = encoded(cart())
    for source in ("nope", "shop", "meshline", "UPPER", "a%20b"):
        assert post(client, source, raw, signed("shopify", raw)).status_code == 404, source


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_only_post_is_taken(client: Client, method: str) -> None:
    response = client.generic(method, "/api/v1/ingest/helpdesk")
    assert response.status_code == 405
    assert response["allow"] == "POST"
    assert response["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("address", ["ingest", "ingest/", "ingest/helpdesk/", "ingest/a/b", "x"])
def test_address_that_is_none_is_a_problem_too(client: Client, method: str, address: str) -> None:
    response = client.generic(method, f"/api/v1/{address}", b"{}")
    assert response.status_code == 404
    assert response["content-type"] == "application/problem+json"


def test_same_id_with_another_body_is_a_conflict_and_the_first_stands(client: Client) -> None:
    body = refund_requested(amount_minor=1000)
    first = json.loads(webhook(client, body).content)
    assert webhook(client, {**body, "amount_minor": 9000}).status_code == 409
    assert DeliveryConflict.objects.get().event_id == Event.objects.get(pk=first["event_id"]).pk
    assert Run.objects.get(event_id=first["event_id"]).amount_minor == 1000


def test_order_of_keys_and_white_space_make_no_conflict(client: Client) -> None:
    body = refund_requested()
    webhook(client, body)
    raw = json.dumps(dict(reversed(body.items())), indent=2).encode()
    response = post(client, "helpdesk", raw, signed("zendesk", raw))
    assert json.loads(response.content)["duplicate"] is True


def test_body_over_a_mebibyte_is_too_large_even_when_signed(client: Client) -> None:
    raw = encoded({"id": "x", "pad": "a" * 1024 * 1024})
    assert post(client, "helpdesk", raw, signed("zendesk", raw)).status_code == 413


def test_body_of_a_mebibyte_is_read(client: Client) -> None:
    body = refund_requested()
    body["pad"] = "a" * (1024 * 1024 - len(encoded({**body, "pad": ""})))
    raw = encoded(body)
    assert len(raw) == 1024 * 1024
    assert post(client, "helpdesk", raw, signed("zendesk", raw)).status_code == 202


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=utf-16",
        "application/jsonp",
        "application/cloudevents-batch+json",
    ],
)
def test_body_that_is_not_json_by_its_type_is_not_read(client: Client, kind: str) -> None:
    raw = encoded(refund_requested())
    assert post(client, "helpdesk", raw, signed("zendesk", raw), kind).status_code == 415


def test_packed_body_is_not_read(client: Client) -> None:
    raw = encoded(refund_requested())
    headers = {**signed("zendesk", raw), "Content-Encoding": "gzip"}
    assert post(client, "helpdesk", raw, headers).status_code == 415


@pytest.mark.parametrize(
    "kind",
    ["application/json; charset=UTF-8", 'Application/JSON;charset="utf-8"',
     "application/cloudevents+json", "application/cloudevents+json; charset=UTF-8"],
)  # fmt: skip
def test_json_in_utf_8_may_say_so(client: Client, kind: str) -> None:
    raw = encoded(refund_requested())
    assert post(client, "helpdesk", raw, signed("zendesk", raw), kind).status_code == 202


@pytest.mark.parametrize(
    "raw",
    [
        b"   ",
        b"{",
        b"nonsense",
        b'{"a": NaN}',
        b'{"a": 1e400}',
        b'{"a": 1, "a": 2}',
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"[" * 20_000 + b"]" * 20_000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
def test_hostile_json_is_a_bad_request_and_never_a_server_error(client: Client, raw: bytes) -> None:
    response = post(client, "helpdesk", raw, signed("zendesk", raw))
    assert response.status_code == 400
    assert "path" in json.loads(response.content)


@pytest.mark.parametrize("raw", [b"[]", b"1", b'"text"', b"null", b"{}"])
def test_json_of_another_shape_is_held_and_not_lost(client: Client, raw: bytes) -> None:
    response = post(client, "helpdesk", raw, signed("zendesk", raw))
    assert response.status_code == 202
    assert HeldEvent.objects.filter(event_id=json.loads(response.content)["event_id"]).exists()


def test_source_that_rejects_lists_every_violation_with_its_path(client: Client, key: Keys) -> None:
    body = cart(data={"cart_token": 7, "total_minor": "x", "currency": "eur"})
    response = post(client, "warehouse", encoded(body), bearer(key("ingest:warehouse")))
    assert response.status_code == 422
    told = json.loads(response.content)
    assert {violation["path"] for violation in told["violations"]} == {
        "/data/cart_token",
        "/data/total_minor",
        "/data/currency",
    }
    assert all(violation["sentence"] for violation in told["violations"])
    assert not Event.objects.exists()


def test_source_that_holds_takes_a_violation_and_tells_the_sender_nothing(client: Client) -> None:
    response = webhook(client, refund_requested(currency="eu", ticket_id="77"))
    assert response.status_code == 202
    told = json.loads(response.content)
    assert sorted(told) == ["duplicate", "event_id"]
    assert HeldEvent.objects.filter(event_id=told["event_id"]).exists()
    assert not Run.objects.filter(event_id=told["event_id"]).exists()


def test_sender_over_the_limit_is_told_when_to_come_back(
    client: Client, key: Keys, settings: Settings
) -> None:
    settings.INGEST_RATE_PER_S, settings.INGEST_BURST = 1, 2
    mine, other = bearer(key("ingest:warehouse")), bearer(key("ingest:warehouse"))
    answers = [post(client, "warehouse", encoded(cart()), mine) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [202, 202, 429, 429]
    assert answers[-1]["retry-after"] == "1"
    assert post(client, "warehouse", encoded(cart()), other).status_code == 202


def test_limit_is_lifted_while_valkey_is_away(
    client: Client, key: Keys, settings: Settings, unused_port: int
) -> None:
    settings.INGEST_RATE_PER_S, settings.INGEST_BURST = 1, 1
    settings.BROKER_URL = f"redis://127.0.0.1:{unused_port}/0"
    mine = bearer(key("ingest:warehouse"))
    answers = [post(client, "warehouse", encoded(cart()), mine) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 202]


def test_what_breaks_inside_is_a_503_with_an_id_and_never_a_500(client: Client) -> None:
    Source.objects.filter(name="helpdesk").update(scheme="nonsense")
    response = webhook(client, refund_requested())
    assert response.status_code == 503
    assert response["retry-after"]
    assert "nonsense" not in response.content.decode()


def test_key_shows_in_no_answer_and_no_log(
    client: Client, key: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    token = key("runs:read")
    with caplog.at_level("DEBUG"):
        response = post(client, "warehouse", encoded(cart()), bearer(token))
        wrong = post(client, "warehouse", encoded(cart()), bearer(token[:-1] + "x"))
    secret = token.split("_", 2)[2]
    assert secret not in response.content.decode() + wrong.content.decode() + caplog.text


def test_sender_with_a_key_may_name_its_delivery_where_the_body_holds_no_id(
    client: Client, key: Keys
) -> None:
    Source.objects.filter(name="warehouse").update(on_violation="hold")
    body = cart()
    del body["id"]
    headers = {**bearer(key("ingest:warehouse")), "Idempotency-Key": "batch-7/3"}
    first, second = (
        json.loads(post(client, "warehouse", encoded(body), headers).content) for _ in range(2)
    )
    assert (second["event_id"], second["duplicate"]) == (first["event_id"], True)
    assert Event.objects.get(pk=first["event_id"]).external_id == "batch-7/3"


def test_delivery_without_tls_is_refused_where_the_console_is_on_https(
    client: Client, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    raw = encoded(refund_requested())
    headers = signed("zendesk", raw)

    refused = post(client, "helpdesk", raw, headers)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    taken = post(client, "helpdesk", raw, {**headers, "X-Forwarded-Proto": "https"})

    assert refused.status_code == 403
    assert "X-Forwarded-Proto" in refused.json()["remedy"]  # type: ignore[attr-defined]
    assert taken.status_code == 202
    assert client.get("/api/v1/healthz").status_code == 200
    assert client.get("/").status_code == 301


def test_sender_under_a_deprecated_version_is_told_to_move_on(client: Client) -> None:
    version = ContractVersion.objects.get(contract__name="support.refund.requested")
    now = clock.now()
    retiring.deprecate(
        version=version, sunset_on=(now + timedelta(days=30)).date(), reason="2.0 comes", now=now
    )

    answer = webhook(client, refund_requested())

    assert answer.status_code == 202
    assert answer["Deprecation"] == f"@{int(now.timestamp())}"
    assert answer["Sunset"].endswith("00:00:00 GMT")
