"""The demo's ribbon beside a real sandbox, beside one that has gone, and where there is none."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from contracts_app.queries import clock
from meshline.console import demo
from orchestration.models import Effect
from orchestration.queries.claims import claims
from orchestration.services import tallies
from tests.builders import given_pilot
from tests.console.builders import given_finished, given_reader, given_stuck_refund
from tests.sandbox_process import Sandbox, running_sandbox

pytestmark = pytest.mark.django_db
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def vendors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(vendors: Sandbox, settings: Settings) -> Iterator[Sandbox]:
    settings.SANDBOX_URL = vendors.http
    demo.forget()
    yield vendors
    demo.forget()


@pytest.fixture
def client(client: Client) -> Client:
    client.force_login(given_reader())
    return client


def test_without_a_sandbox_there_is_no_ribbon_and_no_story(client: Client) -> None:
    assert 'id="ribbon"' not in client.get("/").text
    assert client.get(reverse("console:demo-ribbon")).status_code == 404
    assert client.post(reverse("console:demo-start")).status_code == 404


def test_telling_a_story_that_is_not_there_does_nothing(settings: Settings) -> None:
    demo.told("replay")
    settings.SANDBOX_URL = NOWHERE
    began = time.monotonic()
    demo.told("flow.replay")
    demo.start_once()

    assert time.monotonic() - began < 3


def test_page_stands_while_the_sandbox_is_away(client: Client, settings: Settings) -> None:
    settings.SANDBOX_URL = NOWHERE
    demo.forget()
    page = client.get("/")

    assert page.status_code == 200
    assert "The sandbox is away" in page.text
    assert client.post(reverse("console:demo-start"), follow=True).status_code == 200


def test_ribbon_offers_the_start_then_the_pause(client: Client, sandbox: Sandbox) -> None:
    before = client.get("/").text
    assert "A story in eight chapters" in before
    assert before.count(">Start the story</button>") == 1
    assert "not yet" in before

    started = client.post(
        reverse("console:demo-start"), headers={"Referer": "http://testserver/sla/"}
    )

    assert started["Location"] == "http://testserver/sla/"
    assert "Chapter 1 of 8" in client.get(reverse("console:demo-ribbon")).text
    client.post(reverse("console:demo-pause"))
    assert "Go on" in client.get("/").text


def test_story_is_steered_by_post_and_never_sends_one_elsewhere(
    client: Client, sandbox: Sandbox
) -> None:
    assert client.get(reverse("console:demo-again")).status_code == 405
    foreign = {"Referer": "https://evil.example/"}

    assert client.post(reverse("console:demo-pause"), headers=foreign)["Location"] == "/"


def test_claims_stand_beside_the_books_and_a_lasting_difference_shows(
    client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post(reverse("console:demo-start"))
    client.post(reverse("console:demo-pause"))
    tallies.count("rejected", now=clock.now(), n=3)
    monkeypatch.setattr(demo, "GRACE_S", 0.2)
    _drawn(client)
    time.sleep(0.4)

    lost = _drawn(client)["Lost, doubled"]

    assert (lost["ours"], lost["theirs"]) == ("3, 0", "0, 0")
    assert lost["agrees"] in (False, None)  # None: a webhook is still on its way to nowhere


def _drawn(client: Client) -> dict[str, dict[str, object]]:
    demo.forget()
    found = demo.ribbon()
    assert found is not None
    return {claim["label"]: claim for claim in found["claims"]}


@pytest.mark.parametrize(
    ("wants", "label"), [("replay", "Open H-"), (None, ""), ("escalate", "Open H-")]
)
def test_story_that_waits_leads_to_the_handoff(wants: str | None, label: str) -> None:
    given_pilot()
    handoff = given_stuck_refund(ticket="48213")
    link, said = demo._link({"wants": wants, "ticket": "desk:48213"})

    assert said.startswith(label)
    assert link == (reverse("console:handoff", args=[handoff.pk]) if wants else "")


def test_story_leads_to_the_ticket_while_there_is_no_handoff() -> None:
    link, said = demo._link({"wants": "escalate", "ticket": "desk:48222"})

    assert (link, said) == (reverse("console:ticket", args=["desk:48222"]), "Open desk:48222")


def test_story_that_is_told_leads_to_the_handoffs_that_are_left(
    client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"state": "done", "text_bold": "The story is told.", "chapter": 8, "of": 8}
    monkeypatch.setattr(demo._heard, "story", told)
    monkeypatch.setattr(demo, "_listen", lambda: demo._heard)
    given_pilot()
    ribbon = reverse("console:demo-ribbon")
    assert [client.get(ribbon + brief).text.count(">Open ") for brief in ("", "?brief=1")] == [0, 0]

    for n, said in ((1, "Open 1 handoff</a>"), (2, "Open 2 handoffs</a>")):
        given_stuck_refund(ticket=f"{n}")

        for brief in ("", "?brief=1"):
            shown = client.get(ribbon + brief).text
            assert shown.count(said) == 1
            assert f'class="btn primary small" href="{reverse("console:handoffs")}"' in shown


def test_refund_is_claimed_only_once_billing_has_acknowledged_it() -> None:
    given_pilot()
    handoff = given_stuck_refund()
    now = clock.now()
    assert claims(staff=[], now=now).refunds_made == 0

    given_finished(handoff.run_id)

    assert claims(staff=[], now=now).refunds_made == 1


def test_same_thing_done_under_two_keys_is_claimed_as_doubled() -> None:
    given_pilot()
    given_stuck_refund()
    now = clock.now()
    assert claims(staff=[], now=now).doubled == 0
    effect = Effect.objects.get()
    effect.pk, effect.key = None, "another"
    effect.save(force_insert=True)

    assert claims(staff=[], now=now).doubled == 1


def test_mails_to_our_own_people_are_not_mails_to_customers() -> None:
    given_pilot()
    given_stuck_refund()
    for n, to in enumerate(("maja@example.com", "Lena@harbour.example")):
        effect = Effect.objects.order_by("pk")[0]
        effect.pk, effect.key, effect.scope = None, f"mail{n}", "mail.send"
        effect.request, effect.digest = {"to": to}, str(n)
        effect.save(force_insert=True)

    assert claims(staff=["lena@harbour.example"], now=clock.now()).mails == 1
