"""What travels between the HTTP server and the simulated systems: requests, answers, routes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from meshline.sandbox.state import Db, Json
    from meshline.sandbox.world import World


class VendorError(Exception):
    """A refusal in the vendor's own words; nothing of the request is applied."""

    def __init__(self, status: int, body: Json, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, body, dict(headers or {})


class ActRefused(ValueError):
    """An act of the vendors' people that cannot be done; the text says why."""


def one_of(value: Any, allowed: tuple[str, ...]) -> str:
    """The value, if it is one of those allowed. Raises ActRefused."""
    if value not in allowed:
        raise ActRefused(f"{value!r} is not one of {', '.join(allowed)}.")
    return str(value)


@dataclass(frozen=True)
class Request:
    """One HTTP request as it came in; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    def form(self) -> dict[str, str]:
        """The body as form fields; the last of a repeated name wins."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def json(self) -> Json:
        """The body as a JSON object. Raises ValueError when it is none."""
        found = json.loads(self.body or b"{}")
        if not isinstance(found, dict):
            raise ValueError("The body is not a JSON object.")
        return found

    def token(self) -> str:
        """The bearer token, or the user name of basic authentication; empty when there is none."""
        import base64
        import binascii

        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return value.strip()
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""


@dataclass
class Answer:
    """What goes back. `cut` closes the connection without a word after `delay_s`."""

    status: int
    body: Json | list[Any] | str | bytes
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json; charset=utf-8"
    delay_s: float = 0.0
    cut: bool = False

    def encoded(self) -> bytes:
        """The body's bytes."""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass
class Call:
    """One call of a vendor's operation, inside one transaction of the record."""

    world: World
    db: Db
    request: Request
    op: str
    parts: Mapping[str, str]
    request_id: int

    @property
    def key(self) -> str:
        """The idempotency key that came along, or empty."""
        return self.request.headers.get("idempotency-key", "")


@dataclass(frozen=True)
class Route:
    """One operation of one vendor. `pattern` matches the whole path below the system's prefix."""

    method: str
    pattern: re.Pattern[str]
    op: str
    run: Callable[[Call], Answer]


def route(method: str, path: str, op: str, run: Callable[[Call], Answer]) -> Route:
    """A route whose `{name}` parts stand for one path segment."""
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+?)", path.replace(".", r"\."))
    return Route(method, re.compile(pattern), op, run)


@dataclass(frozen=True)
class Vendor:
    """A simulated system: its routes, who may call it, and how it words its errors."""

    name: str
    routes: tuple[Route, ...]
    allows: Callable[[Request, str], bool]
    error: Callable[[int, str], Json]


_NAMED = re.compile(r"^metadata\[(\w+)\]$")


def facts_of(request: Request, parts: Mapping[str, str]) -> dict[str, str]:
    """What faults can match on: path parts, query and form fields, by their short names."""
    found: dict[str, str] = dict(parts) | dict(request.query)
    if "form" in request.headers.get("content-type", ""):
        found |= request.form()
    for thing in ("ticket", "subscription", "charge"):
        if f"/{thing}s/" in request.path and "id" in parts:
            found[thing] = parts["id"]
    for name in list(found):
        if named := _NAMED.match(name):
            found[named[1]] = found[name]
    if searched := re.search(
        r"metadata\[['\"]reference['\"]\]\s*:\s*['\"]([^'\"]+)", found.get("query", "")
    ):
        found["reference"] = searched[1]
    return found
