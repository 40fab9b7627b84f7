"""Register through which a lower app asks what a higher one knows.

A higher app provides a fact in its AppConfig.ready(); a lower one asks for it by name, with a
default for when nobody provides it (a rule test, a command without that app).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from meshline.core.errors import Misconfigured

T = TypeVar("T")

_providers: dict[str, Callable[..., Any]] = {}


def provide(name: str, provider: Callable[..., Any]) -> None:
    """Let `ask(name, ...)` be answered by `provider`; providing again replaces it."""
    _providers[name] = provider


def ask(name: str, *arguments: Any, default: T | None = None) -> Any | T:
    """Return what the provider of `name` answers, or `default` when there is none.

    Raises: Misconfigured if there is neither a provider nor a default.
    """
    provider = _providers.get(name)
    if provider is not None:
        return provider(*arguments)
    if default is None:
        raise Misconfigured(
            f"Nobody provides the fact {name!r}.",
            remedy="Call facts.provide() in the ready() of the app that knows it.",
        )
    return default


def is_provided(name: str) -> bool:
    """Say whether somebody answers for `name`."""
    return name in _providers


def withdraw(name: str) -> None:
    """Forget the provider of `name`, if there is one."""
    _providers.pop(name, None)
