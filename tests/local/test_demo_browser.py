"""The demo check's browser: what a person without JavaScript would see, type and send."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from meshline.local.demo_browser import Browser, NotThere

PAGE = """<!doctype html><title>T</title><style>p{color:red}</style>
<nav><a href="/handoffs/7/?x=1">Maja</a><a href="/buttons/handoff/7/flow.replay/">Replay</a></nav>
<p>It is <b>open</b>.</p><script>var hidden = "not text";</script>
<form method="post" action="/press/"><input type="hidden" name="token" value="a&amp;b">
<input name="ticket" value="desk:4812"><textarea name="reason">Because
</textarea><select name="preset"><option value="">Choose<option value="well" selected>Well</select>
<input type="checkbox" name="sure" value="yes" checked><input type="checkbox" name="more">
<input type="submit" name="go" value="Go"></form>"""


class _Site(BaseHTTPRequestHandler):
    received: list[dict[str, list[str]]]
    away = 0

    def do_GET(self) -> None:
        site = type(self)
        status = 503 if site.away > 0 else 200
        site.away -= 1
        self._answer(status, PAGE if self.path == "/" else f"<p>This is {self.path}.</p>")

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.received.append(parse_qs(self.rfile.read(length).decode(), keep_blank_values=True))
        self._answer(302, "", {"Location": "/after/"})

    def _answer(self, status: int, html: str, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(html.encode())), **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(html.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[type[_Site]]:
    handler = type("Site", (_Site,), {"received": [], "away": 0})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    handler.address = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def browser(site: type[_Site]) -> Iterator[Browser]:
    with Browser(site.address) as opened:  # type: ignore[attr-defined]
        yield opened


def test_a_page_gives_its_words_links_and_forms(browser: Browser) -> None:
    page = browser.get("/")

    assert "It is open ." in page.text
    assert "not text" not in page.text
    assert page.link("/flow.replay/").endswith("/buttons/handoff/7/flow.replay/")
    form = page.form("/press/")
    assert form.fields == {
        "token": "a&b", "ticket": "desk:4812", "reason": "Because\n", "preset": "well",
        "sure": "yes",
    }  # fmt: skip
    assert form.choices["preset"] == ["", "well"]


def test_a_form_is_sent_with_what_it_held_and_what_was_typed(
    browser: Browser, site: type[_Site]
) -> None:
    page = browser.send(browser.get("/").form("/press/"), reason="It is well")

    assert site.received[0]["reason"] == ["It is well"]
    assert site.received[0]["token"] == ["a&b"]
    assert (page.status, page.text) == (200, "This is /after/.")  # it follows where it is led


def test_a_server_that_is_away_for_a_moment_is_asked_again(
    browser: Browser, site: type[_Site]
) -> None:
    site.away = 2

    assert browser.get("/").status == 200


def test_what_is_not_on_the_page_is_named(browser: Browser) -> None:
    page = browser.get("/")

    with pytest.raises(NotThere, match="no link with /escalate/"):
        page.link("/escalate/")
    with pytest.raises(NotThere, match="no form for /escalate/"):
        page.form("/escalate/")
    with pytest.raises(NotThere, match="does not ask for a password"):
        browser.sign_in("lena", "secret")
