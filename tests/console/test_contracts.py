"""Contracts: the catalogue with its facets, and one contract in any of its versions."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse

from contracts_app.models import Contract, ContractVersion, Owner, Ownership, SignOff
from contracts_app.queries import clock
from contracts_app.rules.contract_spec import parse_contract
from contracts_app.rules.standards.cloudevents import schema_address
from meshline.core import safejson, yaml12
from orchestration.services import tallies
from tests.builders import accepted, refund_requested
from tests.console.builders import given_reader, given_stuck_refund
from tests.console.held_builders import given_mended_contract, given_registry

pytestmark = pytest.mark.django_db
REFUND = "billing.refund.completed"
REQUEST = "support.refund.requested"


@pytest.fixture
def registry(db: None) -> None:
    given_registry()


def browser(role: str = "support_agent", name: str = "Sam Porter") -> Client:
    client = Client()
    client.force_login(given_reader(role, name))
    return client


def names(client: Client, **filters: Any) -> list[str]:
    context = client.get(reverse("console:contracts"), filters).context
    return [row.listed.name for row in context["rows"]]


def opened(client: Client, *args: str, **filters: str) -> str:
    route = "console:contract-version" if len(args) > 1 else "console:contract"
    answer = client.get(reverse(route, args=args), filters)
    assert answer.status_code == 200
    return answer.content.decode()


def test_empty_catalogue_says_what_a_contract_is() -> None:
    page = browser().get(reverse("console:contracts")).content.decode()

    assert "No contract yet" in page


@pytest.mark.usefixtures("registry")
class TestCatalogue:
    def test_lists_every_contract_with_version_producer_and_owners(self) -> None:
        page = browser().get(reverse("console:contracts")).content.decode()

        assert len(names(browser(name="Kim Porter"))) == Contract.objects.count()
        assert REFUND in page
        assert "1.2.0" in page
        assert 'title="Lena Moritz"' in page
        assert "Billing" in page

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            ({"q": "refund.comp"}, True),
            ({"q": "failure_code"}, True),
            ({"q": "Lena Moritz"}, True),
            ({"q": "no such thing"}, False),
            ({"risk": "critical"}, True),
            ({"risk": "low"}, False),
            ({"risk": ["low", "critical"]}, True),
            ({"status": "active"}, True),
            ({"status": "draft"}, False),
            ({"status": "draft,active"}, True),
            ({"system": "billing"}, True),
            ({"system": "shop"}, False),
            ({"owner": "Edda Brandt"}, True),
            ({"owner": "Nobody"}, False),
            ({"missing": "owner"}, False),
            ({"risk": "critical", "system": "shop"}, False),
        ],
    )
    def test_search_and_facets_narrow_it(self, wanted: dict[str, Any], found: bool) -> None:
        assert (REFUND in names(browser(), **wanted)) == found

    def test_facet_says_how_many_each_value_would_leave(self) -> None:
        context = browser().get(reverse("console:contracts"), {"system": "billing"}).context

        facets = {facet["name"]: facet["options"] for facet in context["facets"]}
        shown = len(context["rows"])
        assert sum(option["count"] for option in facets["risk"]) == shown
        assert sum(option["count"] for option in facets["system"]) == Contract.objects.count()

    def test_contract_without_an_owner_in_a_role_is_found_as_such(self) -> None:
        Ownership.objects.filter(contract__name=REFUND, role="product").delete()

        assert names(browser(), missing="owner") == [REFUND]

    def test_my_contracts_are_those_that_i_own(self) -> None:
        client = Client()
        lena = User.objects.get(username="lena")
        lena.groups.add(Group.objects.get(name="contract_owner"))
        client.force_login(lena)

        mine = names(client, mine="1")

        assert REFUND in mine
        assert len(mine) <= Contract.objects.count()
        assert names(browser(), mine="1") == []

    def test_what_waits_and_what_went_by_itself_come_from_the_rows_behind(self) -> None:
        given_stuck_refund()
        for _ in range(3):
            tallies.count("straight", now=clock.now(), contract=REQUEST)

        context = browser().get(reverse("console:contracts"), {"sort": "waiting"}).context

        first = context["rows"][0]
        assert first.listed.name == REQUEST
        assert (first.traffic.waiting, first.traffic.received) == (1, 1)
        assert first.traffic.by_itself == 0.75

    def test_ticked_facet_answers_with_the_list_alone(self) -> None:
        answer = browser().get(
            reverse("console:contracts"), {"risk": "critical"}, headers={"HX-Request": "true"}
        )

        assert answer.content.lstrip().startswith(b'<section class="card" id="contract-list"')

    def test_costs_the_same_queries_however_many_contracts_there_are(self) -> None:
        client = browser()
        client.get(reverse("console:contracts"))
        client.get(reverse("console:contracts"))
        with CaptureQueriesContext(connection) as before:
            client.get(reverse("console:contracts"))
        for number in range(20):
            Contract.objects.create(name=f"x.{number}")
        client.get(reverse("console:contracts"))  # reads the registry anew, once
        with CaptureQueriesContext(connection) as after:
            client.get(reverse("console:contracts"))

        assert len(after) == len(before)

    def test_long_catalogue_is_paged_and_filters_count_all_of_it(self) -> None:
        for number in range(120):
            Contract.objects.create(name=f"x.c{number:03d}", risk="low")

        client = browser()
        first, third = (names(client, risk="low", page=page) for page in ("1", "3"))
        shown = client.get(reverse("console:contracts"), {"risk": "low"}).content.decode()

        assert (first[0], len(first)) == ("x.c000", 50)
        assert third[-1] == "x.c119"
        assert "Page 1 of 3" in shown
        assert "risk=low&amp;page=2" in shown or "page=2&amp;risk=low" in shown

    def test_change_of_owner_or_system_is_seen_at_once(self) -> None:
        client = browser()
        assert "Lena Renamed" not in client.get(reverse("console:contracts")).content.decode()

        row = Ownership.objects.filter(contract__name=REFUND, role="contract").get()
        Owner.objects.filter(pk=row.owner_id).update(title="Lena Renamed", person=None)

        assert "Lena Renamed" in client.get(reverse("console:contracts")).content.decode()

    def test_file_holds_the_list_for_who_may_export(self) -> None:
        answer = browser("auditor").get(reverse("console:contracts-csv"), {"risk": "critical"})

        listed = list(csv.DictReader(io.StringIO(answer.content.decode())))
        assert REFUND in [row["contract"] for row in listed]
        assert {row["risk"] for row in listed} == {"critical"}
        refused = browser(name="Kim Porter").get(reverse("console:contracts-csv"))
        assert refused.status_code == 403


@pytest.mark.usefixtures("registry")
class TestContract:
    def test_shows_owners_in_three_roles_with_how_to_reach_them(self) -> None:
        page = opened(browser(), REFUND)

        assert "Lena Moritz" in page
        assert "lena@harbour.example" in page
        assert "Product owner" in page
        assert "support-platform-primary" in page

    def test_version_from_a_file_does_not_pass_for_signed(self) -> None:
        page = opened(browser(), REFUND)

        assert "No signature kept" in page
        assert "Installed from a file" in page
        assert "Signed" not in page

    def test_signature_given_here_is_shown_with_who_and_when(self) -> None:
        version = ContractVersion.objects.get(contract__name=REFUND)
        lena = User.objects.get(username="lena")
        SignOff.objects.create(
            version=version, role="contract", verdict="yes", digest=version.digest, signed_by=lena
        )
        SignOff.objects.create(
            version=version, role="product", verdict="yes", digest="e" * 64, signed_by=lena
        )

        page = opened(browser(), REFUND)

        assert page.count(">Signed<") == 1

    def test_shows_risk_promises_route_fallback_and_runbooks(self) -> None:
        page = opened(browser(), REFUND)

        assert "financial_harm" in page
        assert "within 15 min" in page
        assert "payload 400 days" in page
        assert "Retries are used up" in page
        assert "refund-manual" in page
        assert "at most 20 a month" in page

    def test_shows_which_flows_start_and_await_it(self) -> None:
        page = opened(browser(), REFUND)

        assert "awaited by billing_ack" in page
        assert "refund-reversal" in page
        assert "starts it" in page
        assert "helpdesk" in page

    @pytest.mark.parametrize(
        ("tab", "text"),
        [
            ("schema", "additionalProperties"),
            ("examples", "currency_lowercase"),
            ("states", "ticket may resolve"),
            ("versions", "1.2.0"),
            ("document", "full_transitive"),
        ],
    )
    def test_every_side_of_the_document_has_its_address(self, tab: str, text: str) -> None:
        assert text in opened(browser(), REFUND, tab=tab)

    def test_changes_between_any_two_versions_are_shown(self) -> None:
        given_mended_contract()

        page = opened(browser(), REQUEST, "1.1.0", tab="changes")

        assert "from=1.0.0" in page
        assert 'class="ln del"' in page
        assert 'class="ln add"' in page

    def test_older_version_says_which_one_serves(self) -> None:
        given_mended_contract()

        page = opened(browser(), REQUEST, "1.0.0")

        assert "You look at version 1.0.0." in page
        assert "New events are judged by 1.1.0" in page

    def test_half_written_draft_shows_its_text_and_what_is_wrong(self) -> None:
        contract = Contract.objects.get(name=REFUND)
        ContractVersion.objects.create(
            contract=contract, version="2.0.0", state="draft", text="name: x", body={"name": "x"},
            digest="d" * 64,
        )  # fmt: skip

        page = opened(browser(), REFUND, "2.0.0")

        assert "This text is not a contract yet." in page
        assert "name: x" in page

    def test_newest_events_and_handoffs_are_linked(self) -> None:
        handoff = given_stuck_refund(requester_name="Maja Lindqvist")

        page = opened(browser(), REQUEST)

        assert reverse("console:handoff", args=[handoff.pk]) in page
        assert "Acknowledgement missing" in page
        assert "trg_" in page

    def test_customers_name_is_masked_for_a_manager(self) -> None:
        given_stuck_refund(requester_name="Maja Lindqvist")

        agent = opened(browser(), REQUEST)
        manager = opened(browser("manager", "Olga Manager"), REQUEST)

        assert "Maja Lindqvist" in agent
        assert "Lindqvist" not in manager

    def test_link_to_admin_is_for_those_allowed(self) -> None:
        owner = given_reader("contract_owner", "Olga Owner")
        owner.is_staff = True
        owner.save()
        may_view = Permission.objects.get(codename="view_contractversion")
        Group.objects.get(name="contract_owner").permissions.add(may_view)
        staff = Client()
        staff.force_login(owner)

        assert "Open in admin" not in opened(browser(), REFUND)
        assert "Open in admin" not in opened(browser("ops_lead", "Otto Lead"), REFUND)
        assert "Open in admin" in opened(staff, REFUND)

    def test_schema_comes_as_a_file(self) -> None:
        answer = browser().get(reverse("console:contract-schema", args=[REFUND, "1.2.0"]))

        schema: Any = safejson.loads(answer.content)
        assert schema["properties"]["type"]["const"] == REFUND
        assert "attachment" in answer["Content-Disposition"]

    @pytest.mark.parametrize(
        ("standard", "kind", "says"),
        [
            ("odcs", "application/yaml", "apiVersion: v3.1.0"),
            ("asyncapi", "application/yaml", "http://testserver/api/v1/contracts/"),
            ("draft-07", "application/schema+json", "http://json-schema.org/draft-07/schema#"),
            ("2020-12", "application/schema+json", "https://json-schema.org/draft/2020-12/schema"),
        ],
    )
    def test_published_version_comes_in_other_standards(
        self, standard: str, kind: str, says: str
    ) -> None:
        address = reverse("console:contract-standard", args=[REFUND, "1.2.0", standard])
        client = browser()
        assert address in opened(client, REFUND)

        answer = client.get(address)

        assert answer.status_code == 200
        assert answer["Content-Type"].startswith(kind)
        assert f'filename="{REFUND}-1.2.0.' in answer["Content-Disposition"]
        assert says in answer.content.decode()

    def test_other_standards_say_the_state_of_the_registry(self) -> None:
        ContractVersion.objects.filter(contract__name=REFUND).update(state="deprecated")

        answer = browser().get(reverse("console:contract-standard", args=[REFUND, "1.2.0", "odcs"]))

        assert "status: deprecated" in answer.content.decode()

    def test_address_of_the_schema_is_the_registrys_own(self) -> None:
        spec = parse_contract(yaml12.load(ContractVersion.objects.get(contract__name=REFUND).text))
        address = schema_address(spec, "http://testserver")

        assert resolve(address.removeprefix("http://testserver")).view_name == (
            "api:contract-version"
        )

    def test_only_readers_take_other_standards_and_only_of_published_versions(self) -> None:
        address = reverse("console:contract-standard", args=[REFUND, "1.2.0", "odcs"])
        stranger = Client()
        stranger.force_login(User.objects.create_user("nobody-in-particular"))
        assert stranger.get(address).status_code == 403
        assert Client().get(address).status_code == 302

        reader = browser()
        other = reverse("console:contract-standard", args=[REFUND, "1.2.0", "avro"])
        assert reader.get(other).status_code == 404
        contract = Contract.objects.get(name=REFUND)
        ContractVersion.objects.create(
            contract=contract, version="2.0.0", state="draft", text="name: x", body={"name": "x"},
            digest="d" * 64,
        )  # fmt: skip
        draft = reverse("console:contract-standard", args=[REFUND, "2.0.0", "odcs"])
        assert reader.get(draft).status_code == 404
        assert draft not in opened(reader, REFUND, "2.0.0")

    def test_what_is_not_there_is_not_found(self) -> None:
        client = browser()

        for route, args in (
            ("console:contract", ["no.such"]),
            ("console:contract-version", [REFUND, "9.9.9"]),
            ("console:contract-schema", [REFUND, "9.9.9"]),
            ("console:contract-standard", [REFUND, "9.9.9", "odcs"]),
        ):
            assert client.get(reverse(route, args=args)).status_code == 404

    def test_counts_are_those_of_the_last_day(self) -> None:
        accepted("helpdesk", refund_requested())
        body = refund_requested()
        accepted("helpdesk", body)
        accepted("helpdesk", body)

        answer = browser().get(reverse("console:contract", args=[REQUEST]))

        figures = answer.context["traffic"]
        assert (figures.received, figures.duplicate) == (2, 1)
