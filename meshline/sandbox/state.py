"""The sandbox's own record: everything asked, done and sent, on disk before it is answered."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS thing (
  kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE INDEX IF NOT EXISTS thing_charge ON thing (kind, json_extract(body, '$.charge'));
CREATE INDEX IF NOT EXISTS thing_reference
  ON thing (kind, json_extract(body, '$.metadata.reference'));
CREATE INDEX IF NOT EXISTS thing_email ON thing (kind, json_extract(body, '$.email'));
CREATE INDEX IF NOT EXISTS thing_cart ON thing (kind, json_extract(body, '$.cart_token'));
CREATE TABLE IF NOT EXISTS number (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS played (action TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS idempotency (
  system TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, status INTEGER NOT NULL,
  body TEXT NOT NULL, PRIMARY KEY (system, key));
CREATE TABLE IF NOT EXISTS request (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, system TEXT NOT NULL, op TEXT NOT NULL,
  method TEXT NOT NULL, path TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL,
  status INTEGER, behaviour TEXT NOT NULL, ms REAL, about TEXT);
CREATE TABLE IF NOT EXISTS applied (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, system TEXT NOT NULL, effect TEXT NOT NULL,
  key TEXT NOT NULL, object TEXT NOT NULL, amount INTEGER, request_id INTEGER);
CREATE TABLE IF NOT EXISTS delivery (
  id INTEGER PRIMARY KEY, source TEXT NOT NULL, external_id TEXT NOT NULL, kind TEXT NOT NULL,
  subject TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL, twin INTEGER NOT NULL,
  loose INTEGER NOT NULL, made_at REAL NOT NULL, due_at REAL NOT NULL, state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, first_2xx_at REAL);
CREATE INDEX IF NOT EXISTS delivery_pending ON delivery (id) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS delivery_external ON delivery (source, external_id);
CREATE TABLE IF NOT EXISTS attempt (
  id INTEGER PRIMARY KEY, delivery_id INTEGER NOT NULL, n INTEGER NOT NULL, at REAL NOT NULL,
  status INTEGER, error TEXT, ms REAL);
CREATE INDEX IF NOT EXISTS attempt_delivery ON attempt (delivery_id);
CREATE TABLE IF NOT EXISTS due (
  id INTEGER PRIMARY KEY, due_at REAL NOT NULL, act TEXT NOT NULL, args TEXT NOT NULL,
  done INTEGER NOT NULL DEFAULT 0, problem TEXT);
CREATE INDEX IF NOT EXISTS due_open ON due (due_at) WHERE done = 0;
CREATE TABLE IF NOT EXISTS fault (
  id INTEGER PRIMARY KEY, system TEXT NOT NULL, op TEXT NOT NULL, fault TEXT NOT NULL,
  times INTEGER, until REAL, delay_s REAL, status INTEGER, retry_after REAL,
  match TEXT NOT NULL, made TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS mail (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, message_id TEXT NOT NULL, recipient TEXT NOT NULL,
  subject TEXT NOT NULL, template TEXT NOT NULL, body TEXT NOT NULL, digest TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS mail_message ON mail (message_id);
"""


class Db:
    """The open transaction (or the reader) of the record."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """All rows of a query."""
        return self.connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row, or None."""
        row: sqlite3.Row | None = self.connection.execute(sql, values).fetchone()
        return row

    def run(self, sql: str, *values: object) -> int:
        """Change rows; returns the new row's id for an INSERT, else the number of rows."""
        cursor = self.connection.execute(sql, values)
        inserted = sql.lstrip()[:6].upper() == "INSERT"
        return int((cursor.lastrowid or 0) if inserted else cursor.rowcount)

    def get(self, kind: str, key: object) -> Json | None:
        """A thing by its kind and id."""
        row = self.one("SELECT body FROM thing WHERE kind = ? AND id = ?", kind, str(key))
        return _object(row["body"]) if row else None

    def put(self, kind: str, key: object, body: Json) -> Json:
        """Store a thing, new or changed."""
        text = json.dumps(body, ensure_ascii=False)
        sql = (
            "INSERT INTO thing (kind, id, body) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET body = excluded.body"
        )
        self.run(sql, kind, str(key), text)
        return body

    def find(self, kind: str, path: str, value: object) -> list[Json]:
        """Things whose JSON `path` (one of the indexed ones, `$.charge`) equals `value`."""
        where = f"kind = ? AND json_extract(body, '{path}') = ?"
        sql = f"SELECT body FROM thing WHERE {where} ORDER BY rowid"  # noqa: S608 - our own paths
        return [_object(row["body"]) for row in self.rows(sql, kind, value)]

    def every(self, kind: str) -> list[Json]:
        """All things of a kind, oldest first."""
        sql = "SELECT body FROM thing WHERE kind = ? ORDER BY rowid"
        return [_object(row["body"]) for row in self.rows(sql, kind)]

    def next_number(self, name: str, first: int) -> int:
        """The next of a series that never repeats, restart or not."""
        row = self.one(
            "INSERT INTO number (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            name,
            first,
        )
        return int(row["value"]) if row else first

    def keep(self, name: str, value: Any) -> None:
        """Store one small named value."""
        text = json.dumps(value)
        self.run("INSERT OR REPLACE INTO kept (name, value) VALUES (?, ?)", name, text)

    def kept(self, name: str) -> Any:
        """A named value, or None."""
        row = self.one("SELECT value FROM kept WHERE name = ?", name)
        return json.loads(row["value"]) if row else None


class Record:
    """The SQLite file. One writer at a time, each transaction on disk before it returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = _connect(path)
        self._writer.executescript(_SCHEMA)
        self._write_lock = threading.RLock()
        self._reader = _connect(path)
        self._reader.execute("PRAGMA query_only = ON")
        self._read_lock = threading.Lock()

    @contextmanager
    def write(self) -> Iterator[Db]:
        """One transaction: all of it on disk at the end, or nothing of it after an exception."""
        with self._write_lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield Db(self._writer)
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    @contextmanager
    def read(self) -> Iterator[Db]:
        """One consistent view; never waits for a writer."""
        with self._read_lock:
            self._reader.execute("BEGIN")
            try:
                yield Db(self._reader)
            finally:
                self._reader.execute("COMMIT")

    def close(self) -> None:
        """Close the file; nothing may be running any more."""
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _object(text: str) -> Json:
    found: Json = json.loads(text)
    return found
