"""Bundles: contracts as files, out for review and in after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction

from contracts_app.models import ContractState, ContractVersion
from contracts_app.queries.registry import SERVING
from contracts_app.services import drafts, publishing
from meshline.core.errors import NotFound


@dataclass(frozen=True)
class Imported:
    """What became of one file."""

    file: str
    contract: str
    version: str
    state: str
    changed: bool


def export_bundle(folder: Path, *, name: str = "", drafts_too: bool = False) -> list[Path]:
    """Write every serving version as `<domain>/<name>/<version>.yaml`; returns the files.

    The text is the author's own, to the byte. Raises: NotFound if there is nothing to write.
    """
    states = [*SERVING, *([ContractState.DRAFT, ContractState.IN_REVIEW] if drafts_too else [])]
    rows = ContractVersion.objects.filter(state__in=states).select_related("contract")
    if name:
        rows = rows.filter(contract__name=name)
    written = []
    for row in rows.order_by("contract__name", "id"):
        path = folder / (row.contract.domain or "other") / row.contract.name
        path.mkdir(parents=True, exist_ok=True)
        file = path / f"{row.version}.yaml"
        file.write_text(row.text, "utf-8", newline="")
        written.append(file)
    if not written:
        raise NotFound(f"There is no contract {name or 'to export'}.")
    return written


@transaction.atomic
def import_bundle(
    paths: Iterable[Path], *, publish: bool, by: User | None = None, now: datetime
) -> list[Imported]:
    """Take contract files in: as drafts, or with `publish` straight into service.

    All or nothing. Raises: DocumentRefused, naming the file; Conflict if a draft is in the way.
    """
    result = []
    for file in files_in(paths):
        text = file.read_text("utf-8")
        if publish:
            row, changed = publishing.install(text=text, by=by, now=now)
        else:
            row, changed = _as_draft(text, by=by, now=now)
        result.append(Imported(str(file), row.contract.name, row.version, row.state, changed))
    return result


def files_in(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the YAML and JSON files of these paths, folders walked, in a stable order.

    Raises: NotFound for a path that is not there.
    """
    for path in paths:
        if path.is_dir():
            yield from (file for file in sorted(path.rglob("*")) if file.suffix in _SUFFIXES)
        elif path.is_file():
            yield path
        else:
            raise NotFound(f"There is no file {path}.")


_SUFFIXES = frozenset({".yaml", ".yml", ".json"})


def _as_draft(text: str, *, by: User | None, now: datetime) -> tuple[ContractVersion, bool]:
    _, spec = drafts.judge(text)
    rows = ContractVersion.objects.select_related("contract").filter(contract__name=spec.name)
    same = rows.filter(digest=spec.digest).first()
    if same is not None:
        return same, False
    draft = rows.filter(state=ContractState.DRAFT).first()
    if draft is not None:
        return drafts.edit_draft(version=draft, text=text, by=by, now=now), True
    return drafts.start_draft(text=text, by=by, now=now), True
