"""The short questionnaire of a flow, and the risk class that its answers give, with reasons.

The reasons are the words of a contract's `risk.reasons`, so that a contract drafted from the
inventory says the same. A yes more never lowers the class.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from itertools import product

FREQUENCIES = {
    "rarely": "Less than once a day",
    "daily": "At least once a day",
    "hourly": "At least once an hour",
}


@dataclass(frozen=True)
class Question:
    """One yes-or-no question: what is asked, the reason that a yes gives, and why that counts."""

    slug: str
    asks: str
    hint: str
    reason: str
    why: str
    weight: str  # the class that this yes gives alone


QUESTIONS = (
    Question(
        "money",
        "Can it cost a customer or us money?",
        "A refund that is late, doubled or lost; a wrong invoice; an order paid twice.",
        "financial_harm",
        "Money moves, or waits for it.",
        "high",
    ),
    Question(
        "compliance",
        "Can it break a law or a duty?",
        "Deadlines set by law, data protection, bookkeeping, an auditor's finding.",
        "compliance_breach",
        "A law or a duty can be broken.",
        "high",
    ),
    Question(
        "service_level_breach",
        "Can it break a promised time?",
        "A first reply, a delivery, a repayment by a day that the customer was told.",
        "sla_breach",
        "A promised time can be missed.",
        "high",
    ),
    Question(
        "friction",
        "Must the customer write again or do extra work?",
        "They ask where it is, send the same thing twice, or repeat what we should know.",
        "friction",
        "The customer has to come back for it.",
        "medium",
    ),
    Question(
        "analytics",
        "Do figures or reports rely on it?",
        "A dashboard or a forecast would be wrong; nobody outside would notice at once.",
        "wrong_figures",
        "Figures would be wrong.",
        "low",
    ),
)
BY_SLUG = {question.slug: question for question in QUESTIONS}
NO_FALLBACK = "no_manual_fallback"
_UP = {"medium": "high", "high": "critical"}


@dataclass(frozen=True)
class Answers:
    """What is answered so far: None and "" are open questions."""

    money: bool | None = None
    compliance: bool | None = None
    service_level_breach: bool | None = None
    friction: bool | None = None
    analytics: bool | None = None
    frequency: str = ""

    def of(self, slug: str) -> bool | None:
        """Return the answer to one yes-or-no question."""
        answer: bool | None = getattr(self, slug)
        return answer


@dataclass(frozen=True)
class Assessment:
    """The class ("" while a question is open), its reasons, and each reason as a sentence."""

    risk_class: str
    reasons: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    open_questions: tuple[str, ...] = ()


def assess(answers: Answers, *, has_fallback: bool) -> Assessment:
    """Return the risk class of a flow. Until all is answered there is none, only what is open.

    Two of money, compliance and promised times make it critical, one makes it high; extra work for
    the customer makes it medium. What happens daily and cannot be done by hand weighs one more.
    """
    left = [question.asks for question in QUESTIONS if answers.of(question.slug) is None]
    left += [] if answers.frequency else ["How often does it happen?"]
    if left:
        return Assessment("", open_questions=tuple(left))
    said_yes = [question for question in QUESTIONS if answers.of(question.slug)]
    found = _base([question.weight for question in said_yes])
    reasons = [question.reason for question in said_yes]
    why = [question.why for question in said_yes]
    if not has_fallback and answers.frequency != "rarely" and found in _UP:
        found = _UP[found]
        reasons.append(NO_FALLBACK)
        why.append("It happens every day, and nobody could do it by hand: one class higher.")
    if not why:
        why.append("Nothing on the list would come of it.")
    return Assessment(found, tuple(reasons), tuple(why))


@cache
def rule_digest() -> str:
    """Return what tells this rule from another: all that it answers, to whatever is told to it.

    A row that was assessed by another rule is known by it, and nobody has to count versions.
    """
    told = product((True, False), repeat=len(QUESTIONS))
    found = [
        assess(
            Answers(frequency=often, **dict(zip(BY_SLUG, said, strict=True))),
            has_fallback=by_hand,
        ).risk_class
        for said in told
        for often in FREQUENCIES
        for by_hand in (True, False)
    ]
    return hashlib.sha256(" ".join([*BY_SLUG, *FREQUENCIES, *found]).encode()).hexdigest()[:16]


def _base(weights: list[str]) -> str:
    if weights.count("high") > 1:
        return "critical"
    return next((weight for weight in ("high", "medium") if weight in weights), "low")
