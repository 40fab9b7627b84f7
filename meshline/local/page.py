"""The supervisor's own page (demo only, loopback only): lists the children and kills one."""

from __future__ import annotations

import html
import json
import threading
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from meshline.local.keeper import ChildFacts

List = Callable[[], list[ChildFacts]]
Kill = Callable[[str], int | None]
KILLABLE = ("worker", "web", "beat", "broker", "postgres-backend")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_STYLE = "body{font:16px sans-serif;margin:2rem}td,th{padding:.3rem 1rem;text-align:left}"


class Page:
    """A small HTTP server in a thread of the supervisor."""

    def __init__(self, port: int, children: List, kill: Kill) -> None:
        handler = type("Handler", (_Handler,), {"children": staticmethod(children),
                                                "kill": staticmethod(kill)})  # fmt: skip
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def begin(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def end(self) -> None:
        """Answer no longer."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    children: List
    kill: Kill
    timeout = 10

    def do_GET(self) -> None:
        if not self._asked_from_here():
            self._answer(HTTPStatus.FORBIDDEN, {"error": "Only a loopback address may ask."})
        elif self.path == "/children":
            self._answer(HTTPStatus.OK, {"children": [asdict(c) for c in self.children()]})
        elif self.path == "/":
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", self._list().encode())
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "There are / and /children here."})

    def do_POST(self) -> None:
        self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 65536))
        name = self.path.removeprefix("/kill/")
        if not self._asked_from_here():
            self._answer(HTTPStatus.FORBIDDEN, {"error": "Only a loopback address may ask."})
        elif name not in KILLABLE:
            self._answer(HTTPStatus.NOT_FOUND, {"error": f"Name one of {', '.join(KILLABLE)}."})
        elif (pid := self.kill(name)) is None:
            self._answer(HTTPStatus.CONFLICT, {"error": f"{name} is not running just now."})
        elif "text/html" in self.headers.get("Accept", ""):
            self.send_response(HTTPStatus.SEE_OTHER)
            self.send_header("Location", "/")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._answer(HTTPStatus.OK, {"killed": name, "pid": pid})

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the supervisor's output is for people."""

    def _asked_from_here(self) -> bool:
        """Refuse other sites' forms and names that were made to point to this machine."""
        hosts = [f"//{self.headers.get('Host', '')}"]
        hosts += [origin for origin in [self.headers.get("Origin")] if origin]
        return all(urlsplit(host).hostname in _LOOPBACK for host in hosts)

    def _list(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(child.name)}<td>{child.pid or 'down'}<td>{child.restarts}"
            for child in self.children()
        )
        buttons = "".join(
            f'<form method="post" action="/kill/{name}"><button>Kill {name}</button></form>'
            for name in KILLABLE
        )
        return (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>Meshline's parts</title>"
            '<link rel="icon" href="data:,">'
            f"<style>{_STYLE}</style><h1>Pull the plug</h1>"
            f"<table><tr><th>Part<th>Process<th>Started again{rows}</table>{buttons}</html>"
        )

    def _answer(self, status: HTTPStatus, body: dict[str, object]) -> None:
        self._send(status, "application/json", json.dumps(body).encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)
