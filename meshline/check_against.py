"""`meshline check --against URL PATH…`: what a registry has published, judged on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from contracts_app.rules.contract_shape import SERVING
from meshline.core.yaml12 import Document
from meshline.registry_client import Published, Registry, RegistryError
from runbooks.rules.change_check import Served, judge_documents, proposed, served_from
from runbooks.rules.change_report import ChangeReport
from runbooks.rules.contract_files import Place, Unreadable, contracts_in, places
from runbooks.rules.document_kinds import name_of

MOST_AT_ONCE = 6  # requests: a registry serves few at a time
_AHEAD = 24  # documents that may lie ready before they are asked for
_Key = tuple[str, str]  # name and version


def check_against(address: str, key: str, paths: Sequence[Path]) -> ChangeReport:
    """Compare files and folders with what is in service there, by the rules of the registry.

    Only the contracts that differ are fetched; a registry that cannot be asked is unreadable.
    """
    missing = [path for path in paths if not path.exists()]
    if missing:
        told = "There is no such file or folder. Check its name."
        return ChangeReport(unreadable=tuple(Unreadable(str(one), 1, told) for one in missing))
    try:
        with Registry(address, key) as registry:
            return _Check(registry).report(paths)
    except RegistryError as error:
        return ChangeReport(unreadable=(Unreadable(address, 0, str(error)),))


class _Check:
    """One check: every contract is asked for once."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.known: dict[str, list[Published]] = {}

    def report(self, paths: Sequence[Path]) -> ChangeReport:
        listed = [one for path in paths for one in places(path)]
        self._ask({one.laid_out_for for one in listed} - {""})
        found = proposed(paths, self._is_published)
        names = list(dict.fromkeys(name_of(one) or "" for one in contracts_in(found.documents)))
        self._ask(set(names) - {""})
        wanted = [(name, one.version) for name in names for one in self._in_service(name)]
        with _Ahead(self.registry.document, wanted) as documents:
            return judge_documents(found, lambda name: self._served(name, documents))

    def _ask(self, names: set[str]) -> None:
        fresh = names - self.known.keys()
        answered = self.registry.published(fresh)
        self.known |= {name: answered.get(name, []) for name in fresh}

    def _is_published(self, place: Place, raw: bytes) -> bool:
        """Whether exactly this text is published under the name that the layout says."""
        versions = self.known.get(place.laid_out_for, ())
        return hashlib.sha256(raw).hexdigest() in {one.text_sha256 for one in versions}

    def _in_service(self, name: str) -> list[Published]:
        return [one for one in self.known.get(name, ()) if one.state in SERVING]

    def _served(self, name: str, documents: _Ahead) -> Served:
        """What is in service is the registry's word, not that of the documents."""
        found = [
            Document(documents.take((name, one.version)), "", f"{name} {one.version} (published)")
            for one in self._in_service(name)
        ]
        return replace(served_from(found, all_=True), numbered=True)


class _Ahead:
    """Documents fetched by a few threads a little before they are asked for, in that order.

    What was passed over is forgotten; what is asked for again is fetched again.
    """

    def __init__(self, fetch: Callable[[str, str], Any], wanted: Sequence[_Key]) -> None:
        self._fetch = fetch
        self._wanted = wanted
        self._places = {key: place for place, key in enumerate(wanted)}
        self._under_way: dict[int, Future[Any]] = {}
        self._next = 0  # the first that no thread was asked for
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, "fetch")

    def __enter__(self) -> _Ahead:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.shutdown(cancel_futures=True)

    def take(self, key: _Key) -> Any:
        """Return a document. Raises: RegistryError."""
        place = self._places.get(key, -1)
        if place in self._under_way or place >= self._next:
            self._go_on_from(place)
            return self._under_way.pop(place).result()
        return self._fetch(*key)

    def _go_on_from(self, place: int) -> None:
        for passed in [one for one in self._under_way if one < place]:
            self._under_way.pop(passed).cancel()
        self._next = max(self._next, place)
        while self._next < min(place + _AHEAD, len(self._wanted)):
            name, version = self._wanted[self._next]
            self._under_way[self._next] = self._threads.submit(self._fetch, name, version)
            self._next += 1
