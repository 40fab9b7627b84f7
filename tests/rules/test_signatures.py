"""Webhook signatures: every example of the collection, the vendors' own answers, odd headers."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from meshline.core.errors import Misconfigured
from meshline.core.safejson import loads
from orchestration.rules.signatures import Verdict, schemes, verify
from tests.rules.flow_texts import fixtures

EXAMPLES: list[dict[str, Any]] = loads((fixtures() / "signature-examples.json").read_bytes())
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
BODY = b'{"id":"evt_1"}'
GITHUB = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
SLACK = "a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example["id"]))
def test_every_published_example_gets_its_verdict(example: dict[str, Any]) -> None:
    verdict = verify(
        example["vendor"],
        secrets=example["secrets"],
        headers=[(name, value) for name, value in example["headers"]],
        body=base64.b64decode(example["body_base64"]),
        method=example["method"],
        url=example["url"],
        now=datetime.fromtimestamp(example["now"], UTC),
    )

    assert verdict.ok is (example["expected"] == "accept"), (verdict.reason, example["reason"])
    assert bool(verdict.reason) is not verdict.ok


def signed(scheme: str, headers: list[tuple[str, str]], **more: Any) -> Verdict:
    """Verify BODY under the secret "s" at NOW, unless the test says otherwise."""
    usual: dict[str, Any] = {"secrets": ["s"], "body": BODY, "now": NOW}
    return verify(scheme, headers=headers, **{**usual, **more})


def mac(message: bytes, secret: bytes = b"s", algorithm: str = "sha256") -> str:
    """Return the hex digest that a vendor would send."""
    return hmac.new(secret, message, algorithm).hexdigest()


def stripe(at: datetime = NOW, body: bytes = BODY) -> str:
    """Return a right Stripe-Signature header."""
    stamp = str(int(at.timestamp()))
    return f"t={stamp},v1={mac(stamp.encode() + b'.' + body)}"


def test_the_answers_published_by_the_vendors_are_reproduced() -> None:
    github = signed(
        "github",
        [("X-Hub-Signature-256", f"sha256={GITHUB}")],
        secrets=["It's a Secret to Everybody"],
        body=b"Hello, World!",
    )
    form = b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"  # noqa: E501
    twilio = signed(
        "twilio",
        [
            ("X-Twilio-Signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ],
        secrets=["12345"],
        body=form,
        url="https://mycompany.com/myapp.php?foo=1&bar=2",
    )
    slash = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
        b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015"
        b".47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    slack = signed(
        "slack",
        [
            ("X-Slack-Request-Timestamp", "1531420618"),
            ("X-Slack-Signature", f"v0={SLACK}"),
        ],
        secrets=["8f742231b10e8888abcd99yyyzzz85a5"],
        body=slash,
        now=datetime.fromtimestamp(1531420618, UTC),
    )

    assert (github.ok, twilio.ok, slack.ok) == (True, True, True)


def test_what_the_standard_webhooks_library_signs_is_genuine() -> None:
    secret = "whsec_" + base64.b64encode(b"0123456789abcdef").decode()
    signature = Webhook(secret).sign("msg_1", NOW, BODY.decode())
    headers = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", str(int(NOW.timestamp()))),
        ("webhook-signature", f"v1a,AAAA {signature}"),
    ]

    for scheme in ("standardwebhooks", "svix"):
        verdict = signed(scheme, headers, secrets=[secret])
        assert verdict == Verdict(True, "", "msg_1", NOW)


@pytest.mark.parametrize(
    ("age_s", "ok"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)]
)
def test_the_tolerance_is_300_seconds_on_both_sides(age_s: int, ok: bool) -> None:
    verdict = signed("stripe", [("Stripe-Signature", stripe(NOW - timedelta(seconds=age_s)))])

    assert verdict.ok is ok


def test_any_active_secret_accepts_and_none_refuses() -> None:
    headers = [("stripe-signature", stripe())]

    assert signed("stripe", headers, secrets=["old", "s"]).ok
    assert not signed("stripe", headers, secrets=["old"]).ok
    assert not signed("stripe", headers, secrets=[]).ok


def test_repeated_lines_count_only_where_the_folded_value_is_a_list() -> None:
    good = mac(BODY)
    zendesk = base64.b64encode(hmac.digest(b"s", b"2026-06-01T12:00:00Z" + BODY, "sha256")).decode()
    stamp = ("X-Zendesk-Webhook-Signature-Timestamp", "2026-06-01T12:00:00Z")
    name = "X-Zendesk-Webhook-Signature"

    pagerduty = [("X-PagerDuty-Signature", "v1=00"), ("X-PagerDuty-Signature", f"v1={good}")]
    assert signed("pagerduty", pagerduty).ok
    twice = stripe()
    assert signed("stripe", [("Stripe-Signature", twice), ("Stripe-Signature", twice)]).ok
    assert signed("zendesk", [stamp, (name, zendesk)]).ok
    assert not signed("zendesk", [stamp, (name, zendesk), (name, "AAAA")]).ok


def test_only_the_first_five_signatures_are_looked_at() -> None:
    good = f"v1={mac(BODY)}"
    wrong = ["v1=00"] * 5

    assert signed("pagerduty", [("X-PagerDuty-Signature", ",".join([*wrong[:4], good]))]).ok
    assert not signed("pagerduty", [("X-PagerDuty-Signature", ",".join([*wrong, good]))]).ok


def test_hubspot_needs_its_third_signature_and_a_time_in_milliseconds() -> None:
    url, stamp = "https://x.example/in?u=https%3A%2F%2Fa", str(int(NOW.timestamp() * 1000))
    message = f"POSThttps://x.example/in?u=https://a{BODY.decode()}{stamp}".encode()
    right = base64.b64encode(hmac.digest(b"s", message, "sha256")).decode()
    time = ("X-HubSpot-Request-Timestamp", stamp)

    assert signed("hubspot", [time, ("X-HubSpot-Signature-v3", right)], url=url).ok
    assert not signed("hubspot", [time, ("X-HubSpot-Signature", right)], url=url).ok


def test_twilio_signs_json_by_a_digest_in_the_address_and_may_name_the_port() -> None:
    digest = hashlib.sha256(BODY).hexdigest()
    url = f"https://x.example:443/sms?bodySHA256={digest}"
    right = base64.b64encode(hmac.digest(b"s", url.encode(), "sha1")).decode()
    headers = [("X-Twilio-Signature", right), ("Content-Type", "application/json")]

    assert signed("twilio", headers, url=url.replace(":443", "")).ok
    assert not signed("twilio", headers, url=url, body=b"{}").ok


def test_the_vendors_own_delivery_id_is_told() -> None:
    shopify = base64.b64encode(hmac.digest(b"s", BODY, "sha256")).decode()

    verdict = signed(
        "shopify", [("X-Shopify-Hmac-SHA256", shopify), ("X-Shopify-Webhook-Id", "5a91")]
    )

    assert (verdict.delivery_id, verdict.signed_at) == ("5a91", None)


@pytest.mark.parametrize("scheme", schemes())
@pytest.mark.parametrize(
    "value", [None, "", " ", ",", "=", "v1=", "t=,v1=", "t=x,v1=aa", "é\x00", "v1,"]
)
def test_a_missing_or_malformed_header_is_a_rejection_and_never_an_exception(
    scheme: str, value: str | None
) -> None:
    names = (
        "Stripe-Signature", "X-Zendesk-Webhook-Signature", "X-Hub-Signature", "X-Hub-Signature-256",
        "X-Zendesk-Webhook-Signature-Timestamp", "X-Shopify-Hmac-SHA256", "X-HubSpot-Signature-v3",
        "X-HubSpot-Request-Timestamp", "X-Slack-Signature", "X-Slack-Request-Timestamp", "svix-id",
        "X-PagerDuty-Signature", "X-Twilio-Signature", "webhook-id", "webhook-timestamp",
        "webhook-signature", "svix-timestamp", "svix-signature",
    )  # fmt: skip
    headers = [] if value is None else [(name, value) for name in names]

    verdict = signed(scheme, headers, body=b"\xff\xfe", url="https://[bad")

    assert not verdict.ok
    assert verdict.reason


def test_a_secret_that_is_no_key_refuses_and_does_not_raise() -> None:
    headers = [
        ("webhook-id", "m"),
        ("webhook-timestamp", str(int(NOW.timestamp()))),
        ("webhook-signature", "v1,AAAA"),
    ]

    assert not signed("standardwebhooks", headers, secrets=["whsec_not base64!"]).ok


def test_an_unknown_scheme_is_told_as_a_mistake_of_ours() -> None:
    with pytest.raises(Misconfigured, match="carrier-pigeon"):
        signed("carrier-pigeon", [])
