"""`meshline check --old OLD NEW…`: proposed contracts against those in service, without a database.

Only what differs is read. The document check comes first: what it refuses is never compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from contracts_app.rules import schema_safety
from contracts_app.rules.change_verdict import Proposal, judge_proposal, left_undecided
from contracts_app.rules.compat import Direction, Policy, compare
from contracts_app.rules.contract_spec import ContractSpec, parse_contract
from contracts_app.rules.shape import with_lines
from contracts_app.rules.versions import parse_version
from meshline.core.errors import DocumentRefused
from meshline.core.findings import Finding, Severity
from meshline.core.yaml12 import Document
from runbooks.rules.change_report import ChangeReport, Entry, compared_entry, refused_entry
from runbooks.rules.contract_files import (
    ContractFolder,
    Place,
    Unreadable,
    contracts_in,
    places,
    raw_of,
    read,
)
from runbooks.rules.document_kinds import kind_of, name_of
from runbooks.rules.document_set import DocumentSet
from runbooks.rules.gone_contracts import SERVING, gone
from runbooks.rules.spread import spread


@dataclass(frozen=True)
class Served:
    """What a contract is compared with. `numbered`: its numbers are taken, so the next is higher.

    `doubts` say why it cannot be compared with all that it should be.
    """

    specs: tuple[ContractSpec, ...] = ()
    numbered: bool = True
    doubts: tuple[str, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()


@dataclass
class Found:
    """What was read on the side of the proposals."""

    documents: list[Document] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    unchanged: int = 0
    named: set[str] = field(default_factory=set)


def check_changes(
    old: Path,
    new: Sequence[Path],
    *,
    direction: Direction = "backward",
    policy: Policy = "strict",
    processes: bool = False,
) -> ChangeReport:
    """Compare proposed files and folders with an old file or folder.

    `direction` and `policy` are for two bare schemas; a contract names its own. `processes` lets
    many contracts be judged by more than one process.
    """
    wrong = _misuse(old, new)
    if wrong:
        return ChangeReport(unreadable=(wrong,))
    folder = ContractFolder(old, without=[path for path in new if not path.is_dir()])
    if folder.is_file:
        return _against_file(folder, new, direction, policy)
    found = proposed(new, _same_as(folder))
    entries, broken = gone(folder, new, found.documents)
    found.unreadable += broken
    report = judge_documents(found, partial(_served_by, folder), processes=processes)
    return replace(report, entries=(*report.entries, *entries))


def judge_documents(
    found: Found, served: Callable[[str], Served], *, processes: bool = False
) -> ChangeReport:
    """Judge the contracts that were found, each against what `served` says is in service.

    With `processes` it may be asked in other processes.
    """
    broken = list(found.unreadable)
    contracts = contracts_in(found.documents)
    for one in found.documents:
        if kind_of(one) != "contract" and one.name in found.named:
            told = f"This is {_kind(one)}, and only contracts are compared. Leave it out."
            broken.append(Unreadable(one.name, 1, told))
    jobs = list(zip(contracts, _findings(contracts), strict=True))
    work = partial(_judged, served)
    judged = spread(work, jobs) if processes else [work(job) for job in jobs]
    entries = [entry for entry, _ in judged if entry is not None]
    unchanged = found.unchanged + len(judged) - len(entries)
    for _, unread in judged:
        broken += [one for one in unread if one not in broken]
    if not contracts and not unchanged and not broken:
        told = "No contract was found. Contracts begin with meshline: contract/v1."
        broken.append(Unreadable(", ".join(sorted(found.named)) or "NEW", 1, told))
    return ChangeReport(tuple(entries), tuple(broken), unchanged)


def proposal_entry(document: Document, proposal: Proposal) -> Entry:
    """Return the entry of a contract that was judged."""
    change = proposal.change
    return Entry(
        document.name,
        document.line_of("/version"),
        f"{proposal.contract} {proposal.version}",
        proposal.outcome,
        proposal.reasons,
        proposal.as_json(),
        change.comparisons if change else (),
        change.impacts if change else (),
        change.least_version if change and change.comparisons else "",
        lines=document.lines,
    )


def _misuse(old: Path, new: Sequence[Path]) -> Unreadable | None:
    for path in (old, *new):
        if not path.exists():
            return Unreadable(str(path), 1, "There is no such file or folder. Check its name.")
    inside = old.resolve()
    for path in new:
        here = path.resolve()
        if here == inside or (path.is_dir() and (inside in here.parents or here in inside.parents)):
            told = (
                f"{path} and --old {old} hold the same files, so nothing can be compared. Give "
                "another checkout as --old, or name the changed files."
            )
            return Unreadable(str(path), 1, told)
    return None


def proposed(new: Sequence[Path], is_same: Callable[[Place, bytes], bool]) -> Found:
    """Read what differs from the old side; `is_same` tells that by a file's bytes."""
    found = Found()
    seen: set[str] = set()
    for given in new:
        for place in places(given):
            if place.path in seen:
                continue
            seen.add(place.path)
            raw = _read_raw(place.path)
            if not place.inner:
                found.named.add(place.path)
            if raw is not None and is_same(place, raw):
                found.unchanged += 1
                continue
            if raw is not None and place.inner and b"contract/v1" not in raw:
                continue  # in a folder other documents may lie around
            documents = read(place.path, raw)
            if isinstance(documents, Unreadable):
                found.unreadable.append(documents)
            else:
                found.documents += documents
    return found


def _same_as(folder: ContractFolder) -> Callable[[Place, bytes], bool]:
    def is_same(place: Place, raw: bytes) -> bool:
        twin = folder.twin_of(place)
        return twin is not None and raw == _read_raw(twin.path)

    return is_same


def _read_raw(path: str) -> bytes | None:
    try:
        return raw_of(path)
    except OSError:
        return None


def _against_file(
    folder: ContractFolder, new: Sequence[Path], direction: Direction, policy: Policy
) -> ChangeReport:
    """Compare with one file: its contracts, all that are in it, or its bare schema."""
    before = read(str(folder.given))
    if isinstance(before, Unreadable):
        return ChangeReport(unreadable=(before,))
    found = proposed(new, _same_as(folder))
    if [kind_of(one) for one in before] == [None] and _is_schema(before[0]):
        return _bare(before[0], found, direction, policy)
    known = contracts_in(before)
    if not known:
        told = "This is neither a contract nor a JSON Schema. Give one of both as --old."
        return ChangeReport(unreadable=(Unreadable(str(folder.given), 1, told),))
    return judge_documents(
        found, lambda name: served_from([one for one in known if name_of(one) == name], all_=True)
    )


def _bare(old: Document, found: Found, direction: Direction, policy: Policy) -> ChangeReport:
    if found.unreadable:
        return ChangeReport(unreadable=tuple(found.unreadable))
    if found.unchanged == 1 and not found.documents:
        return ChangeReport(unchanged=1)
    if len(found.documents) != 1 or found.unchanged or not _is_schema(found.documents[0]):
        told = "A bare schema is compared with exactly one other bare schema."
        return ChangeReport(unreadable=(Unreadable(old.name, 1, told),))
    new = found.documents[0]
    findings = with_lines(list(schema_safety.schema_findings(new.value)), new)
    if any(one.severity is not Severity.WARNING for one in findings):
        return ChangeReport((refused_entry(new, new.name, findings),))
    comparison = compare(old.value, new.value, direction=direction, policy=policy)
    return ChangeReport((compared_entry(new, comparison, old.name),))


def _is_schema(document: Document) -> bool:
    value = document.value
    return isinstance(value, bool) or (isinstance(value, dict) and "meshline" not in value)


def _served_by(folder: ContractFolder, name: str) -> Served:
    documents, broken = folder.documents_of(name)
    served = served_from(documents)
    return Served(served.specs, served.numbered, served.doubts, tuple(broken))


def served_from(documents: Sequence[Document], *, all_: bool = False) -> Served:
    """Return what a contract is compared with, of all versions that are known of it.

    Those in service; where none is, every one that is not retired, whose numbers are then still
    free. `all_`: the file was named itself, so everything in it counts.
    """
    specs: list[ContractSpec] = []
    doubts: list[str] = []
    for document in documents:
        try:
            specs.append(parse_contract(document))
        except DocumentRefused as error:
            doubts.append(f"{document.name} cannot be compared with: {error.findings[0]}")
    in_service = [one for one in specs if one.status in SERVING]
    rest = [one for one in specs if one.status != "retired"]
    chosen = specs if all_ else (in_service or rest)
    return Served(tuple(_once(chosen)), bool(in_service), tuple(doubts))


def _once(specs: Sequence[ContractSpec]) -> list[ContractSpec]:
    """One of each number: a copy in another file says nothing new."""
    return list({parse_version(one.version): one for one in specs}.values())


def _findings(contracts: Sequence[Document]) -> list[list[Finding]]:
    """The refusals and doubts of the document check, for each document; notes are left out."""
    found: list[list[Finding]] = [[] for _ in contracts]
    places_of = {id(document): index for index, document in enumerate(contracts)}
    for judged in DocumentSet(contracts).judged():
        if judged.finding.severity is not Severity.WARNING:
            found[places_of[id(judged.document)]].append(judged.finding)
    return found


def _judged(
    served: Callable[[str], Served], job: tuple[Document, list[Finding]]
) -> tuple[Entry | None, tuple[Unreadable, ...]]:
    """Judge one contract; no entry if it is in service exactly so, or something is unreadable."""
    document, findings = job
    name = name_of(document) or "contract"
    if findings:
        version = document.value.get("version", "") if isinstance(document.value, dict) else ""
        return refused_entry(document, f"{name} {version}".strip(), findings), ()
    known = served(name)
    if known.unreadable:
        return None, known.unreadable
    spec = parse_contract(document)
    proposal = judge_proposal(spec, known.specs, numbered=known.numbered)
    proposal = left_undecided(proposal, spec, known.specs, known.doubts)
    if proposal.change is None and proposal.outcome == "passes":
        return None, ()
    return proposal_entry(document, proposal), ()


def _kind(document: Document) -> str:
    kind = kind_of(document)
    return f"a {kind}" if kind else "no document of Meshline's"
