"""The public catalogue: what a stranger reads, and what no stranger may find out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contracts_app.models import Contract, ContractState, ContractVersion, Owner
from contracts_app.rules.contract_spec import parse_contract
from contracts_app.rules.public_contract import public_document
from meshline.console import public_catalogue
from meshline.core import yaml12
from tests.builders import PILOT
from tests.console.builders import given_reader
from tests.console.held_builders import given_registry

pytestmark = pytest.mark.django_db
REFUND = "billing.refund.completed"
LIST = "console:public"
# Whatever names a person, a rota, a route or a runbook of the pilot.
PRIVATE = (
    "Lena",
    "lena@",
    "mailto:",
    "refund-callback",
    "quarantine",
    "escalate",
    "financial_harm",
)


@pytest.fixture
def stranger(settings: Any) -> Client:
    settings.PUBLIC_CATALOGUE = True
    given_registry()
    return Client()


def page(client: Client, route: str, *args: str, **filters: str) -> str:
    answer = client.get(reverse(route, args=args), filters)
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def names(client: Client, **filters: str) -> list[str]:
    answer = client.get(reverse(LIST), filters)
    return [one.name for one in answer.context["page"]]


def given_draft(name: str, *, says: str) -> ContractVersion:
    """A draft of a contract, of one that is in service or of a new one."""
    row = ContractVersion.objects.filter(contract__name=REFUND, state="active").get()
    body = {**row.body, "name": name, "version": "9.0.0", "status": "draft", "title": says}
    contract, _ = Contract.objects.get_or_create(
        name=name, defaults={"title": says, "risk": "low", "domain": "support"}
    )
    return ContractVersion.objects.create(
        contract=contract, version="9.0.0", state="draft", body=body,
        text=row.text.replace(row.version, "9.0.0"), digest="d" * 64,
    )  # fmt: skip


@pytest.mark.parametrize(
    "address", ["/published/", f"/published/{REFUND}/", f"/published/{REFUND}/1.2.0/as/odcs"]
)
def test_where_the_setting_is_off_there_is_nothing(address: str) -> None:
    given_registry()
    signed_in = Client()
    signed_in.force_login(given_reader(name="Sam Porter"))

    assert Client().get(address).status_code == 404
    assert signed_in.get(address).status_code == 404


def test_stranger_finds_what_is_in_service_by_name_field_and_system(stranger: Client) -> None:
    everything = names(stranger)

    in_service = ContractVersion.objects.filter(state__in=["active", "deprecated"])
    assert everything == sorted(set(in_service.values_list("contract__name", flat=True)))
    assert REFUND in names(stranger, q="refund.comp")
    assert REFUND in names(stranger, q="FAILURE_code")
    assert REFUND in names(stranger, system="Billing")
    assert names(stranger, q="no such thing") == []
    assert "No published contract says that" in page(stranger, LIST, q="no such thing")


def test_stranger_reads_schema_examples_promises_and_teams(stranger: Client) -> None:
    shown = page(stranger, "console:public-contract", REFUND)

    team = Owner.objects.filter(ownerships__contract__name=REFUND).first()
    assert team is not None
    assert team.title in shown
    assert "failure_code" in shown
    assert "Acknowledged" in shown
    assert "is refused at" in page(stranger, "console:public-contract", REFUND, tab="examples")
    assert "sends billing.refund.completed" in shown


@pytest.mark.parametrize("tab", ["schema", "examples", "states", "changes", "versions", "document"])
def test_page_names_no_person_route_or_runbook(stranger: Client, tab: str) -> None:
    shown = page(stranger, "console:public-contract", REFUND, tab=tab)

    own = shown[shown.index("<main") :]
    assert not [word for word in PRIVATE if word in own]
    assert not [one for one in User.objects.all() if one.get_full_name() in own]


@pytest.mark.parametrize("standard", ["odcs", "asyncapi", "draft-07", "2020-12"])
def test_downloads_hold_the_public_part_only(stranger: Client, standard: str) -> None:
    number = ContractVersion.objects.get(contract__name=REFUND, state="active").version
    text = page(stranger, "console:public-standard", REFUND, number, standard)

    assert "failure_code" in text
    assert "@" not in text.replace("maja@customer.example", "")  # an example's own
    assert not [word for word in PRIVATE if word in text]
    assert stranger.get(f"/published/{REFUND}/{number}/as/word").status_code == 404


def test_nothing_tells_of_a_draft(stranger: Client) -> None:
    given_draft(REFUND, says="Zanzibar")
    given_draft("secret.plan.made", says="Zanzibar")

    listed = page(stranger, LIST)
    assert "9.0.0" not in listed + page(stranger, "console:public-contract", REFUND)
    assert names(stranger, q="Zanzibar") == []
    hidden = stranger.get("/published/secret.plan.made/")
    unknown = stranger.get("/published/nobody.has.this/")
    assert (hidden.status_code, unknown.status_code) == (404, 404)
    assert bare(hidden) == bare(unknown)
    assert "Nothing is published at this address" in bare(unknown)
    for address in (
        f"{REFUND}/9.0.0/",
        f"{REFUND}/9.0.0/as/2020-12",
        f"{REFUND}/../{REFUND}/9.0.0/",
    ):
        assert stranger.get(f"/published/{address}").status_code == 404
    assert "9.0.0" not in page(
        stranger, "console:public-contract", REFUND, tab="changes", **{"from": "9.0.0"}
    )


def bare(answer: Any) -> str:
    """A page without the number of its request."""
    text: str = answer.content.decode()
    return text.replace(answer.headers["X-Request-Id"], "")


def test_search_matches_no_person(stranger: Client) -> None:
    assert names(stranger, q="Lena") == []
    assert names(stranger, q="Moritz") == []


def test_owner_titled_like_its_person_is_no_team(stranger: Client) -> None:
    owner = Owner.objects.filter(ownerships__contract__name=REFUND).first()
    assert owner is not None
    assert owner.person is not None
    Owner.objects.filter(pk=owner.pk).update(title=owner.person.get_full_name())

    assert owner.person.get_full_name() not in page(stranger, "console:public-contract", REFUND)
    assert names(stranger, q=owner.person.last_name) == []


def test_retired_contract_is_gone(stranger: Client) -> None:
    shown = names(stranger)
    ContractVersion.objects.filter(contract__name=REFUND).update(state=ContractState.RETIRED)

    assert names(stranger) == [name for name in shown if name != REFUND]
    assert stranger.get(f"/published/{REFUND}/").status_code == 404


def test_deprecated_version_says_until_when(stranger: Client) -> None:
    ContractVersion.objects.filter(contract__name=REFUND).update(
        state=ContractState.DEPRECATED, deprecated_at=timezone.now(), sunset_on="2027-01-31"
    )

    assert "It ends on 2027-01-31" in " ".join(
        page(stranger, "console:public-contract", REFUND).split()
    ) or "Jan. 31, 2027" in page(stranger, "console:public-contract", REFUND)


def test_answer_is_asked_for_again_and_indexed_by_nobody(stranger: Client) -> None:
    answer = stranger.get(reverse("console:public-contract", args=[REFUND]))

    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "session" not in answer.cookies


def test_who_asks_too_often_is_told_to_wait(
    stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_catalogue, "PER_S", 0.001)
    monkeypatch.setattr(public_catalogue, "BURST", 2)
    address, client = reverse(LIST), Client(REMOTE_ADDR="192.0.2.77")

    assert [client.get(address).status_code for _ in range(3)] == [200, 200, 429]
    refused = client.get(address)
    assert int(refused.headers["Retry-After"]) > 1
    assert "Too many pages at once" in refused.content.decode()
    assert Client(REMOTE_ADDR="192.0.2.78").get(address).status_code == 200


def test_list_asks_as_little_of_the_database_for_many_as_for_one(stranger: Client) -> None:
    page(stranger, LIST)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        page(stranger, LIST, q="refund")
    assert len(asked) <= 12


def test_only_what_is_allowed_is_copied_so_that_new_fields_stay_private() -> None:
    body: dict[str, Any] = {
        "name": "a.b", "status": "draft", "x-odcs": {"team": ["Lena"]}, "brand_new": 1,
        "producer": {"system": "billing", "team": "payments", "channel": {"secret": 1}},
        "consumers": [{"system": "bi", "expects": {"fields": ["/x"]}, "note": "n"}],
        "risk": {"class": "critical", "reasons": ["financial_harm"], "data": {"pii": ["/x"]}},
        "owners": {"contract": {"group": "payments", "person": "lena@example.com"}},
    }  # fmt: skip

    assert public_document(body, state="active") == {
        "name": "a.b",
        "status": "active",
        "producer": {"system": "billing", "team": "payments"},
        "consumers": [{"system": "bi"}],
        "risk": {"data": {"pii": ["/x"]}},
        "owners": {"contract": {"group": "payments"}},
    }


def test_public_part_of_every_pilot_contract_says_its_schema_whole() -> None:
    for path in (PILOT / "contracts").rglob("*.yaml"):
        document = yaml12.load(path.read_bytes(), name=path.name)
        spec = parse_contract(document)
        public = public_document(spec.document, state="active")
        assert public["schema"] == spec.document["schema"]
        assert "person" not in json.dumps(public["owners"])
