"""Which three flows to begin with, and why: a proposal from the inventory, the same every time.

Ready is who has an owner, both ends, an answered questionnaire and a manual fallback: a pilot needs
somebody to decide, and a way back. Of those, three seats: money, a promised time, another kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from contracts_app.rules.contract_shape import RISK_CLASSES
from contracts_app.rules.inventory.entry import FlowEntry

_OFTEN = ("hourly", "daily", "rarely")
_OFTEN_WORDS = {
    "hourly": "It happens every hour, so a week shows whether it works.",
    "daily": "It happens every day, so a month shows whether it works.",
}


@dataclass(frozen=True)
class Seat:
    """One of the three places of a pilot, and who may take it."""

    title: str
    wants: str
    fits: Callable[[FlowEntry, Sequence[FlowEntry]], bool]


@dataclass(frozen=True)
class Chosen:
    """A flow that the pilot begins with: the seat that it takes and why it."""

    entry: FlowEntry
    seat: str
    why: tuple[str, ...]


@dataclass(frozen=True)
class PassedOver:
    """A flow that waits, and why; `ready` says whether it could begin today."""

    entry: FlowEntry
    ready: bool
    why: tuple[str, ...]


@dataclass(frozen=True)
class Proposal:
    """Three flows, or as many as are ready; then the others, the next ones first."""

    chosen: tuple[Chosen, ...]
    others: tuple[PassedOver, ...]

    @property
    def complete(self) -> bool:
        """Whether there are three."""
        return len(self.chosen) == len(SEATS)


SEATS = (
    Seat(
        "Money moves",
        "where a failure costs money",
        lambda entry, taken: bool(entry.answers.money),
    ),
    Seat(
        "A promised time",
        "with a service level",
        lambda entry, taken: bool(entry.service_level),
    ),
    Seat(
        "Another kind",
        "of a kind that the others do not have",
        lambda entry, taken: entry.kind not in {one.kind for one in taken},
    ),
)


def propose(entries: Iterable[FlowEntry]) -> Proposal:
    """Return the three-flow pilot: for each seat the riskiest ready flow that fits it."""
    ordered = sorted(entries, key=_rank)
    ready = [entry for entry in ordered if not any(gaps(entry))]
    chosen: list[Chosen] = []
    for seat in SEATS:
        taken = [one.entry for one in chosen]
        left = [entry for entry in ready if entry not in taken]
        if not left:
            break
        fitting = [entry for entry in left if seat.fits(entry, taken)]
        best = min(fitting or left, key=lambda entry: _rank_beside(entry, taken))
        chosen.append(Chosen(best, seat.title, tuple(_why(best, seat, taken, bool(fitting)))))
    names = {one.entry.name for one in chosen}
    others = [entry for entry in ordered if entry.name not in names]
    told = [_passed_over(entry, [one.entry for one in chosen]) for entry in others]
    return Proposal(tuple(chosen), tuple(sorted(told, key=lambda one: not one.ready)))


def gaps(entry: FlowEntry) -> Iterator[str]:
    """Yield what keeps a flow out of a pilot, each with what to do."""
    if entry.assessment.open_questions:
        count = len(entry.assessment.open_questions)
        yield f"{count} of the questionnaire's questions are open: answer them."
    if not entry.owner:
        yield "Nobody owns it: name an owner who decides."
    if not entry.producer or not entry.consumers:
        yield "Name who sends it and who uses it."
    if not entry.manual_fallback:
        yield "There is nothing to fall back on: write down how people do it by hand."


def _rank(entry: FlowEntry) -> tuple[int, int, int, str]:
    """The riskiest first, then what happens often, then what reaches few systems."""
    found = entry.assessment.risk_class
    risk = RISK_CLASSES.index(found) if found else len(RISK_CLASSES)
    often = _OFTEN.index(entry.answers.frequency) if entry.answers.frequency else len(_OFTEN)
    return risk, often, len(entry.consumers), entry.name


def _rank_beside(
    entry: FlowEntry, taken: Sequence[FlowEntry]
) -> tuple[int, bool, bool, tuple[int, int, int, str]]:
    """The same; among equal risks after kinds and senders that the pilot has already."""
    return (
        _rank(entry)[0],
        entry.kind in {one.kind for one in taken},
        entry.producer in {one.producer for one in taken},
        _rank(entry),
    )


def _why(entry: FlowEntry, seat: Seat, taken: Sequence[FlowEntry], fitting: bool) -> Iterator[str]:
    if not fitting:
        yield f"No flow {seat.wants} is ready; this is the next one in order of risk."
    elif seat.title == "Money moves":
        yield "Money moves in it: what goes wrong is felt, and shows in the books."
    elif seat.title == "A promised time":
        yield f"Its service level is {entry.promise_in_words}: what goes wrong can be measured."
    if taken and entry.kind not in {one.kind for one in taken}:
        yield f"It is {_a(entry.kind)}, which the others are not: the pilot learns more."
    yield f"Its risk is {entry.assessment.risk_class}. {' '.join(entry.assessment.why)}"
    yield f"{entry.owner} owns it and can decide."
    yield f"If it fails, people fall back on: {_clipped(entry.manual_fallback)}"
    if entry.answers.frequency in _OFTEN_WORDS:
        yield _OFTEN_WORDS[entry.answers.frequency]


def _passed_over(entry: FlowEntry, taken: Sequence[FlowEntry]) -> PassedOver:
    missing = tuple(gaps(entry))
    return PassedOver(entry, not missing, missing or tuple(_later(entry, taken)))


def _later(entry: FlowEntry, taken: Sequence[FlowEntry]) -> Iterator[str]:
    """Yield why a ready flow waits: its risk beside the seats' and whether it shows nothing new."""
    riskier = [one.name for one in taken if _rank(one)[0] < _rank(entry)[0]]
    if riskier:
        told = "all three weigh" if riskier[2:] else _listed(riskier)
        told += "" if riskier[2:] else " weigh" if riskier[1:] else " weighs"
        yield f"Its risk is {entry.assessment.risk_class}; {told} more."
    same_kind = [one.name for one in taken if one.kind == entry.kind]
    if same_kind:
        enough = "" if riskier else ": as risky, but one of a kind is enough to begin with"
        yield f"It is {_a(entry.kind)} like {_listed(same_kind)}{enough}."
    same_sender = [one.name for one in taken if one.producer == entry.producer]
    if same_sender and not same_kind:
        yield f"{entry.producer} sends {_listed(same_sender)} already."
    if not entry.service_level:
        yield "It has no service level, so success is harder to show."
    if not riskier and not same_kind and not same_sender:
        yield "Three are enough to begin with; the ones above come first in order."


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _clipped(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 120 else f"{flat[:119]}…"
