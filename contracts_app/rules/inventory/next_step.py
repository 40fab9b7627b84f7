"""What somebody has to do next with a flow of the inventory, from nothing known to in service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contracts_app.rules.inventory.entry import FlowEntry

Do = Literal["answer", "complete", "draft", "edit", "sign", "rest"]


@dataclass(frozen=True)
class Agreed:
    """How far the contract of the same name is; empty texts: no such version."""

    serving: str = ""
    serving_state: str = ""
    coming: str = ""
    coming_state: str = ""

    @property
    def state(self) -> str:
        """The state that counts: what serves, else what is coming, else retired or "" for none."""
        return self.serving_state or self.coming_state

    @property
    def version(self) -> str:
        """The version in that state."""
        return self.serving or self.coming


@dataclass(frozen=True)
class NextStep:
    """What to do: a key for the page, a title, and a sentence on how."""

    do: Do
    title: str
    how: str


def next_step(entry: FlowEntry, agreed: Agreed) -> NextStep:
    """Return the one thing to do now."""
    match agreed.state:
        case "draft":
            return NextStep(
                "edit",
                "Complete the draft",
                "Work through the numbered comments until “Go-live gates” on the draft's page asks "
                "for evidence only, then press “Ask for sign-off” there.",
            )
        case "in_review":
            return NextStep(
                "sign",
                "Let its owners sign",
                "Each owner named in the contract opens it and signs; then it can be published.",
            )
        case "active":
            return NextStep(
                "rest", "Nothing to do here", "Its contract is in service; changes begin there."
            )
        case "deprecated":
            return NextStep(
                "rest", "Move to its successor", "The contract's page says which version and when."
            )
        case "retired":
            return NextStep(
                "draft", "Draft a new version, or remove the row", "Its contract is retired."
            )
    return _before_a_contract(entry)


def _before_a_contract(entry: FlowEntry) -> NextStep:
    open_questions = len(entry.assessment.open_questions)
    if open_questions:
        plural = "question is" if open_questions == 1 else "questions are"
        return NextStep(
            "answer",
            "Answer the questionnaire",
            f"{open_questions} {plural} open. Its answers give the risk class.",
        )
    missing = [
        title
        for title, there in (
            ("producer", entry.producer),
            ("consumers", entry.consumers),
            ("owner", entry.owner),
        )
        if not there
    ]
    if missing:
        return NextStep(
            "complete",
            f"Name the {' and the '.join(missing)}",
            "A contract is between somebody who sends and somebody who uses, and one answers for "
            "it. Ask the team that gets the call when it fails.",
        )
    return NextStep(
        "draft",
        "Draft a contract from this row",
        "A contract owner starts it: what is known here is filled in, and comments say what to "
        "write next.",
    )
