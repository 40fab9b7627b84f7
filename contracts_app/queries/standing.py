"""The registry as it stands when a delivery comes in, remembered until somebody changes it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection

from contracts_app.models import ContractVersion, SlaPolicy, Source, WebhookSecret
from contracts_app.queries import documents, registry
from contracts_app.queries.remembered import Remembered

V = TypeVar("V")

_answers: Remembered[tuple[UUID, Hashable], Any] = Remembered(4096)

_NOW = "SELECT clock_timestamp(), (SELECT value FROM contracts_app_registrystamp WHERE id = 1)"


@dataclass(frozen=True)
class Standing:
    """The database's time, and the stamp of what is published at that time.

    The answers are those of the queries of the same name; each is asked once per stamp. What comes
    back is shared by threads: read it, do not change it. A transaction that changes the registry
    does not see its own changes here before it is committed.
    """

    now: datetime
    stamp: UUID | None

    @classmethod
    def read(cls) -> Standing:
        """Look at the clock and at the stamp, in one statement."""
        with connection.cursor() as cursor:
            cursor.execute(_NOW)
            moment, stamp = cursor.fetchone()
        return cls(moment.astimezone(UTC), stamp)

    @classmethod
    def at(cls, now: datetime) -> Standing:
        """Return how the registry stands for work that has read its clock already."""
        return cls(now, cls.read().stamp)

    def ask(self, what: Hashable, query: Callable[[], V]) -> V:
        """Return the answer of `query`, remembered as `what`. Nothing that it raises is kept.

        An answer may be newer than its stamp, never older: the stamp was read first.
        """
        if self.stamp is None:
            return query()
        answer: V = _answers.get((self.stamp, what), query)
        return answer

    def source_named(self, slug: str) -> Source:
        """Return a source, switched on or not. Raises: NotFound."""
        return self.ask(("source", slug), partial(registry.source_named, slug))

    def secrets_of(self, source: Source) -> tuple[WebhookSecret, ...]:
        """Return the signing secrets of a source, sealed, newest first, ended ones too."""
        rows = WebhookSecret.objects.filter(source=source).order_by("-id")
        return self.ask(("secrets", source.pk), lambda: tuple(rows))

    def published_version(self, name: str, version_range: str = "*") -> ContractVersion:
        """Return the version of a contract that serves. Raises: NotFound, BadValue."""
        find = partial(registry.published_version, name, version_range)
        return self.ask(("contract", name, version_range), find)

    def policies(self) -> tuple[SlaPolicy, ...]:
        """Return the published SLA policies, by name."""
        return self.ask("policies", lambda: tuple(documents.all_published(SlaPolicy)))
