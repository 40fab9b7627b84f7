"""Finding: one thing wrong with a document, where it stands and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs: only `REFUSED` keeps a document out."""

    REFUSED = "refused"
    UNDECIDED = "undecided"
    WARNING = "warning"


@dataclass(frozen=True, order=True)
class Finding:
    """One remark on a document; `path` is a JSON pointer, `line` counts from 1 (0: unknown)."""

    path: str
    line: int
    message: str
    remedy: str = ""
    severity: Severity = Severity.REFUSED

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line else "document"
        where = f"{place}, {self.path}" if self.path else place
        return " ".join(part for part in (f"{where}: {self.message}", self.remedy) if part)

    def to_dict(self) -> dict[str, str | int]:
        """Return the finding as plain JSON."""
        return {
            "path": self.path,
            "line": self.line,
            "message": self.message,
            "remedy": self.remedy,
            "severity": self.severity.value,
        }


def refusals(findings: Iterable[Finding]) -> list[Finding]:
    """Return those findings that refuse the document, in the order given."""
    return [finding for finding in findings if finding.severity is Severity.REFUSED]
