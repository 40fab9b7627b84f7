"""The bytes of a delivery: length declared, bounded and kept, before anything looks at them."""

from __future__ import annotations

import re

from rest_framework.request import Request

from meshline.core import safejson
from meshline.core.errors import BadRequest, LengthRequired, TooLarge, UnsupportedMedia

_DIGITS = re.compile(r"[0-9]{1,18}")
# A CloudEvent in structured mode is plain JSON under a name of its own.
_KINDS = {"application/json", "application/cloudevents+json"}
_UTF8 = {"", "utf-8", "utf8"}


def read_body(request: Request) -> bytes:
    """Return exactly the bytes that Content-Length announces.

    Raises: LengthRequired, TooLarge (before a byte is read), BadRequest if the bytes end early.
    """
    declared = _declared_length(request)
    if declared > safejson.MAX_BYTES:
        raise TooLarge(
            f"The body has {declared} bytes; at most {safejson.MAX_BYTES} are read.",
            remedy="Send less in one delivery.",
        )
    raw = bytes(request.body)
    if len(raw) != declared:
        raise BadRequest(
            f"The body has {len(raw)} bytes where {declared} were announced.",
            remedy="Send the whole of it again.",
        )
    return raw


def _declared_length(request: Request) -> int:
    if request.META.get("HTTP_TRANSFER_ENCODING"):
        raise LengthRequired(
            "Bodies in chunks are not read here.", remedy="Send the body with a Content-Length."
        )
    text = request.META.get("CONTENT_LENGTH") or ""
    if not text:
        raise LengthRequired(
            "The request declares no Content-Length.", remedy="Send the body with its length."
        )
    if not _DIGITS.fullmatch(text):
        raise BadRequest("The Content-Length is no number.")
    return int(text)


def check_kind(request: Request) -> None:
    """Let JSON pass, in UTF-8 and not packed. Raises: UnsupportedMedia."""
    kind, _, parameters = request.META.get("CONTENT_TYPE", "").partition(";")
    charset = re.search(r"charset\s*=\s*\"?([^\s\";]*)", parameters, re.IGNORECASE)
    if (
        kind.strip().lower() not in _KINDS
        or (charset[1].lower() if charset else "") not in _UTF8
        or request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() != "identity"
    ):
        raise UnsupportedMedia(
            "Only JSON in UTF-8 is read here, not packed.",
            remedy="Send it as `Content-Type: application/json`; a structured CloudEvent may "
            "say `application/cloudevents+json`.",
        )
