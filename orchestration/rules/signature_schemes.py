"""How each vendor signs: which header, which bytes, which digest and encoding.

Source: the webhook documentation of each vendor, with the example signatures it publishes where it
does: Stripe, Zendesk, Intercom, Shopify, GitHub,
HubSpot, Slack, PagerDuty, Twilio, Svix; the Standard Webhooks specification.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

MAX_SIGNATURES = 5
_UNIX = re.compile(r"[0-9]{1,15}")
_HEX = re.compile(r"[0-9a-f]+")
# The percent-escapes that HubSpot decodes before signing; nothing else is.
_HUBSPOT_ESCAPES = {f"%{ord(char):02X}": char for char in ":/?@!$'()*,;"}
_HUBSPOT_ESCAPE = re.compile("|".join(_HUBSPOT_ESCAPES), re.IGNORECASE)


class Rejected(Exception):
    """The delivery lacks what its scheme asks for."""


@dataclass(frozen=True)
class Delivery:
    """One HTTP delivery; header names are in lower case, repeated lines folded with ","."""

    headers: Mapping[str, str]
    body: bytes
    method: str
    url: str

    def header(self, name: str) -> str:
        """Return the header's value without outer spaces. Raises: Rejected if missing or empty."""
        value = self.headers.get(name.lower(), "").strip()
        if not value:
            raise Rejected(f"the header {name} is missing or empty")
        return value


@dataclass(frozen=True)
class Signed:
    """What was signed and which signatures came along, all as bytes of the header's encoding."""

    messages: Sequence[bytes]
    signatures: Sequence[str]
    encode: Callable[[bytes, bytes], str]
    key_of: Callable[[str], bytes]
    at: datetime | None = None
    delivery_id: str | None = None

    def matches(self, secret: str) -> bool:
        """Say in constant time whether any signature is right under this secret."""
        try:
            key = self.key_of(secret)
        except (ValueError, binascii.Error):
            return False
        found = False
        for message in self.messages:
            expected = self.encode(key, message).encode()
            for signature in self.signatures[:MAX_SIGNATURES]:
                found |= hmac.compare_digest(expected, signature.encode("utf-8", "replace"))
        return found


def folded(headers: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Return headers by lower-case name; repeated lines are joined with ",", as WSGI does."""
    lines: dict[str, list[str]] = {}
    for name, value in headers:
        lines.setdefault(name.lower(), []).append(value)
    return {name: ",".join(values) for name, values in lines.items()}


def _hex(algorithm: str) -> Callable[[bytes, bytes], str]:
    return lambda key, message: hmac.new(key, message, algorithm).hexdigest()


def _base64(algorithm: str) -> Callable[[bytes, bytes], str]:
    return lambda key, message: base64.b64encode(hmac.digest(key, message, algorithm)).decode()


def _text_key(secret: str) -> bytes:
    return secret.encode()


def _whsec_key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"), validate=True)


def _unix_time(text: str, header: str, *, per_second: int = 1) -> datetime:
    if not _UNIX.fullmatch(text):
        raise Rejected(f"the time in {header} is not a Unix time")
    try:
        return datetime.fromtimestamp(int(text) / per_second, UTC)
    except (ValueError, OverflowError, OSError):
        raise Rejected(f"the time in {header} is out of range") from None


def _after(text: str, prefix: str, header: str) -> str:
    if not text.startswith(prefix) or not _HEX.fullmatch(text.removeprefix(prefix)):
        raise Rejected(f"{header} is not of the form {prefix}<lower hex>")
    return text.removeprefix(prefix)


def _stripe(delivery: Delivery) -> Signed:
    header = delivery.header("Stripe-Signature")
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = {value for name, _, value in pairs if name == "t"}
    signatures = [value for name, _, value in pairs if name == "v1" and value]
    if len(times) != 1 or not signatures:
        raise Rejected("Stripe-Signature holds no single t= or no v1=")
    time = times.pop()
    at = _unix_time(time, "Stripe-Signature")
    message = time.encode() + b"." + delivery.body
    return Signed([message], signatures, _hex("sha256"), _text_key, at)


def _zendesk(delivery: Delivery) -> Signed:
    name = "X-Zendesk-Webhook-Signature-Timestamp"
    time = delivery.header(name)
    try:
        at = datetime.fromisoformat(time)
    except ValueError:
        raise Rejected(f"{name} is not an RFC 3339 time") from None
    if at.tzinfo is None:
        raise Rejected(f"{name} carries no zone")
    signature = delivery.header("X-Zendesk-Webhook-Signature")
    message = time.encode() + delivery.body
    invocation = delivery.headers.get("x-zendesk-webhook-invocation-id") or None
    return Signed([message], [signature], _base64("sha256"), _text_key, at, invocation)


def _intercom(delivery: Delivery) -> Signed:
    signature = _after(delivery.header("X-Hub-Signature"), "sha1=", "X-Hub-Signature")
    return Signed([delivery.body], [signature], _hex("sha1"), _text_key)


def _shopify(delivery: Delivery) -> Signed:
    signature = delivery.header("X-Shopify-Hmac-SHA256")
    webhook = delivery.headers.get("x-shopify-webhook-id") or None
    return Signed([delivery.body], [signature], _base64("sha256"), _text_key, delivery_id=webhook)


def _github(delivery: Delivery) -> Signed:
    name = "X-Hub-Signature-256"
    signature = _after(delivery.header(name), "sha256=", name)
    guid = delivery.headers.get("x-github-delivery") or None
    return Signed([delivery.body], [signature], _hex("sha256"), _text_key, delivery_id=guid)


def _hubspot(delivery: Delivery) -> Signed:
    name = "X-HubSpot-Request-Timestamp"
    time = delivery.header(name)
    at = _unix_time(time, name, per_second=1000)
    signature = delivery.header("X-HubSpot-Signature-v3")
    uri = _HUBSPOT_ESCAPE.sub(lambda found: _HUBSPOT_ESCAPES[found.group().upper()], delivery.url)
    message = delivery.method.upper().encode() + uri.encode() + delivery.body + time.encode()
    return Signed([message], [signature], _base64("sha256"), _text_key, at)


def _slack(delivery: Delivery) -> Signed:
    name = "X-Slack-Request-Timestamp"
    time = delivery.header(name)
    at = _unix_time(time, name)
    signature = _after(delivery.header("X-Slack-Signature"), "v0=", "X-Slack-Signature")
    message = b"v0:" + time.encode() + b":" + delivery.body
    return Signed([message], [signature], _hex("sha256"), _text_key, at)


def _pagerduty(delivery: Delivery) -> Signed:
    header = delivery.header("X-PagerDuty-Signature")
    parts = [part.strip() for part in header.split(",")]
    signatures = [part.removeprefix("v1=") for part in parts if part.startswith("v1=")]
    if not signatures:
        raise Rejected("X-PagerDuty-Signature holds no v1=")
    webhook = delivery.headers.get("x-webhook-id") or None
    return Signed([delivery.body], signatures, _hex("sha256"), _text_key, delivery_id=webhook)


def _standardwebhooks(delivery: Delivery) -> Signed:
    return _webhook_family(delivery, ("webhook",))


def _svix(delivery: Delivery) -> Signed:
    return _webhook_family(delivery, ("svix", "webhook"))


def _webhook_family(delivery: Delivery, prefixes: Sequence[str]) -> Signed:
    prefix = next((p for p in prefixes if f"{p}-id" in delivery.headers), prefixes[0])
    identifier = delivery.header(f"{prefix}-id")
    time = delivery.header(f"{prefix}-timestamp")
    at = _unix_time(time, f"{prefix}-timestamp")
    parts = delivery.header(f"{prefix}-signature").split()
    signatures = [part.removeprefix("v1,") for part in parts if part.startswith("v1,")]
    if not signatures:
        raise Rejected(f"{prefix}-signature holds no v1 signature")
    message = f"{identifier}.{time}.".encode() + delivery.body
    return Signed([message], signatures, _base64("sha256"), _whsec_key, at, identifier)


def _twilio(delivery: Delivery) -> Signed:
    signature = delivery.header("X-Twilio-Signature")
    fields, identifier = b"", None
    kind = delivery.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        parameters = _form(delivery.body)
        fields = "".join(
            name + value for name in sorted(parameters) for value in sorted(set(parameters[name]))
        ).encode()
        identifier = _twilio_id(parameters)
    else:
        _check_body_digest(delivery)
    messages = [url.encode() + fields for url in _with_and_without_port(delivery.url)]
    return Signed(messages, [signature], _base64("sha1"), _text_key, delivery_id=identifier)


def _form(body: bytes) -> dict[str, list[str]]:
    parameters: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=1_000)
    except ValueError:
        raise Rejected("the form body cannot be read") from None
    for name, value in pairs:
        parameters.setdefault(name, []).append(value)
    return parameters


def _twilio_id(parameters: Mapping[str, Sequence[str]]) -> str | None:
    """Return the message's id with its status: each status is a delivery of its own."""
    parts = [_first(parameters, "MessageSid", "CallSid")]
    parts.append(_first(parameters, "MessageStatus", "CallStatus"))
    return ":".join(part for part in parts if part) or None


def _first(parameters: Mapping[str, Sequence[str]], *names: str) -> str:
    return next((parameters[name][0] for name in names if parameters.get(name)), "")


def _check_body_digest(delivery: Delivery) -> None:
    query = dict(parse_qsl(_split(delivery.url).query))
    digest = query.get("bodySHA256", "").lower()
    if not hmac.compare_digest(digest.encode(), hashlib.sha256(delivery.body).hexdigest().encode()):
        raise Rejected("bodySHA256 in the address is not the digest of the body")


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise Rejected("the address of the delivery cannot be read") from None


def _with_and_without_port(url: str) -> list[str]:
    parts = _split(url)
    default = {"https": 443, "http": 80}.get(parts.scheme)
    try:
        port = parts.port
    except ValueError:
        return [url]
    if default is None or port not in (None, default):
        return [url]
    host = parts.netloc.rpartition(":")[0] if port else parts.netloc
    return [
        urlunsplit(parts._replace(netloc=host)),
        urlunsplit(parts._replace(netloc=f"{host}:{default}")),
    ]


SCHEMES: Mapping[str, Callable[[Delivery], Signed]] = MappingProxyType(
    {
        "stripe": _stripe,
        "zendesk": _zendesk,
        "intercom": _intercom,
        "shopify": _shopify,
        "github": _github,
        "hubspot": _hubspot,
        "slack": _slack,
        "pagerduty": _pagerduty,
        "twilio": _twilio,
        "standardwebhooks": _standardwebhooks,
        "svix": _svix,
    }
)
