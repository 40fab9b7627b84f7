"""A folder of contracts: its files by version, and their digests at the last sync."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from meshline.core import safejson
from meshline.core.errors import BadJson
from meshline.core.yaml12 import MAX_BYTES

STATE = ".meshline-contracts.json"
NAME = re.compile(r"[a-z][a-z0-9_-]{0,119}(\.[a-z0-9_-]{1,119})+")
VERSION = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){0,2}")
_DOMAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_LINE = re.compile(r"(\S+)/(\S+) ([0-9a-f]{64})")
_MOST_STATE = 8 * 1024 * 1024
_SUFFIXES = (".yaml", ".yml", ".json")

Key = tuple[str, str]  # name and version


class FolderError(Exception):
    """The folder cannot be used; the text is one sentence for a person."""


def digest_of(raw: bytes) -> str:
    """Return the digest by which texts are compared."""
    return hashlib.sha256(raw).hexdigest()


@dataclass
class Folder:
    """What is in the folder; `base` is what was on both sides at the last sync."""

    root: Path
    registry: str
    files: dict[Key, Path] = field(default_factory=dict)
    base: dict[Key, str] = field(default_factory=dict)

    @classmethod
    def opened(cls, root: Path, registry: str) -> Folder:
        """Find the files laid out as <domain>/<name>/<version>.yaml. Raises: FolderError."""
        if root.exists() and not root.is_dir():
            raise FolderError(f"{root} is no folder. Name the one that holds the contracts.")
        folder = cls(root, registry.rstrip("/"))
        for place, below, files in os.walk(root):  # links to folders are not followed
            below[:] = sorted(one for one in below if not one.startswith("."))
            for file in sorted(files):
                folder._add(Path(place) / file)
        folder._read_base()
        return folder

    def _add(self, path: Path) -> None:
        name, version = path.parent.name, path.stem
        if path.suffix not in _SUFFIXES or path.is_symlink():
            return
        if not (NAME.fullmatch(name) and VERSION.fullmatch(version)):
            return
        twin = self.files.setdefault((name, version), path)
        if twin != path:
            raise FolderError(f"{twin} and {path} are the same version. Remove one of them.")

    def _read_base(self) -> None:
        path = self.root / STATE
        if path.is_symlink():
            raise FolderError(f"{path} is a link, which is not followed. Remove it.")
        try:
            with path.open("rb") as file:
                told = safejson.loads(file.read(_MOST_STATE + 1), max_bytes=_MOST_STATE)
        except FileNotFoundError:
            return
        except BadJson:
            told = None
        lines = told.get("versions") if isinstance(told, dict) else None
        found = [_LINE.fullmatch(str(one)) for one in lines] if isinstance(lines, list) else [None]
        if not isinstance(told, dict) or None in found:
            raise FolderError(
                f"{path} cannot be read. Mend it (a merge may have left marks), or remove it: "
                "then what differs counts as a conflict once."
            )
        if told.get("registry") != self.registry:
            raise FolderError(
                f"{path} is of the registry {str(told.get('registry'))[:200]}. Name that one, or "
                "remove the file."
            )
        self.base = {(one[1], one[2]): one[3] for one in found if one is not None}

    def save_base(self) -> None:
        """Write the state file, one line a version, sorted."""
        lines = [f"{name}/{number} {self.base[name, number]}" for name, number in sorted(self.base)]
        told = {"registry": self.registry, "versions": lines}
        raw = (json.dumps(told, indent=1) + "\n").encode()
        self.root.mkdir(parents=True, exist_ok=True)
        self._replace(self.root / STATE, raw)

    def read(self, key: Key) -> bytes:
        """Return a file's bytes, b"" if there is none. Raises: FolderError if it is too long."""
        path = self.files.get(key)
        if path is None:
            return b""
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise FolderError(f"{path}: The file cannot be read: {error.strerror}.") from None
        if not raw or len(raw) > MAX_BYTES:
            raise FolderError(f"{path}: The file is empty or has over {MAX_BYTES} bytes.")
        return raw

    def place_of(self, key: Key, domain: str) -> Path:
        """Return where a version is, or where a new one belongs. Raises: FolderError."""
        name, version = key
        if not (NAME.fullmatch(name) and VERSION.fullmatch(version)):
            raise FolderError(f"The registry names {name[:80]!r} {version[:40]!r}: no file name.")
        if domain and not _DOMAIN.fullmatch(domain):
            raise FolderError(f"The registry names the domain {domain[:80]!r}: no folder's name.")
        return self.files.get(key) or self.root / (domain or "other") / name / f"{version}.yaml"

    def write(self, key: Key, domain: str, raw: bytes, *, over: str) -> None:
        """Write a file in one piece, if it still is what `over` says ("" for none).

        Raises: FolderError.
        """
        path = self.place_of(key, domain)
        for parent in (path, *path.parents):
            if parent == self.root:
                break
            if parent.is_symlink():
                raise FolderError(f"{parent} is a link, which is not followed. Remove it.")
        now = digest_of(path.read_bytes()) if path.exists() else ""
        if now != over:
            raise FolderError(f"{path} was changed just now, so it stays. Run the command again.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._replace(path, raw)
        except OSError as error:
            raise FolderError(f"{path}: It cannot be written: {error.strerror}.") from None
        self.files[key] = path

    def _replace(self, path: Path, raw: bytes) -> None:
        handle, made = tempfile.mkstemp(prefix=".meshline-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(raw)
            os.chmod(made, 0o644)
            os.replace(made, path)
        except OSError:
            Path(made).unlink(missing_ok=True)
            raise
