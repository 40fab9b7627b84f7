"""The web server's application with one trap in it; see crash_points.py."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from meshline.bodies import ReadFirst
from meshline.core.safejson import MAX_BYTES
from tests.flows.crash_points import crash

inner = get_wsgi_application()

from orchestration import wake  # noqa: E402 - its modules need Django to be set up

# Only a request whose X-Crash-Here names the point dies there; the sandbox's own webhooks do not.
_marked = threading.local()
_nudge = wake.nudge


def _nudge_or_crash() -> bool:
    """F15: the event is committed, and no worker has been told."""
    if getattr(_marked, "at", "") == "before_nudge":
        crash()
    return _nudge()


wake.nudge = _nudge_or_crash


def _trapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """F61: the event is committed, and its sender has no answer."""
    _marked.at = environ.get("HTTP_X_CRASH_HERE", "")
    answer: Iterable[bytes] = inner(environ, start_response)
    if _marked.at == "after_commit":
        crash()
    return answer


application = ReadFirst(_trapped, max_bytes=MAX_BYTES)
