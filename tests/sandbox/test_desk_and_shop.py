"""The simulated desk, shop, mail and pager answer and remember like the vendors."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

import pytest

from tests.sandbox.running import SECRETS, Catcher, RunningSandbox


def _put(sandbox: RunningSandbox, ticket: str, **wanted: object) -> dict[str, object]:
    answer = sandbox.client.put(f"/helpdesk/api/v2/tickets/{ticket}.json", json={"ticket": wanted})
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_what_meshline_writes_comes_back_as_user_9000(
    sandbox: RunningSandbox, meshline: Catcher
) -> None:
    ticket = sandbox.act("ticket")["ticket_id"]

    _put(sandbox, ticket, status="solved", comment={"body": "Confirmed.", "public": False})

    changed = meshline.wait("zen:event-type:ticket.status_changed")[0].json
    assert changed["detail"]["actor_id"] == "9000"
    assert (changed["event"]["current"], changed["event"]["previous"]) == ("SOLVED", "OPEN")
    comment = meshline.wait("zen:event-type:ticket.comment_added")[0].json["event"]["comment"]
    assert comment["author"]["id"] == "9000"
    assert comment["is_public"] is False


def test_a_write_is_found_again_by_its_key_and_a_second_one_shows(sandbox: RunningSandbox) -> None:
    ticket = sandbox.act("ticket")["ticket_id"]
    for _ in range(2):
        _put(sandbox, ticket, comment={"body": "Once."}, metadata={"meshline_key": "k-1"})

    audits = sandbox.client.get(f"/helpdesk/api/v2/tickets/{ticket}/audits.json").json()["audits"]

    assert [audit["metadata"]["custom"] for audit in audits] == [{"meshline_key": "k-1"}] * 2
    assert sandbox.books()["ticket_writes_doubled"] == 1


def test_custom_fields_are_kept_and_unknown_ones_ignored(sandbox: RunningSandbox) -> None:
    ticket = sandbox.act("ticket")["ticket_id"]

    fields = [{"id": 360011, "value": "cart-1"}, {"id": 999, "value": "x"}]
    _put(sandbox, ticket, custom_fields=fields)

    shown = sandbox.client.get(f"/helpdesk/api/v2/tickets/{ticket}.json").json()["ticket"]
    values = {field["id"]: field["value"] for field in shown["custom_fields"]}
    assert values[360011] == "cart-1"
    assert 999 not in values
    assert sandbox.books()["by_ticket"][f"desk:{ticket}"]["cart"] is True


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"ticket": {"status": "happy"}}, 422),
        ({"ticket": {"comment": {"body": " "}}}, 422),
        ({"ticket": {"custom_fields": "all"}}, 422),
        ({"ticket": None}, 400),
        ({}, 400),
        ([], 400),
    ],
)
def test_a_wrong_write_changes_nothing(sandbox: RunningSandbox, body: object, status: int) -> None:
    ticket = sandbox.act("ticket")["ticket_id"]

    answer = sandbox.client.put(f"/helpdesk/api/v2/tickets/{ticket}.json", json=body)

    assert answer.status_code == status
    assert answer.json()["error"]
    path = f"/helpdesk/api/v2/tickets/{ticket}/audits.json"
    assert sandbox.client.get(path).json()["count"] == 0


def test_a_closed_ticket_cannot_be_written(sandbox: RunningSandbox) -> None:
    ticket = sandbox.act("ticket")["ticket_id"]
    sandbox.act("ticket_status", ticket_id=ticket, status="closed")

    path = f"/helpdesk/api/v2/tickets/{ticket}.json"
    answer = sandbox.client.put(path, json={"ticket": {"status": "open"}})

    assert answer.status_code == 422
    assert answer.json()["error"] == "RecordInvalid"


def test_a_customers_message_reopens_a_solved_ticket(
    sandbox: RunningSandbox, meshline: Catcher
) -> None:
    ticket = sandbox.act("ticket")["ticket_id"]
    sandbox.act("ticket_status", ticket_id=ticket, status="solved")
    sandbox.act("comment", ticket_id=ticket, author="customer", body="Still broken")

    changed = meshline.wait("zen:event-type:ticket.status_changed", 2)[1].json

    assert (changed["event"]["current"], changed["event"]["previous"]) == ("OPEN", "SOLVED")


def test_the_shop_learns_of_a_cart_later(sandbox: RunningSandbox, meshline: Catcher) -> None:
    cart = sandbox.act("cart", email="Sofia.Reis+cart@Post.Example", cart_token="c" * 32,
                       order_id="90423", known=False, promo_code="HARBOUR10")  # fmt: skip
    asked = {"token": cart["cart_token"]}
    path = "/shop/admin/api/2024-10/checkouts.json"

    assert sandbox.client.get(path, params=asked).json() == {"checkouts": []}
    sandbox.act("cart_known", cart_token=cart["cart_token"])

    found = sandbox.client.get(path, params=asked).json()["checkouts"][0]
    assert found["email"] == "sofia.reis@post.example"
    assert found["discount_codes"][0]["code"] == "HARBOUR10"
    by_mail = sandbox.client.get(path, params={"email": "SOFIA.REIS@post.example"}).json()
    assert by_mail["checkouts"][0]["id"] == found["id"]
    orders = sandbox.client.get("/shop/admin/api/2024-10/orders.json", params={"name": "90423"})
    assert orders.json()["orders"][0]["cart_token"] == cart["cart_token"]
    search = {"query": "email:sofia.reis@post.example"}
    people = sandbox.client.get("/shop/admin/api/2024-10/customers/search.json", params=search)
    assert people.json()["customers"][0]["total_spent"] == "1940.60"
    assert len(meshline.wait("checkouts/update")) == 1


def _mail(sandbox: RunningSandbox, message_id: str) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "support@harbour.example", "maja@mail.example"
    message["Subject"], message["Message-ID"] = "Your refund", f"<{message_id}>"
    message["X-Meshline-Template"] = "refund-confirmed"
    message.set_content("€ 218.00 are on their way.")
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=5) as smtp:
        smtp.send_message(message)


def test_mail_is_found_by_its_id_and_a_second_one_shows(sandbox: RunningSandbox) -> None:
    _mail(sandbox, "abc@meshline")

    found = sandbox.client.get("/mail/messages", params={"message_id": "<abc@meshline>"}).json()
    assert [one["template"] for one in found["messages"]] == ["refund-confirmed"]
    assert sandbox.books()["mails_doubled"] == 0

    _mail(sandbox, "other@meshline")
    books = sandbox.books()
    assert (books["mails"], books["mails_doubled"]) == (2, 1)


def test_mail_that_is_refused_for_now_is_not_kept(sandbox: RunningSandbox) -> None:
    sandbox.fault("mail", "status", "send", times=1)

    with pytest.raises(smtplib.SMTPDataError, match="Try again later"):
        _mail(sandbox, "abc@meshline")

    assert sandbox.books()["mails"] == 0


def test_mail_that_is_taken_and_cut_off_is_kept(sandbox: RunningSandbox) -> None:
    sandbox.fault("mail", "do_and_time_out", "send", delay_s=0.1, times=1)

    with pytest.raises(smtplib.SMTPException):
        _mail(sandbox, "abc@meshline")

    assert sandbox.books()["mails"] == 1


def test_the_same_page_joins_its_alert_and_is_answered_once(
    sandbox: RunningSandbox, meshline: Catcher
) -> None:
    event = {"routing_key": SECRETS["api_token"], "event_action": "trigger", "dedup_key": "p-1",
             "payload": {"summary": "Overdue on desk:1"}}  # fmt: skip
    for _ in range(2):
        assert sandbox.client.post("/pager/v2/enqueue", json=event).status_code == 202

    meshline.wait("page.acknowledged")

    alert = sandbox.client.get("/pager/v2/alerts", params={"dedup_key": "p-1"}).json()["alerts"]
    assert [(one["count"], one["status"]) for one in alert] == [(2, "acknowledged")]
    assert sandbox.books()["pages"] == 1


def test_the_first_page_about_a_ticket_can_go_unheard(
    sandbox: RunningSandbox, meshline: Catcher
) -> None:
    sandbox.act("sleep_through", words="desk:77")
    for key in ("p-1", "p-2"):
        event = {"routing_key": SECRETS["api_token"], "event_action": "trigger", "dedup_key": key,
                 "payload": {"summary": "Overdue on desk:77"}}  # fmt: skip
        sandbox.client.post("/pager/v2/enqueue", json=event)

    heard = meshline.wait("page.acknowledged")

    assert [one.json["data"]["page_key"] for one in heard] == ["p-2"]
