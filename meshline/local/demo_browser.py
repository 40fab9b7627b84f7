"""A browser without JavaScript, for the demo check: follows links, fills in forms."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import httpx

# While a killed web server comes back, a person would reload; so does this one.
PATIENCE_S = 30.0
TIMEOUT_S = 15.0
AWAY = {502, 503, 504}
_VOID_FIELDS = {"submit", "button", "image", "reset", "file"}


class NotThere(Exception):
    """The page lacks what a person would look for on it; the text says which page and what."""


@dataclass
class Form:
    """One form as the page holds it: where it goes and what it carries if nothing is typed."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """What came back: status, final address, and what a reader finds on it."""

    address: str
    status: int
    html: str
    text: str
    links: tuple[tuple[str, str], ...]
    forms: tuple[Form, ...]

    def link(self, *parts: str) -> str:
        """Return the first link whose address holds every part. Raises: NotThere."""
        for address, _ in self.links:
            if all(part in address for part in parts):
                return address
        raise NotThere(f"{self.address} ({self.status}) has no link with {' and '.join(parts)}.")

    def form(self, part: str) -> Form:
        """Return the first form whose action holds `part`. Raises: NotThere."""
        for form in self.forms:
            if part in form.action:
                return form
        raise NotThere(f"{self.address} ({self.status}) has no form for {part}.")


class Browser:
    """One person's browser on the console at `address`."""

    def __init__(self, address: str) -> None:
        self._client = httpx.Client(
            base_url=address, timeout=TIMEOUT_S, headers={"Accept": "text/html"}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(self, address: str, *, patience_s: float = PATIENCE_S) -> Page:
        """Open a page, and again while the server is away. Raises: httpx.TransportError."""
        until = time.monotonic() + patience_s
        while True:
            try:
                answer = self._client.get(address, follow_redirects=True)
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise
            else:
                if answer.status_code not in AWAY or time.monotonic() > until:
                    return _page(answer)
            time.sleep(0.3)

    def send(self, form: Form, **typed: str) -> Page:
        """Submit a form once, with what was typed into it, and follow where it leads.

        Raises: httpx.TransportError if no answer came: nobody knows then whether it was taken.
        """
        values = {**form.fields, **typed}
        page = _page(self._client.post(form.action, data=values, headers=self._origin(form)))
        if 300 <= page.status < 400:
            return self.get(page.html)
        return page

    def sign_in(self, username: str, password: str) -> Page:
        """Sign in through the page that asks for it. Raises: NotThere if it does not let us in."""
        page = self.get("/")
        asking = next((form for form in page.forms if "password" in form.fields), None)
        if asking is None:
            raise NotThere(f"{page.address} ({page.status}) does not ask for a password.")
        inside = self.send(asking, username=username, password=password)
        if inside.status != 200 or any("password" in form.fields for form in inside.forms):
            raise NotThere(f"{username} could not sign in: {inside.text[:200]}")
        return inside

    def _origin(self, form: Form) -> dict[str, str]:
        address = str(self._client.base_url).rstrip("/")
        return {"Origin": address, "Referer": urljoin(f"{address}/", form.action)}


def _page(answer: httpx.Response) -> Page:
    """Read an answer; a redirect that was not followed carries its target as `html`."""
    target = answer.headers.get("Location")
    address = str(answer.url)
    if target is not None:
        return Page(address, answer.status_code, urljoin(address, target), "", (), ())
    reader = _Reader(address)
    reader.feed(answer.text)
    reader.close()
    text = " ".join(" ".join(reader.words).split())
    links, forms = tuple(reader.links), tuple(reader.forms)
    return Page(address, answer.status_code, answer.text, text, links, forms)


class _Reader(HTMLParser):
    """Collects links, forms and the visible words of a page."""

    def __init__(self, address: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[tuple[str, str]] = []
        self.forms: list[Form] = []
        self.words: list[str] = []
        self._address = address
        self._open: Form | None = None
        self._select = ""
        self._area = ""
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("script", "style", "template", "svg"):
            self._silent += 1
        elif tag == "a" and given.get("href"):
            self.links.append((urljoin(self._address, given["href"]), given.get("title", "")))
        elif tag == "form":
            action = urljoin(self._address, given.get("action") or self._address)
            self._open = Form(action, given.get("method", "get").lower())
            self.forms.append(self._open)
        elif self._open is not None and given.get("name"):
            self._field(tag, given, self._open)
        elif tag == "option" and self._select and self._open is not None:
            self._option(given, self._open)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "template", "svg"):
            self._silent = max(0, self._silent - 1)
        elif tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area and self._open is not None:
            self._open.fields[self._area] += data
        elif not self._silent:
            self.words.append(data)

    def _field(self, tag: str, given: dict[str, str], form: Form) -> None:
        name, kind = given["name"], given.get("type", "text").lower()
        if tag == "select":
            self._select = name
            form.fields[name] = ""
            form.choices[name] = []
        elif tag == "textarea":
            self._area = name
            form.fields[name] = ""
        elif tag == "input" and kind in ("checkbox", "radio"):
            form.choices.setdefault(name, []).append(given.get("value", "on"))
            if "checked" in given:
                form.fields[name] = given.get("value", "on")
        elif tag == "input" and kind not in _VOID_FIELDS:
            form.fields[name] = given.get("value", "")

    def _option(self, given: dict[str, str], form: Form) -> None:
        value = given.get("value", "")
        form.choices[self._select].append(value)
        if "selected" in given:
            form.fields[self._select] = value
