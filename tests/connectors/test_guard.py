"""Where calls may go: names are resolved once, and every address they have must be allowed."""

from __future__ import annotations

import pytest

from orchestration.connectors.base import Call, CallFailed, Endpoint
from orchestration.connectors.guard import AddressRefused, Deadline, check_address
from orchestration.connectors.http import HttpClient
from orchestration.rules.outcomes import Refused, Transient


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 an address to refuse, not to bind to
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fd00::1",
        "fe80::1%eth0",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "ff02::1",
    ],
)
def test_public_system_is_never_reached_on_an_address_that_is_not_public(address: str) -> None:
    with pytest.raises(AddressRefused):
        check_address(address, loopback=False)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_address_is_allowed_for_a_public_system_only(address: str) -> None:
    assert check_address(address, loopback=False) == address
    with pytest.raises(AddressRefused):
        check_address(address, loopback=True)


def _get(answers: list[str]) -> Refused | Transient:
    client = HttpClient(
        Endpoint("billing", "https://billing.example"), resolver=lambda host, port: answers
    )
    with pytest.raises(CallFailed) as failed:
        client.exchange(Call("billing.get_refund", {}), Deadline.after(2)).get("/v1/refunds")
    outcome = failed.value.outcome
    assert isinstance(outcome, Refused | Transient)
    return outcome


@pytest.mark.parametrize(
    "answers", [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:a00:1"]]
)
def test_name_that_leads_inside_is_refused_before_any_connection(answers: list[str]) -> None:
    outcome = _get(answers)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "address_refused"


def test_name_without_an_address_is_transient() -> None:
    assert _get([]) == Transient("unreachable")


def test_name_is_resolved_anew_for_each_connection_so_that_a_rebound_one_is_caught() -> None:
    asked = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    client = HttpClient(Endpoint("billing", "https://billing.example"), resolver=resolver)
    for _ in range(2):
        with pytest.raises(CallFailed):
            client.exchange(Call("x", {}), Deadline.after(2)).get("/")
    assert asked == ["billing.example", "billing.example"]


def test_name_server_that_hangs_is_left_at_the_deadline() -> None:
    import threading

    released = threading.Event()

    def resolver(host: str, port: int) -> list[str]:
        released.wait(5)
        return ["93.184.216.34"]

    client = HttpClient(Endpoint("billing", "https://billing.example"), resolver=resolver)
    with pytest.raises(CallFailed) as failed:
        client.exchange(Call("x", {}), Deadline.after(0.2)).get("/")
    released.set()
    assert failed.value.outcome == Transient("unreachable")
