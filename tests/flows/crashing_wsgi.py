"""The web server's application with one trap in it; see crash_points.py."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from meshline.bodies import ReadFirst
from meshline.core.safejson import MAX_BYTES
from tests.flows.crash_points import POINT, crash

inner = get_wsgi_application()

from orchestration import wake  # noqa: E402 - its modules need Django to be set up

# Only what carries X-Crash-Here is answered by a crash; the sandbox's own webhooks are not.
_marked = threading.local()
_nudge = wake.nudge


def _nudge_or_crash() -> bool:
    """F15: the event is committed, and no worker has been told."""
    if getattr(_marked, "here", False) and os.environ[POINT] == "before_nudge":
        crash()
    return _nudge()


wake.nudge = _nudge_or_crash


def _trapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """F61: the event is committed, and its sender has no answer."""
    _marked.here = "HTTP_X_CRASH_HERE" in environ
    answer: Iterable[bytes] = inner(environ, start_response)
    if _marked.here and os.environ[POINT] == "after_commit":
        crash()
    return answer


application = ReadFirst(_trapped, max_bytes=MAX_BYTES)
