"""What a check of changes found: one entry for each proposed contract, and the exit code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts_app.rules.change_verdict import Outcome, comparison_json
from contracts_app.rules.compat import Comparison
from contracts_app.rules.consumer_impact import Impact
from contracts_app.rules.contract_change import Against
from meshline.core.findings import Finding, Severity
from meshline.core.yaml12 import Document
from runbooks.rules.contract_files import Unreadable

OK, REFUSED, UNREADABLE, UNDECIDED = 0, 1, 2, 3


@dataclass(frozen=True)
class Entry:
    """One proposed contract or schema: what became of it and why, with its place in a file.

    `answer` is the verdict as JSON, the same that the API gives; `comparisons` and `impacts` are
    the same as values. `findings` are those of the document check.
    """

    file: str
    line: int
    title: str
    outcome: Outcome
    reasons: tuple[str, ...]
    answer: Mapping[str, Any] = field(default_factory=dict)
    comparisons: tuple[Against, ...] = ()
    impacts: tuple[Impact, ...] = ()
    least_version: str = ""
    findings: tuple[Finding, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)

    @property
    def verdict(self) -> str:
        """The judge's word, or "refused" where the document check kept it from judging."""
        told = str(self.answer.get("verdict", "")) or "refused"
        return told if told != "compatible" or self.outcome == "passes" else self.outcome

    def as_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON."""
        return {
            "file": self.file,
            "line": self.line,
            "title": self.title,
            "outcome": self.outcome,
            "reasons": list(self.reasons),
            **self.answer,
            "findings": [one.to_dict() for one in self.findings],
        }


@dataclass(frozen=True)
class ChangeReport:
    """All entries, what could not be read, and how many files were the same on both sides."""

    entries: tuple[Entry, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    unchanged: int = 0
    notes: tuple[str, ...] = ()
    told: str = ""

    @property
    def exit_code(self) -> int:
        """0 all pass, 1 one is refused, 2 something could not be read, 3 one is undecided."""
        outcomes = {one.outcome for one in self.entries}
        if self.unreadable:
            return UNREADABLE
        if "refused" in outcomes:
            return REFUSED
        return UNDECIDED if "undecided" in outcomes else OK

    @property
    def summary(self) -> str:
        """How many changed, how many did not, and what became of them."""
        if self.told:
            return self.told
        same = f", {self.unchanged} unchanged" if self.unchanged else ""
        told = "; ".join(_counts(self)) or "nothing to compare"
        return f"{_count(len(self.entries), 'contract')} changed{same}: {told}."

    def as_json(self) -> dict[str, Any]:
        """Return the whole report as plain JSON."""
        return {
            "exit_code": self.exit_code,
            "summary": self.summary,
            "unchanged": self.unchanged,
            "notes": list(self.notes),
            "unreadable": [
                {"file": one.file, "line": one.line, "message": one.message}
                for one in self.unreadable
            ],
            "entries": [one.as_json() for one in self.entries],
        }


def refused_entry(document: Document, title: str, findings: Sequence[Finding]) -> Entry:
    """Return the entry of a document that its own check refuses, or cannot decide about."""
    refused = [one for one in findings if one.severity is Severity.REFUSED]
    told = refused or [one for one in findings if one.severity is Severity.UNDECIDED]
    reasons = tuple(" ".join(part for part in (one.message, one.remedy) if part) for one in told)
    outcome: Outcome = "refused" if refused else "undecided"
    line = told[0].line or 1
    return Entry(document.name, line, title, outcome, reasons, findings=tuple(findings))


def compared_entry(document: Document, comparison: Comparison, old: str) -> Entry:
    """Return the entry of a bare schema that was compared with another file's."""
    told = {
        "compatible": f"The schema is safe for those who rely on {old}.",
        "breaking": f"The schema breaks {old}.",
        "unknown": f"Whether the schema is safe for those who rely on {old} is not known: "
        f"{comparison.why or 'no proof and no counterexample was found.'}",
    }[comparison.verdict]
    named = [one.sentence for one in comparison.changes if one.breaking][:3]
    outcomes: dict[str, Outcome] = {"compatible": "passes", "breaking": "refused"}
    answer = {
        "contract": None,
        "version": None,
        "verdict": comparison.verdict,
        "least_version": None,
        "comparisons": [{"against": old, **comparison_json(comparison)}],
        "consumers": [],
    }
    return Entry(
        document.name,
        1,
        document.name,
        outcomes.get(comparison.verdict, "undecided"),
        (" ".join([told, *named]),),
        answer,
        (Against(old, comparison),),
        lines=document.lines,
    )


def _counts(report: ChangeReport) -> Iterator[str]:
    if report.unreadable:
        yield f"{len(report.unreadable)} unreadable"
    for outcome, word in (("refused", "refused"), ("undecided", "undecided"), ("passes", "safe")):
        found = sum(one.outcome == outcome for one in report.entries)
        if found:
            yield f"{found} {word}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
