"""JSON log lines that carry run, contract and ticket, with personal data masked."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from meshline.core.errors import Misconfigured
from meshline.core.redact import mask

_OWN_KEYS = frozenset({"level", "logger", "at", "_record", "_from_structlog", "exc_info"})
_NOISY = (
    "celery.redirected",
    "celery.app.trace",
    "celery.worker.strategy",
    "urllib3",
    "httpx",
    "httpcore",
)


def configure(level: str = "INFO", *, stream: TextIO | None = None) -> None:
    """Write every log line of this process, ours and the libraries', as one JSON object.

    `level` is a name such as "INFO"; `stream` is standard error unless given.
    Raises: Misconfigured if it is no level.
    """
    shared = _shared()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_level(level))
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def get(name: str) -> Any:
    """Return the logger of a module: get(__name__).info("run advanced", step="refund")."""
    return structlog.stdlib.get_logger(name)


@contextmanager
def bound(**context: object) -> Iterator[None]:
    """Put run, contract, ticket or request on every line within the block; None is left out."""
    given = {key: str(value) for key, value in context.items() if value is not None}
    with structlog.contextvars.bound_contextvars(**given):
        yield


def _level(name: str) -> int:
    number = logging.getLevelNamesMapping().get(name.upper())
    if number is None:
        raise Misconfigured(
            f"{name!r:.40} is no log level.", remedy="Use DEBUG, INFO, WARNING or ERROR."
        )
    return number


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
    ]


def _formatter(shared: list[Any]) -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _masked,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def _masked(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask what a line says; JSON itself escapes control characters, so no line can be forged."""
    return {key: value if key in _OWN_KEYS else mask(value) for key, value in event.items()}
