"""NUL in an address or a query finds nothing, and never breaks a view."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.test import Client

from tests.api.signing import encoded, signed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


def test_address_with_nul_is_not_found(client: Client, key: Callable[..., str]) -> None:
    raw = encoded({})
    answer = client.generic(
        "POST",
        "/api/v1/ingest/no%00such",
        raw,
        content_type="application/json",
        headers=signed("zendesk", raw),
    )
    assert (answer.status_code, answer["content-type"]) == (404, "application/problem+json")
    headers = {"Authorization": f"Bearer {key('contracts:read')}"}
    for address in ("a%00b/versions/1.0.0", "shop.cart.updated/versions/1.0.0%00"):
        answer = client.get(f"/api/v1/contracts/{address}", headers=headers)
        assert (answer.status_code, answer["content-type"]) == (404, "application/problem+json")
    assert client.get("/tickets/desk:1%00/").status_code == 404


def test_query_with_nul_is_refused_by_the_api(client: Client, key: Callable[..., str]) -> None:
    headers = {"Authorization": f"Bearer {key('runs:read')}"}
    answer = client.get("/api/v1/runs?ticket=desk:48%0012", headers=headers)
    assert answer.status_code == 400
    assert json.loads(answer.content)["remedy"]


@pytest.mark.parametrize(
    "address",
    [
        "inbox/?contract=%00",
        "runs/?flow=a%00",
        "search/?q=%00",
        "audit/?actor=%00",
        "held/?source=%00",
        "runs/?flow=%0%000",
    ],
)
def test_pages_search_without_nul(admin_client: Client, address: str) -> None:
    assert admin_client.get(f"/{address}", follow=True).status_code < 500


def test_sign_in_with_nul_is_refused(client: Client) -> None:
    form = {"username": "a\0b", "password": "c\0d"}
    assert client.post("/signin/", form, follow=True).status_code < 500


def test_json_that_is_none_is_told_once_with_a_remedy(client: Client) -> None:
    raw = b'{"a": "\n"}'
    answer = client.generic(
        "POST",
        "/api/v1/ingest/helpdesk",
        raw,
        content_type="application/json",
        headers=signed("zendesk", raw),
    )
    told = json.loads(answer.content)
    assert answer.status_code == 400
    assert told["remedy"]
    assert "at at" not in told["detail"]
