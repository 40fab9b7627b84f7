"""Check files together: sources, contracts, flows, runbooks, calendars, policies, rotas, systems.

What `meshline check` prints. Exit codes: 0 fine, 1 refused, 2 unreadable or usage, 3 undecided.
A name that is in none of the files given is a note, because a check may be given only a part of
the world; `closed` makes it a refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from meshline.core.errors import DocumentUnreadable
from meshline.core.findings import Finding, Severity
from meshline.core.yaml12 import MAX_BYTES, Document, load_all
from runbooks.rules.change_report import ChangeReport, refused_entry
from runbooks.rules.contract_files import Unreadable
from runbooks.rules.document_kinds import KINDS, name_of
from runbooks.rules.document_set import DocumentSet, Judged

OK, REFUSED, UNREADABLE, UNDECIDED = 0, 1, 2, 3
SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Report:
    """What a check found: every finding with its document, and what could not be read at all."""

    judged: tuple[Judged, ...]
    unreadable: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The code with which `meshline check` ends."""
        severities = {one.finding.severity for one in self.judged}
        if self.unreadable:
            return UNREADABLE
        if Severity.REFUSED in severities:
            return REFUSED
        return UNDECIDED if Severity.UNDECIDED in severities else OK


def check_files(paths: Sequence[str | Path], *, closed: bool = False) -> tuple[int, list[str]]:
    """Check files and folders together; return the exit code and the lines to print."""
    if not paths:
        return UNREADABLE, ["Nothing to check. Give files or folders: meshline check FILES…"]
    documents, unreadable = _read(paths)
    report = check_documents(documents, closed=closed)
    lines = [*unreadable, *(_line(one) for one in report.judged)]
    code = UNREADABLE if unreadable else report.exit_code
    return code, [*lines, _summary(documents, report, unreadable)]


def report_of(paths: Sequence[str | Path]) -> ChangeReport:
    """Check files and folders together as `check_files` does; return it for other formats."""
    documents, unreadable = _read(paths)
    report = check_documents(documents)
    entries, notes = [], []
    for document in documents:
        findings = [one.finding for one in report.judged if one.document is document]
        weighty = [one for one in findings if one.severity is not Severity.WARNING]
        if weighty:
            entries.append(refused_entry(document, name_of(document) or document.name, weighty))
        notes += [_text(document.name, one) for one in findings if one not in weighty]
    broken = [Unreadable.told(line) for line in unreadable]
    summary = _summary(documents, report, unreadable)
    return ChangeReport(tuple(entries), tuple(broken), notes=tuple(notes), told=summary)


def check_documents(documents: Sequence[Document], *, closed: bool = False) -> Report:
    """Check documents together, each by its kind and against the others."""
    return Report(tuple(DocumentSet(documents, closed=closed).judged()))


def _read(paths: Iterable[str | Path]) -> tuple[list[Document], list[str]]:
    documents: list[Document] = []
    unreadable: list[str] = []
    for path, named in _files(paths):
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
            if not named and b"meshline" not in raw:
                continue  # in a folder other YAML and JSON may lie around
            found = load_all(raw, name=str(path), quick=True)
        except OSError as error:
            reason = (error.strerror or "it cannot be read").lower()
            unreadable.append(f"{path}:1: The file cannot be read: {reason}. Check its name.")
            continue
        except DocumentUnreadable as error:
            unreadable += [_text(str(path), finding) for finding in error.findings]
            continue
        if not found:
            unreadable.append(f"{path}:1: The file holds no document. Write one, or remove it.")
        documents += [one for one in found if named or _is_ours(one)]
    if not documents and not unreadable:
        unreadable.append("No document was found. Files end in .yaml, .yml or .json.")
    return documents, unreadable


def _files(paths: Iterable[str | Path]) -> Iterator[tuple[Path, bool]]:
    """Yield every file once, and whether it was named itself."""
    seen: set[Path] = set()
    for given in map(Path, paths):
        is_folder = given.is_dir()
        for path in sorted(given.rglob("*")) if is_folder else [given]:
            hidden = any(part.startswith(".") for part in path.relative_to(given).parts)
            if is_folder and (hidden or path.suffix not in SUFFIXES or not path.is_file()):
                continue
            key = path.resolve()
            if key not in seen:
                seen.add(key)
                yield path, not is_folder


def _is_ours(document: Document) -> bool:
    return isinstance(document.value, dict) and "meshline" in document.value


def _line(judged: Judged) -> str:
    return _text(judged.document.name, judged.finding)


def _text(name: str, finding: Finding) -> str:
    marks = {Severity.WARNING: "note: ", Severity.UNDECIDED: "undecided: "}
    words = " ".join(part for part in (finding.message, finding.remedy) if part)
    return f"{name}:{finding.line or 1}: {marks.get(finding.severity, '')}{words}"


def _summary(documents: Sequence[Document], report: Report, unreadable: Sequence[str]) -> str:
    counts: dict[str, int] = {}
    for document in documents:
        value = document.value if isinstance(document.value, dict) else {}
        kind = KINDS.get(str(value.get("meshline")), "other document")
        counts[kind] = counts.get(kind, 0) + 1
    told = ", ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in counts.items())
    refused = sum(one.finding.severity is Severity.REFUSED for one in report.judged)
    undecided = sum(one.finding.severity is Severity.UNDECIDED for one in report.judged)
    verdict = "fine"
    if unreadable:
        verdict = f"{len(unreadable)} unreadable"
    elif refused:
        verdict = f"refused at {refused} point{'s' * (refused > 1)}"
    elif undecided:
        verdict = f"undecided at {undecided} point{'s' * (undecided > 1)}"
    return f"{told or 'No documents'}: {verdict}."
