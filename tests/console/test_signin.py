"""The door: sign in and out, lock-out, sessions that end, passwords, and what is noted of it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from contracts_app.models import AuditEntry
from contracts_app.queries import clock
from meshline.console import middleware
from tests.console.builders import given_reader

pytestmark = pytest.mark.django_db
PASSWORD = "wood-lamp-river-coat"
SIGN_IN = "/signin/"


@pytest.fixture(autouse=True)
def quick_hashes(settings: Settings) -> None:
    """Hashing slowly is Django's affair; here it would only cost time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def nadia() -> User:
    return given_account("support_agent", "Nadia Arslan")


def given_account(role: str, name: str) -> User:
    user = given_reader(role, name)
    user.set_password(PASSWORD)
    user.save()
    return user


def attempt(client: Client, username: str, password: str | None = None) -> int:
    data = {"username": username, "password": password or "guess"}
    return client.post(SIGN_IN, data).status_code


def noted(*actions: str) -> list[tuple[str, str]]:
    rows = AuditEntry.objects.filter(action__in=actions).order_by("id")
    return list(rows.values_list("action", "object_id"))


def test_visitor_is_led_to_the_door_and_back_to_the_page_asked_for(
    client: Client, nadia: User
) -> None:
    asked = client.get("/sla/?period=7d")
    assert asked["Location"] == "/signin/?next=/sla/%3Fperiod%3D7d"

    entered = client.post(asked["Location"], {"username": "nadia", "password": PASSWORD})

    assert entered["Location"] == "/sla/?period=7d"
    assert noted("session.open") == [("session.open", "nadia")]


def test_e_mail_address_opens_the_door_too(client: Client, nadia: User) -> None:
    assert attempt(client, "NADIA@harbour.example", PASSWORD) == 302


@pytest.mark.parametrize("foreign", ["https://evil.example/", "//evil.example", "javascript:1"])
def test_door_leads_nowhere_outside(client: Client, nadia: User, foreign: str) -> None:
    data = {"username": "nadia", "password": PASSWORD, "next": foreign}

    assert client.post(SIGN_IN, data)["Location"] == "/"


def test_session_key_that_somebody_planted_is_worth_nothing(client: Client, nadia: User) -> None:
    client.get(SIGN_IN)
    session = client.session
    session["planted"] = "yes"
    session.save()
    before = session.session_key

    attempt(client, "nadia", PASSWORD)

    assert client.session.session_key != before


def test_wrong_password_is_refused_and_says_how_many_tries_are_left(
    client: Client, nadia: User
) -> None:
    page = client.post(SIGN_IN, {"username": "nadia", "password": "guess"})

    assert page.status_code == 422
    assert "That name and password do not match." in page.text
    assert "4 tries left, then a pause of 15 min." in page.text
    assert noted("session.refused") == [("session.refused", "nadia")]


def test_guesser_is_locked_out_even_with_the_right_password(client: Client, nadia: User) -> None:
    answers = [attempt(client, "nadia") for _ in range(5)]

    assert answers == [422, 422, 422, 422, 429]
    assert attempt(client, "nadia", PASSWORD) == 429
    assert len(noted("session.refused")) == 5
    assert noted("session.locked") == [("session.locked", "nadia")]
    assert "_auth_user_id" not in client.session


def test_sign_in_forgives_earlier_mistypings(client: Client, nadia: User) -> None:
    for _ in range(4):
        attempt(client, "nadia")
    assert attempt(client, "nadia", PASSWORD) == 302

    assert attempt(Client(), "nadia") == 422


def test_many_names_from_one_address_lock_the_address(client: Client, nadia: User) -> None:
    answers = [attempt(client, f"name{n}") for n in range(20)]

    assert answers[-1] == 429
    assert attempt(client, "nadia", PASSWORD) == 429
    assert attempt(Client(REMOTE_ADDR="192.0.2.7"), "nadia", PASSWORD) == 302


def test_name_that_nobody_has_is_kept_as_a_digest_only(client: Client) -> None:
    attempt(client, "my-real-password")

    [(_, kept)] = noted("session.refused")
    assert kept.startswith("unknown:")
    assert "password" not in kept


def test_closed_account_is_refused_like_a_wrong_password(client: Client, nadia: User) -> None:
    User.objects.update(is_active=False)
    page = client.post(SIGN_IN, {"username": "nadia", "password": PASSWORD})

    assert page.status_code == 422
    assert "do not match" in page.text


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_share_the_five_tries() -> None:
    given_account("support_agent", "Nadia Arslan")
    answers: list[int] = []

    def guess() -> None:
        try:
            answers.append(attempt(Client(), "nadia"))
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(noted("session.refused")) == 5
    assert sorted(answers)[-5:] == [429] * 5


def test_sign_out_needs_a_post_and_is_noted(client: Client, nadia: User) -> None:
    client.force_login(nadia)
    assert client.get(reverse("console:signout")).status_code == 405

    answer = client.post(reverse("console:signout"))

    assert answer["Location"] == SIGN_IN
    assert answer["Clear-Site-Data"] == '"cache"'
    assert noted("session.end") == [("session.end", "nadia")]
    assert client.get("/account/").status_code == 302


@pytest.mark.parametrize(("role", "idle_min", "ends"), [("support_agent", 60, False),
                                                       ("support_agent", 8 * 60 + 1, True),
                                                       ("admin", 31, True)])  # fmt: skip
def test_idle_session_ends_sooner_for_administrators(
    client: Client, role: str, idle_min: int, ends: bool
) -> None:
    given_account(role, "Nadia Arslan")
    attempt(client, "nadia", PASSWORD)
    _seen(client, minutes_ago=idle_min)

    assert (client.get("/account/").status_code == 302) is ends
    assert bool(noted("session.end")) is ends


def test_polling_page_does_not_keep_a_session_alive(client: Client, nadia: User) -> None:
    attempt(client, "nadia", PASSWORD)
    _seen(client, minutes_ago=60)
    before = client.session[middleware.SEEN_AT]

    client.get("/?partial=board")
    assert client.session[middleware.SEEN_AT] == before
    client.get("/account/")
    assert client.session[middleware.SEEN_AT] > before


def _seen(client: Client, *, minutes_ago: int) -> None:
    session = client.session
    session[middleware.SEEN_AT] = int(clock.now().timestamp()) - minutes_ago * 60
    session.save()


def test_signed_in_pages_stay_out_of_caches_and_carry_their_number(
    client: Client, nadia: User
) -> None:
    client.force_login(nadia)
    page = client.get("/account/")

    assert page["Cache-Control"] == "no-store"
    assert page["X-Request-Id"].startswith("req_")


def test_entries_say_from_where(client: Client, nadia: User) -> None:
    page = Client(REMOTE_ADDR="192.0.2.7").post(
        SIGN_IN, {"username": "nadia", "password": PASSWORD}
    )

    entry = AuditEntry.objects.get(action="session.open")
    assert (entry.address, entry.request_id) == ("192.0.2.7", page["X-Request-Id"])


def test_forwarded_address_counts_only_behind_a_known_proxy(
    client: Client, nadia: User, settings: Settings
) -> None:
    forged = {"HTTP_X_FORWARDED_FOR": "203.0.113.9, 198.51.100.2"}
    data = {"username": "nadia", "password": PASSWORD}
    client.post(SIGN_IN, data, **forged)  # type: ignore[arg-type]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    Client().post(SIGN_IN, data, **forged)  # type: ignore[arg-type]

    rows = AuditEntry.objects.filter(action="session.open").order_by("id")
    assert list(rows.values_list("address", flat=True)) == ["127.0.0.1", "198.51.100.2"]


def test_changed_password_ends_the_other_sessions(client: Client, nadia: User) -> None:
    other = Client()
    for one in (client, other):
        attempt(one, "nadia", PASSWORD)
    new = "quiet-harbour-morning-7"
    page = reverse("console:password")
    weak = {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}
    assert client.post(page, weak).status_code == 422

    client.post(page, {"old_password": PASSWORD, "new_password1": new, "new_password2": new})

    assert client.get("/account/").status_code == 200
    assert other.get("/account/").status_code == 302
    assert noted("session.password") == [("session.password", "nadia")]


def test_account_shows_roles_and_refused_sign_ins(client: Client, nadia: User) -> None:
    attempt(client, "nadia")
    attempt(client, "nadia", PASSWORD)
    page = client.get("/account/").text

    assert "Support agent" in page
    assert "Refused" in page
    assert "Signed in" in page


def test_times_are_shown_in_the_zone_that_the_browser_told(client: Client, nadia: User) -> None:
    client.force_login(nadia)
    assert "Europe/Berlin" in client.get("/account/").text
    client.cookies[middleware.ZONE_COOKIE] = "Asia/Tokyo"
    assert "Asia/Tokyo" in client.get("/account/").text
    client.cookies[middleware.ZONE_COOKIE] = "../../etc/passwd"
    assert "Europe/Berlin" in client.get("/account/").text


def test_administration_has_the_same_door(client: Client, nadia: User) -> None:
    given_account("admin", "Henrike Sand")
    asked = client.get("/admin/", follow=True)
    assert asked.redirect_chain[-1][0] == "/signin/?next=/admin/"

    attempt(client, "nadia", PASSWORD)
    refused = client.get("/admin/login/?next=/admin/")
    assert refused.status_code == 403


def test_demo_logins_are_shown_only_where_a_file_names_them(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    logins = tmp_path / "logins.json"
    logins.write_text(
        '[{"username":"nadia","password":"pw-pw-pw","role":"support_agent","name":"Nadia Arslan"}]'
    )
    assert "Demo logins" not in client.get(SIGN_IN).text
    settings.PILOT_LOGINS = str(logins)
    page = client.get(SIGN_IN).text
    assert "Support agent: works the handoffs" in page
    assert "pw-pw-pw" in page


def test_door_says_how_the_parts_are_and_nothing_about_customers(client: Client) -> None:
    page = client.get(SIGN_IN).text

    assert "Not all parts are running" in page
    assert "no worker answers" in page


def test_form_sent_after_signing_out_is_not_done_and_leads_back_to_its_page(
    client: Client, nadia: User
) -> None:
    page = "http://testserver/handoffs/?mine=1"
    sent = client.post("/handoffs/7/claim/", headers={"Referer": page})
    assert sent["Location"] == "/signin/?next=/handoffs/%3Fmine%3D1"
    assert "nothing was done" in client.get(sent["Location"]).content.decode()

    entered = client.post(sent["Location"], {"username": "nadia", "password": PASSWORD})

    assert client.get(entered["Location"]).status_code == 200


def test_form_sent_from_elsewhere_leads_to_the_first_page(client: Client) -> None:
    sent = client.post("/handoffs/7/claim/", headers={"Referer": "https://evil.example/x"})
    assert sent["Location"] == "/signin/?next=/"


def test_part_of_a_page_asked_for_after_signing_out_moves_the_whole_page(client: Client) -> None:
    asked = client.get(
        "/?partial=board",
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/sla/"},
    )
    assert (asked.status_code, asked["HX-Redirect"]) == (200, "/signin/?next=/sla/")
