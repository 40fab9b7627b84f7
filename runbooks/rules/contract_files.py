"""Contract files of a folder, found by name: nothing is read that is not asked for.

Reading YAML is the slow part of a check, so files are told apart by their bytes and places first.
The usual layout is <domain>/<name>/<version>.yaml; files laid out in another way are found too, by
looking for the name in their bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from meshline.core.errors import DocumentUnreadable
from meshline.core.yaml12 import MAX_BYTES, Document, load_all
from runbooks.rules.document_kinds import kind_of, name_of

SUFFIXES = (".yaml", ".yml", ".json")
_NAME = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+")
_VERSION = re.compile(r"\d+(\.\d+){0,2}")


@dataclass(frozen=True)
class Unreadable:
    """Something that cannot be read; `line` counts from 1, 0 if it is no file."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else self.message

    @classmethod
    def told(cls, text: str) -> Unreadable:
        """Return what a line like `file:3: message` says."""
        place, _, message = text.partition(": ")
        file, _, line = place.rpartition(":")
        return cls(file, int(line), message) if line.isdigit() else cls("", 1, text)


@dataclass(frozen=True)
class Place:
    """A file below the path that was given; `inner` is its way from there, "" if it was named."""

    path: str
    inner: str

    @property
    def laid_out_for(self) -> str:
        """The contract that the file is of by the layout, "" if it is not laid out so."""
        folder, _, file = self.path.rpartition("/")
        name = folder.rpartition("/")[2]
        fits = _NAME.fullmatch(name) and _VERSION.fullmatch(file.rpartition(".")[0])
        return name if fits else ""

    @property
    def last_two(self) -> str:
        """The folder's and the file's name: with the layout these say which version it is."""
        return "/".join(self.path.split("/")[-2:])


def places(given: Path) -> Iterator[Place]:
    """Yield the YAML and JSON files at a path, folders walked in a stable order, hidden ones not.

    Raises: OSError for a path that is not there.
    """
    if not given.is_dir():
        given.stat()
        yield Place(given.as_posix(), "")
        return
    root = given.as_posix()
    start = len(root) + 1
    for folder, below, files in os.walk(root):
        below[:] = sorted(one for one in below if not one.startswith("."))
        for file in sorted(files):
            if file.endswith(SUFFIXES) and not file.startswith("."):
                path = f"{folder}/{file}"
                yield Place(path, path[start:])


def raw_of(path: str) -> bytes:
    """Return the bytes of a file, one more than may be read at most. Raises: OSError."""
    with open(path, "rb") as file:
        return file.read(MAX_BYTES + 1)


def read(path: str, raw: bytes | None = None) -> list[Document] | Unreadable:
    """Read every document of a file."""
    try:
        found = load_all(raw_of(path) if raw is None else raw, name=path, quick=True)
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        return Unreadable(path, 1, f"The file cannot be read: {reason}. Check its name.")
    except DocumentUnreadable as error:
        finding = error.findings[0]
        told = " ".join(part for part in (finding.message, finding.remedy) if part)
        return Unreadable(path, finding.line or 1, told)
    return found or Unreadable(path, 1, "The file holds no document. Write one, or remove it.")


def contracts_in(documents: Iterable[Document]) -> list[Document]:
    """Return the contract documents among these."""
    return [one for one in documents if kind_of(one) == "contract"]


class ContractFolder:
    """The files of one path, without those that are named as proposals from inside of it."""

    def __init__(self, given: Path, *, without: Iterable[Path] = ()) -> None:
        self.given = given
        root = given.resolve()
        left_out = {path.resolve() for path in without}
        inside = {one.relative_to(root).as_posix() for one in left_out if root in one.parents}
        self.places = [one for one in places(given) if one.inner not in inside]

    @property
    def is_file(self) -> bool:
        """Whether the path is one file, named itself."""
        return not self.given.is_dir()

    @cached_property
    def _by_inner(self) -> dict[str, Place]:
        return {one.inner: one for one in self.places}

    @cached_property
    def _by_name(self) -> dict[str, list[Place]]:
        """The files of each contract by the layout; under "" those that are laid out otherwise."""
        found: dict[str, list[Place]] = {}
        for one in self.places:
            found.setdefault(one.laid_out_for, []).append(one)
        return found

    def twin_of(self, place: Place) -> Place | None:
        """Return the file that stands where `place` stands in its own folder, if there is one."""
        if self.is_file and not place.inner:
            return self.places[0] if self.places else None
        twin = self._by_inner.get(place.inner) if place.inner else None
        if twin is not None or not place.laid_out_for:
            return twin
        beside = self._by_name.get(place.laid_out_for, ())
        return next((one for one in beside if one.last_two == place.last_two), None)

    def documents_of(self, name: str) -> tuple[list[Document], list[Unreadable]]:
        """Return every version of a contract, and which files that may hold one are unreadable.

        A contract that is not where the layout has it is looked for in all other files.
        """
        laid_out = self._by_name.get(name, [])
        found, broken = self._holding(name, [*laid_out, *self._by_name.get("", ())])
        if not found and not broken:
            others = [one for one in self.places if one.laid_out_for not in ("", name)]
            found, broken = self._holding(name, others)
        return found, broken

    def _holding(
        self, name: str, among: Iterable[Place]
    ) -> tuple[list[Document], list[Unreadable]]:
        found: list[Document] = []
        broken: list[Unreadable] = []
        for place in among:
            try:
                raw = raw_of(place.path)
            except OSError:
                raw = None
            if raw is not None and not (name.encode() in raw and b"contract/v1" in raw):
                continue
            documents = read(place.path, raw)
            if isinstance(documents, Unreadable):
                broken.append(documents)
            else:
                found += [one for one in contracts_in(documents) if name_of(one) == name]
        return found, broken
