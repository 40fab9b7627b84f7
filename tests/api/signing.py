"""Sign deliveries as the vendors do, written from their own rules and not from the product."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

SECRETS = {
    "stripe": "whsec_billing_secret_of_the_tests",
    "zendesk": "desk-secret-of-the-tests",
    "shopify": "shop-secret-of-the-tests",
    "standardwebhooks": "whsec_" + base64.b64encode(b"pager secret of 24 bytes").decode(),
}


def encoded(body: Any) -> bytes:
    """A body as the vendor writes it."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def signed(
    scheme: str, raw: bytes, *, secret: str | None = None, age: timedelta = timedelta(0)
) -> dict[str, str]:
    """The headers that prove `raw` under a scheme, signed `age` ago."""
    key = secret if secret is not None else SECRETS[scheme]
    at = datetime.now(UTC) - age
    unix = str(int(at.timestamp()))
    if scheme == "stripe":
        return {
            "Stripe-Signature": f"t={unix},v1={_mac(key.encode(), f'{unix}.'.encode() + raw).hex()}"
        }
    if scheme == "zendesk":
        stamp = at.isoformat(timespec="seconds").replace("+00:00", "Z")
        return {
            "X-Zendesk-Webhook-Signature": _b64(_mac(key.encode(), stamp.encode() + raw)),
            "X-Zendesk-Webhook-Signature-Timestamp": stamp,
        }
    if scheme == "shopify":
        return {
            "X-Shopify-Hmac-SHA256": _b64(_mac(key.encode(), raw)),
            "X-Shopify-Topic": "checkouts/update",
            "X-Shopify-Webhook-Id": str(uuid4()),
        }
    name = f"msg_{uuid4().hex}"
    mac = _mac(base64.b64decode(key.removeprefix("whsec_")), f"{name}.{unix}.".encode() + raw)
    return {
        "webhook-id": name,
        "webhook-timestamp": unix,
        "webhook-signature": f"v1,{_b64(mac)}",
    }


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
