"""Versions in service whose files are gone from the proposed folder: a deletion is a change too."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from meshline.core.yaml12 import Document
from runbooks.rules.change_report import Entry
from runbooks.rules.contract_files import ContractFolder, Unreadable, contracts_in, places, read
from runbooks.rules.document_kinds import name_of

SERVING = ("active", "deprecated")


def gone(
    folder: ContractFolder, new: Sequence[Path], proposed: Sequence[Document]
) -> tuple[list[Entry], list[Unreadable]]:
    """Return an entry for each version in service that the new folder no longer has.

    Only a folder that lays its files out as the old one does can lack some of them.
    """
    entries: list[Entry] = []
    broken: list[Unreadable] = []
    there = {_key(one) for one in contracts_in(proposed)}
    for given in new:
        inner = {one.inner for one in places(given)} if given.is_dir() else set()
        before = [one for one in folder.places if one.inner]
        if not inner & {one.inner for one in before}:
            continue
        for place in before:
            if place.inner not in inner:
                documents = read(place.path)
                if isinstance(documents, Unreadable):
                    broken.append(documents)
                    continue
                entries += _missing(contracts_in(documents), there, given)
    return entries, broken


def _missing(
    documents: Sequence[Document], there: Collection[tuple[str, str]], given: Path
) -> list[Entry]:
    return [
        Entry(
            one.name,
            1,
            " ".join(_key(one)),
            "refused",
            (
                f"{' '.join(_key(one))} is in service and its file is gone from {given}. Keep the "
                "file; a version is taken out of service by retiring it.",
            ),
        )
        for one in documents
        if one.value.get("status") in SERVING and _key(one) not in there
    ]


def _key(document: Document) -> tuple[str, str]:
    return name_of(document) or "contract", str(document.value.get("version", ""))
