"""The two sides that are compared: the sandbox's record over HTTP, Meshline's tables by SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, LiteralString

import httpx
import psycopg
from psycopg.rows import dict_row

from meshline.local.demo_player import Seen

SHOWN = 6  # how many broken cases a line names
_PAGE = 5000

Row = dict[str, Any]


@dataclass(frozen=True)
class Promise:
    """One line of the table. `looked_at` counts observations: with none, nothing is kept."""

    title: str
    ours: str
    theirs: str
    looked_at: int
    broken: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether it was observed at all, and never broken."""
        return self.looked_at > 0 and not self.broken

    @property
    def why(self) -> str:
        """What is wrong, in a few cases; empty when it is kept."""
        if self.looked_at == 0:
            return "nothing was observed"
        more = len(self.broken) - SHOWN
        return "; ".join(self.broken[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


@dataclass
class Ours:
    """What Meshline says, read as the application's own role."""

    connection: psycopg.Connection[Any]

    def rows(self, sql: LiteralString, *values: object) -> list[Row]:
        """Return the rows of a query, each as a dict."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(sql, values).fetchall()

    def number(self, sql: LiteralString, *values: object) -> int:
        """Return the one number of a query."""
        return int(next(iter(self.rows(sql, *values)[0].values())) or 0)


@dataclass(frozen=True)
class Theirs:
    """What really happened, by the vendors' books and record."""

    books: Mapping[str, Any]
    applied: list[Row]
    attempts: list[Row]
    pages: list[Row]

    @property
    def expected(self) -> Mapping[str, Any]:
        """What the story's chapters ask of the books."""
        found: Mapping[str, Any] = self.books["expected"]
        return found

    @cached_property
    def applied_at(self) -> dict[str, list[float]]:
        """When the vendors applied something under an idempotency key. Units: epoch seconds."""
        found: dict[str, list[float]] = defaultdict(list)
        for row in self.applied:
            if row["key"]:
                found[row["key"]].append(row["at"])
        return found

    @cached_property
    def taken(self) -> list[Row]:
        """The webhooks that Meshline has answered with 2xx."""
        return [one for one in self.books["deliveries"] if one["first_2xx_at"] is not None]


@dataclass(frozen=True)
class Sides:
    """Both sides, with what the people saw and whether a process was killed on top."""

    ours: Ours
    theirs: Theirs
    seen: Seen
    children: list[Row] = field(default_factory=list)

    @property
    def calm(self) -> bool:
        """Whether nothing was killed but what the story itself kills."""
        return not self.seen.killed


def connect(url: str) -> psycopg.Connection[Any]:
    """A connection as the application's role; every query is its own transaction."""
    return psycopg.connect(url, autocommit=True, connect_timeout=10)


def read_theirs(sandbox: str, token: str) -> Theirs:
    """Read the books and the whole record of what was applied and delivered."""
    with httpx.Client(base_url=sandbox, timeout=30) as vendors:
        bearer = {"Authorization": f"Bearer {token}"}
        pages = vendors.get("/pager/v2/alerts", headers=bearer).raise_for_status().json()
        return Theirs(
            books=vendors.get("/_books").raise_for_status().json(),
            applied=list(_all(vendors, "applied")),
            attempts=list(_all(vendors, "deliveries")),
            pages=pages["alerts"],
        )


def _all(vendors: httpx.Client, name: str) -> Iterable[Row]:
    since = 0
    while True:
        query: dict[str, int] = {"since": since, "limit": _PAGE}
        rows = vendors.get("/_record", params=query).raise_for_status().json()[name]
        yield from rows
        if len(rows) < _PAGE:
            return
        since = rows[-1]["id"]


def named(things: Iterable[object], *, of: str = "") -> tuple[str, ...]:
    """Things as texts for a promise's broken cases."""
    return tuple(f"{thing} {of}".strip() for thing in things)
