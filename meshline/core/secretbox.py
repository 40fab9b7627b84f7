"""Secrets at rest: AES-256-GCM with named keys, each value bound to its table, column and row."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from meshline.core.errors import MeshlineError, Misconfigured

_FORMAT = "mb1"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,15}")
_REMEDY = (
    "Set MESHLINE_SECRET_KEYS to comma-separated keys, the newest first: base64 of 32 bytes each, "
    "with `<id>:` before it if you name them; "
    "`python -m meshline.core.secretbox` prints a fresh one."
)


class SecretUnreadable(MeshlineError):
    """A stored secret cannot be opened: its key is gone, or the value was changed or moved."""

    code = "secret_unreadable"
    http_status = 500


@dataclass(frozen=True)
class Keyring:
    """The keys in use by id: the first one encrypts, all of them decrypt."""

    newest: str
    keys: Mapping[str, bytes]

    @classmethod
    def parse(cls, words: Iterable[str]) -> Self:
        """Read `<id>:<base64 of 32 bytes>` entries, newest first; a bare key is named by digest.

        Raises: Misconfigured, which never repeats key material.
        """
        keys: dict[str, bytes] = {}
        for position, word in enumerate(words, start=1):
            named, _, encoded = word.rpartition(":")
            key = _decode(encoded)
            key_id = named if ":" in word else hashlib.sha256(key).hexdigest()[:8]
            if not _KEY_ID.fullmatch(key_id) or len(key) != _KEY_BYTES or key_id in keys:
                raise Misconfigured(
                    f"Entry {position} of MESHLINE_SECRET_KEYS is no key, or its id stands twice.",
                    remedy=_REMEDY,
                )
            keys[key_id] = key
        if not keys:
            raise Misconfigured("MESHLINE_SECRET_KEYS names no key.", remedy=_REMEDY)
        return cls(next(iter(keys)), keys)

    def seal(self, secret: str, *, place: str) -> str:
        """Return the text to store; `place` (`table:column:primary key`) is bound into it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        box = AESGCM(self.keys[self.newest]).encrypt(nonce, secret.encode(), place.encode())
        encoded = base64.urlsafe_b64encode(nonce + box).decode().rstrip("=")
        return f"{_FORMAT}.{self.newest}.{encoded}"

    def open(self, sealed: str, *, place: str) -> str:
        """Return the secret that `seal` stored at this very place.

        Raises: SecretUnreadable.
        """
        key_id = key_of(sealed)
        if key_id not in self.keys:
            raise SecretUnreadable(
                f"The secret at {place} was sealed with key {key_id!r}, which is not at hand.",
                remedy="Put that key back at the end of MESHLINE_SECRET_KEYS, or set it anew.",
            )
        raw = _decode(sealed.rpartition(".")[2])
        nonce, box = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
        try:
            return AESGCM(self.keys[key_id]).decrypt(nonce, box, place.encode()).decode()
        except (InvalidTag, ValueError):
            raise SecretUnreadable(
                f"The secret at {place} was changed, or belongs to another row.",
                remedy="Set the secret anew.",
            ) from None

    def is_current(self, sealed: str) -> bool:
        """Say whether a stored value already uses the newest key."""
        return key_of(sealed) == self.newest


def key_of(sealed: str) -> str:
    """Return the id of the key that sealed a stored value; "" if it was never sealed."""
    parts = sealed.split(".")
    return parts[1] if len(parts) == 3 and parts[0] == _FORMAT else ""


def new_key(key_id: str = "k1") -> str:
    """Return a fresh entry for MESHLINE_SECRET_KEYS."""
    return f"{key_id}:{base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}"


def _decode(encoded: str) -> bytes:
    padded = encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return b""


if __name__ == "__main__":
    import sys

    sys.stdout.write(new_key(f"k{secrets.token_hex(3)}") + "\n")
