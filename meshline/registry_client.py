"""A registry asked over HTTP by the command line: bounded, without redirects, one clear error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from meshline.core import safejson
from meshline.core.errors import BadJson

TIMEOUT_S = 15.0
MOST_NAMES = 50
_MOST_PAGES = 200
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class DraftRefused(Exception):
    """The registry keeps one draft out; the text says why and what to do."""


@dataclass(frozen=True)
class Kept:
    """One version as the registry keeps it, without its text."""

    name: str
    domain: str
    version: str
    state: str
    text_sha256: str


class RegistryError(Exception):
    """The registry cannot be asked; the text is one sentence for a person, without the key."""


@dataclass(frozen=True)
class Published:
    """One published version of a contract, without its document."""

    version: str
    state: str
    digest: str
    text_sha256: str


class Registry:
    """The registry at an address, asked with an API key. Raises RegistryError from every call."""

    def __init__(self, address: str, key: str) -> None:
        self._base = _checked(address)
        if not key:
            raise RegistryError(
                "No key: set MESHLINE_API_KEY to an API key with the scope contracts:read."
            )
        if not _KEY.fullmatch(key):
            raise RegistryError("MESHLINE_API_KEY holds no API key: it begins with msh_.")
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
            timeout=TIMEOUT_S,
            follow_redirects=False,
            trust_env=False,
        )

    def __enter__(self) -> Registry:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def published(self, names: Iterable[str]) -> dict[str, list[Published]]:
        """Return the published versions of contracts by name; unknown ones are left out."""
        wanted = sorted(set(names))
        found: dict[str, list[Published]] = {}
        for start in range(0, len(wanted), MOST_NAMES):
            asked = wanted[start : start + MOST_NAMES]
            told = self._get("contracts", [("name", name) for name in asked])
            for one in _shaped(told, "contracts"):
                found[str(one["name"])] = [_version(row) for row in _shaped(one, "versions")]
        return found

    def document(self, name: str, version: str) -> Any:
        """Return a published version's document."""
        told = self._get(_path(name, version))
        if "document" not in told:
            raise RegistryError(f"The registry at {self._base} answered without a document.")
        return told["document"]

    def kept(self) -> list[Kept]:
        """Return every version that the key may read, without texts, a page at a time."""
        found: list[Kept] = []
        after = 0
        for _ in range(_MOST_PAGES):
            told = self._get("contracts/versions", [("after", str(after))])
            found += [_kept(row) for row in _shaped(told, "versions")]
            following = told.get("next")
            if following is None:
                return found
            if not isinstance(following, int) or following <= after:
                break
            after = following
        raise RegistryError("What answers there is no registry of this version.")

    def text(self, name: str, version: str) -> str:
        """Return a version's text exactly as it is kept."""
        told = self._get(f"{_path(name, version)}/text")
        if not isinstance(told.get("text"), str):
            raise RegistryError(f"The registry at {self._base} answered without a text.")
        return str(told["text"])

    def put_draft(self, name: str, version: str, body: Mapping[str, str], *, expected: str) -> None:
        """Send a draft; `expected` is the digest that it builds on, "" for a new one.

        Raises: DraftRefused if this draft is kept out.
        """
        precondition = {"If-Match": f'"{expected}"'} if expected else {"If-None-Match": "*"}
        path = f"{_path(name, version)}/text"
        raw = json.dumps(body, ensure_ascii=False).encode()
        headers = {**precondition, "Content-Type": "application/json"}
        response, answer = self._send("PUT", path, content=raw, headers=headers)
        if response.status_code in (400, 403, 404, 409, 412, 413, 422):
            raise DraftRefused(_words(answer, 1000) or f"It answered {response.status_code}.")
        if response.status_code not in (200, 201):
            raise RegistryError(_refusal(self._base, response, answer))

    def can_deploy(
        self, system: str, version: str, environment: str
    ) -> tuple[str, list[tuple[str, str, str]]]:
        """Return the verdict and its reasons: contract, state and sentence each."""
        query = [("system", system), ("version", version), ("to", environment)]
        told = self._get("can-i-deploy", query)
        if told.get("verdict") not in ("yes", "failed", "unverified"):
            raise RegistryError("What answers there is no registry of this version.")
        reasons = [
            tuple(str(one.get(key, "")) for key in ("contract", "state", "sentence"))
            for one in _shaped(told, "reasons")
        ]
        return told["verdict"], [(one[0], one[1], one[2]) for one in reasons]

    def verify(
        self,
        name: str,
        version: str,
        *,
        system: str,
        system_version: str,
        result: str,
        details: str,
    ) -> None:
        """Write down that a system's version "passed" or "failed" a contract's version."""
        told = {"system": system, "version": system_version, "result": result, "details": details}
        self._ask("POST", f"{_path(name, version)}/verifications", body=told)

    def _get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Any:
        return self._ask("GET", path, query)

    def _ask(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]] = (),
        body: Mapping[str, str] | None = None,
    ) -> Any:
        response, raw = self._send(method, path, params=list(query), json=body)
        if response.status_code not in (200, 201):
            raise RegistryError(_refusal(self._base, response, raw))
        try:
            answer = safejson.loads(raw, max_bytes=safejson.MAX_ANSWER_BYTES)
        except BadJson:
            answer = None
        if not isinstance(answer, dict):
            raise RegistryError(f"What answers at {self._base} is no registry: it sent no JSON.")
        return answer

    def _send(self, method: str, path: str, **more: Any) -> tuple[httpx.Response, bytes]:
        address = f"{self._base}/api/v1/{path}"
        try:
            with self._client.stream(method, address, **more) as response:
                return response, _bounded(response)
        except httpx.HTTPError as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise RegistryError(
                f"The registry at {self._base} cannot be reached: {reason}."
            ) from None


def _path(name: str, version: str) -> str:
    return f"contracts/{quote(name, safe='')}/versions/{quote(version, safe='')}"


def _checked(address: str) -> str:
    """Return the address without its last slash; a key travels over https only."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL("")
    plain = url.scheme == "http" and _LOOPBACK.fullmatch(url.host)
    if not (url.host and (url.scheme == "https" or plain)) or url.userinfo or url.query:
        raise RegistryError(
            f"{address[:200]!r} is no address of a registry: write https://host, without user, "
            "password or query; plain http is for this machine only."
        )
    return str(url).rstrip("/")


def _bounded(response: httpx.Response) -> bytes:
    raw = b""
    for piece in response.iter_bytes():
        raw += piece
        if len(raw) > safejson.MAX_ANSWER_BYTES:
            raise RegistryError(f"The registry at {response.url.host} answered with too much.")
    return raw


def _refusal(base: str, response: httpx.Response, raw: bytes) -> str:
    status = response.status_code
    if status == 401:
        return f"The registry at {base} does not know the key in MESHLINE_API_KEY."
    if 300 <= status < 400:
        return f"The registry at {base} answers from another address ({status}): use that one."
    words = _words(raw, 400)
    if status == 403:
        return f"The registry at {base} refuses the key in MESHLINE_API_KEY: {words}"
    return f"The registry at {base} answered {status}: {words or 'nothing more'}"


def _words(raw: bytes, most: int) -> str:
    """What a problem document says: its findings with their lines, else its detail."""
    try:
        told = safejson.loads(raw)
    except BadJson:
        return ""
    if not isinstance(told, dict):
        return ""
    findings = told.get("findings")
    rows = [one for one in findings if isinstance(one, dict)] if isinstance(findings, list) else []
    said = " ".join(
        f"line {one.get('line', 0)}: {one.get('message', '')} {one.get('remedy', '')}".strip()
        for one in rows[:20]
    )
    said = said or " ".join(str(told.get(part, "")) for part in ("detail", "remedy")).strip()
    return "".join(c if c.isprintable() else " " for c in said)[:most]


def _kept(row: Mapping[str, Any]) -> Kept:
    keys = ("name", "domain", "version", "state", "text_sha256")
    if not all(isinstance(row.get(key), str) for key in keys):
        raise RegistryError("What answers there is no registry of this version.")
    return Kept(*(row[key] for key in keys))


def _shaped(told: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    rows = told.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RegistryError("What answers there is no registry of this version.")
    return rows


def _version(row: Mapping[str, Any]) -> Published:
    keys = ("version", "state", "digest", "text_sha256")
    if not all(isinstance(row.get(key), str) for key in keys):
        raise RegistryError("What answers there is no registry of this version.")
    return Published(*(row[key] for key in keys))
