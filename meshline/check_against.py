"""`meshline check --against URL PATH…`: what a registry has published, judged on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from contracts_app.rules.contract_shape import SERVING
from meshline.core.yaml12 import Document
from meshline.registry_client import Published, Registry, RegistryError
from runbooks.rules.change_check import Served, judge_documents, proposed, served_from
from runbooks.rules.change_report import ChangeReport
from runbooks.rules.contract_files import Place, Unreadable, contracts_in, places
from runbooks.rules.document_kinds import name_of


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
        self._ask({name_of(one) or "" for one in contracts_in(found.documents)} - {""})
        return judge_documents(found, self._served)

    def _ask(self, names: set[str]) -> None:
        fresh = names - self.known.keys()
        answered = self.registry.published(fresh)
        self.known |= {name: answered.get(name, []) for name in fresh}

    def _is_published(self, place: Place, raw: bytes) -> bool:
        """Whether exactly this text is published under the name that the layout says."""
        versions = self.known.get(place.laid_out_for, ())
        return hashlib.sha256(raw).hexdigest() in {one.text_sha256 for one in versions}

    def _served(self, name: str) -> Served:
        """What is in service is the registry's word, not that of the documents."""
        documents = [
            Document(
                self.registry.document(name, one.version), "", f"{name} {one.version} (published)"
            )
            for one in self.known.get(name, ())
            if one.state in SERVING
        ]
        return replace(served_from(documents, all_=True), numbered=True)
