"""The help desk: tickets read whole, writes looked up by the key in their audits."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration.connectors.base import Call, Endpoint
from orchestration.connectors.helpdesk import Helpdesk
from orchestration.rules.outcomes import Done, Refused, Unknown
from tests.connectors.peer import Peer, cuts, says

KEY = "0199c0de-0000-7000-8000-000000000001:refund-completion:resolve"
TICKET, AUDITS = "/api/v2/tickets/4812.json", "/api/v2/tickets/4812/audits.json"
FIELDS = {
    "ticket_fields": [
        {"id": 360010, "key": "order_id", "title": "Order"},
        {"id": 360011, "key": "cart_token", "title": "Cart"},
        {"id": 360015, "title": "Promo code"},
    ]
}


@pytest.fixture
def desk(peer: Peer) -> Helpdesk:
    peer.routes = {
        f"GET {AUDITS}": says({"audits": []}),
        "GET /api/v2/ticket_fields.json": says(FIELDS),
    }
    return Helpdesk(Endpoint("helpdesk", peer.url, "desk_secret"), timeout_s=5)


def ticket(**more: Any) -> dict[str, Any]:
    usual = {"id": 4812, "subject": "Refund", "status": "open", "priority": "normal"}
    return {**usual, "requester_id": 81001, "tags": ["vip"], "external_id": None, **more}


def written(peer: Peer) -> list[Any]:
    return [asked.json["ticket"] for asked in peer.asked if asked.method == "PUT"]


def test_ticket_is_read_with_its_requester_and_named_fields(peer: Peer, desk: Helpdesk) -> None:
    fields = [{"id": 360010, "value": "90417"}, {"id": 360011, "value": None}]
    peer.routes[f"GET {TICKET}"] = says(
        {
            "ticket": ticket(custom_fields=fields),
            "users": [{"id": 81001, "name": "Maja Lindqvist", "email": "Maja+a@example.com"}],
        }
    )
    assert desk.call(Call("helpdesk.get_ticket", {"ticket": "desk:4812"})) == Done(
        {
            "id": "4812",
            "subject": "Refund",
            "status": "open",
            "priority": "normal",
            "requester": {"id": "81001", "name": "Maja Lindqvist", "email": "Maja+a@example.com"},
            "order_id": "90417",
            "cart_token": None,
            "tags": ["vip"],
            "fields": {"order_id": "90417"},
        }
    )
    assert peer.asked[0].query == {"include": "users"}


@pytest.mark.parametrize(
    ("external_id", "order", "cart"),
    [
        ("order-90417", "90417", None),
        ("90417", "90417", None),
        ("cart-eeafa272", None, "eeafa272"),
        ("something else", None, None),
        (None, None, None),
    ],
)
def test_reference_on_a_ticket_is_read_as_order_or_cart(
    peer: Peer, desk: Helpdesk, external_id: str | None, order: str | None, cart: str | None
) -> None:
    peer.routes[f"GET {TICKET}"] = says({"ticket": ticket(external_id=external_id)})
    found = desk.call(Call("helpdesk.get_ticket", {"ticket": "4812"}))
    assert isinstance(found, Done)
    assert (found.result["order_id"], found.result["cart_token"]) == (order, cart)
    assert found.result["requester"] == {"id": "81001", "name": None, "email": None}


def resolve(**more: Any) -> Call:
    args = {"ticket": "desk:4812", "to": "solved", "comment": "Confirmed."}
    return Call("helpdesk.transition_ticket", args, key=KEY, run="r-1", **more)


def test_transition_moves_the_ticket_with_an_internal_note_and_our_key(
    peer: Peer, desk: Helpdesk
) -> None:
    peer.routes[f"PUT {TICKET}"] = says({"ticket": ticket(status="solved")})
    assert desk.call(resolve()) == Done({"status": "solved"})
    assert written(peer) == [
        {
            "status": "solved",
            "comment": {"body": "Confirmed.", "public": False},
            "metadata": {"meshline_key": KEY, "meshline_run": "r-1"},
        }
    ]


def test_comment_is_public_only_where_the_step_says_so(peer: Peer, desk: Helpdesk) -> None:
    peer.routes[f"PUT {TICKET}"] = says({"ticket": ticket(status="open")})
    args = {"ticket": "desk:4812", "to": "open", "comment": "Hello", "public": True}
    desk.call(Call("helpdesk.transition_ticket", args, key=KEY))
    desk.call(Call("helpdesk.add_note", {"ticket": "desk:4812", "comment": "psst"}, key=KEY))
    assert [change["comment"]["public"] for change in written(peer)] == [True, False]


def test_lost_write_is_unknown_and_found_in_the_audits_before_it_is_repeated(
    peer: Peer, desk: Helpdesk
) -> None:
    peer.routes[f"PUT {TICKET}"] = cuts
    assert desk.call(resolve()) == Unknown("connection_lost")
    audits = [
        {"id": 1, "metadata": {"system": {}, "custom": {}}},
        {"id": 2, "metadata": {"system": {}, "custom": {"meshline_key": KEY}}},
    ]
    peer.routes[f"GET {AUDITS}"] = says({"audits": audits})
    assert desk.call(resolve(look_up_first=True)) == Done({"status": "solved"})
    assert len(written(peer)) == 1


def test_audit_on_a_later_page_is_found(peer: Peer, desk: Helpdesk) -> None:
    del peer.routes[f"GET {AUDITS}"]
    first = {"audits": [{"id": 1}], "meta": {"has_more": True, "after_cursor": "abc"}}
    second = {"audits": [{"metadata": {"custom": {"meshline_key": KEY}}}]}
    peer.will(says(first), says(second))
    assert desk.look_up(resolve()) == Done({"status": "solved"})
    assert peer.asked[1].query["page[after]"] == "abc"


def test_ticket_that_did_not_move_is_not_reported_as_moved(peer: Peer, desk: Helpdesk) -> None:
    peer.routes[f"PUT {TICKET}"] = says({"ticket": ticket(status="open")})
    outcome = desk.call(resolve())
    assert isinstance(outcome, Unknown)
    assert "was to be solved and is open" in outcome.reason


def test_closed_ticket_refuses_in_the_desks_words(peer: Peer, desk: Helpdesk) -> None:
    peer.routes[f"PUT {TICKET}"] = says(
        {"error": "RecordInvalid", "description": "Status: closed prevents ticket update"}, 422
    )
    assert desk.call(resolve()) == Refused("RecordInvalid", "Status: closed prevents ticket update")


def test_fields_are_written_by_the_desks_numbers(peer: Peer, desk: Helpdesk) -> None:
    peer.routes[f"PUT {TICKET}"] = says({"ticket": ticket()})
    fields = {"cart_token": "c1", "promo_code": "AUTUMN", "360099": 7}
    call = Call("helpdesk.set_fields", {"ticket": "desk:4812", "fields": fields}, key=KEY)
    assert desk.call(call) == Done()
    assert written(peer)[0]["custom_fields"] == [
        {"id": 360011, "value": "c1"},
        {"id": 360015, "value": "AUTUMN"},
        {"id": 360099, "value": 7},
    ]
    desk.call(call)
    read = [asked for asked in peer.asked if asked.path.endswith("ticket_fields.json")]
    assert len(read) == 1


def test_field_that_the_desk_does_not_have_is_refused_before_anything_is_written(
    peer: Peer, desk: Helpdesk
) -> None:
    call = Call("helpdesk.set_fields", {"ticket": "desk:4812", "fields": {"nope": 1}}, key=KEY)
    outcome = desk.call(call)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "unknown_field"
    assert written(peer) == []
