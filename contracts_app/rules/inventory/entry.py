"""One flow of the inventory: what people know of it, read from a form or a cell and checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, partial

from contracts_app.rules.contract_shape import KINDS
from contracts_app.rules.inventory.risk import FREQUENCIES, QUESTIONS, Answers, Assessment, assess
from meshline.core import canonical
from meshline.core.durations import format_duration, in_words, parse_duration
from meshline.core.errors import BadValue

COLUMNS = {
    "name": "Name",
    "title": "Title",
    "kind": "Kind",
    "producer": "Producer",
    "consumers": "Consumers",
    "owner": "Owner",
    "service_level": "Service level",
    "manual_fallback": "Manual fallback",
    "notes": "Notes",
    "money": "Money",
    "compliance": "Compliance",
    "service_level_breach": "Service-level breach",
    "friction": "Friction",
    "analytics": "Analytics",
    "frequency": "How often",
}
REQUIRED = ("name", "title", "kind")
LONGEST = {"name": 80, "title": 120, "manual_fallback": 500, "notes": 2000}
MOST_CONSUMERS = 50

_NAME = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+")
_SLUG = re.compile(r"[a-z][a-z0-9_-]{0,79}")
# A runbook's name, told from a sentence: people write "refund-manual" or say what they do.
_RUNBOOK = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SPOKEN = re.compile(r"(\d{1,5})\s*(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_YES, _NO = frozenset({"yes", "y", "true", "1"}), frozenset({"no", "n", "false", "0"})


@dataclass(frozen=True)
class FlowEntry:
    """One flow that touches a customer. `service_level` is ISO 8601 or empty; names are slugs."""

    name: str
    title: str
    kind: str
    producer: str = ""
    consumers: tuple[str, ...] = ()
    owner: str = ""
    service_level: str = ""
    manual_fallback: str = ""
    notes: str = ""
    answers: Answers = field(default_factory=Answers)

    @cached_property
    def assessment(self) -> Assessment:
        """The risk class that the answers give, with its reasons."""
        return assess(self.answers, has_fallback=bool(self.manual_fallback))

    @property
    def runbook(self) -> str:
        """The runbook that the manual fallback names; empty where it is described in words."""
        named = _RUNBOOK.fullmatch(self.manual_fallback)
        return self.manual_fallback if named and len(self.manual_fallback) <= 80 else ""

    @property
    def promise(self) -> timedelta | None:
        """The service level as a span of time."""
        return parse_duration(self.service_level) if self.service_level else None

    @property
    def promise_in_words(self) -> str:
        """The service level as people say it: "15 min"."""
        return in_words(self.promise) if self.promise else ""

    @property
    def promise_typed(self) -> str:
        """The service level as somebody would type it: in words where they say exactly as much."""
        said = self.promise_in_words
        same = _SPOKEN.fullmatch(said) and _service_level(said) == self.service_level
        return said if same else self.service_level

    def cells(self) -> dict[str, str]:
        """Return every column's text, as a file and a form hold it."""
        texts = {name: str(getattr(self, name)) for name in COLUMNS if hasattr(self, name)}
        texts |= {question.slug: _said(self.answers.of(question.slug)) for question in QUESTIONS}
        texts |= {"consumers": " ".join(self.consumers), "frequency": self.answers.frequency}
        return {column: texts[column] for column in COLUMNS}

    @cached_property
    def digest(self) -> str:
        """What two people look at is the same if this is the same."""
        return canonical.digest(self.cells())


def read_cell(column: str, text: str) -> str:
    """Return a column's text as it is kept. Raises: BadValue, with what to write instead."""
    given = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if _CONTROL.search(given):
        raise BadValue("A character in it cannot be shown.", remedy="Type the text anew.")
    if not given:
        if column in REQUIRED:
            raise BadValue(f"The {COLUMNS[column].lower()} is missing.", remedy=_ASKED[column])
        return ""
    read = _READERS.get(column, partial(_question, column))
    return read(given)


def entry_of(cells: Mapping[str, str], *, before: FlowEntry | None = None) -> FlowEntry:
    """Return the flow that these read cells describe; what they leave out stays as `before` has it.

    Raises: BadValue naming the columns that a new flow needs.
    """
    texts = {**(before.cells() if before else {}), **cells}
    missing = [COLUMNS[column].lower() for column in REQUIRED if not texts.get(column)]
    if missing:
        raise BadValue(
            f"A new flow needs its {' and its '.join(missing)}.",
            remedy="Add the column, or fill in the cell.",
        )
    own = ("name", "title", "kind", "producer", "owner", "service_level", "manual_fallback")
    return FlowEntry(
        **{column: texts.get(column, "") for column in (*own, "notes")},
        consumers=tuple(texts.get("consumers", "").split()),
        answers=Answers(
            **{question.slug: _heard(texts.get(question.slug, "")) for question in QUESTIONS},
            frequency=texts.get("frequency", ""),
        ),
    )


def _name(text: str) -> str:
    lower = text.lower()
    if not _NAME.fullmatch(lower) or len(lower) > LONGEST["name"]:
        raise BadValue(
            f"{_short(text)} is no name of a flow.",
            remedy="Write small letters, a dot between the parts, like billing.refund.completed.",
        )
    return lower


def _slug(what: str, text: str) -> str:
    lower = text.lower()
    if not _SLUG.fullmatch(lower):
        better = re.sub(r"[^a-z0-9_-]+", "-", lower).strip("-0123456789_")[:80]
        raise BadValue(
            f"{_short(text)} is no name of {what}.",
            remedy=f"Write small letters, digits and dashes, like {better or 'billing'}.",
        )
    return lower


def _consumers(text: str) -> str:
    found = [_slug("a system", one) for one in re.split(r"[\s,;|]+", text) if one]
    if len(found) > MOST_CONSUMERS:
        raise BadValue(
            f"{len(found)} consumers; at most {MOST_CONSUMERS} are kept.",
            remedy="Name the ones that a failure would reach first.",
        )
    return " ".join(dict.fromkeys(found))


def _line(column: str, text: str) -> str:
    if "\n" in text:
        raise BadValue("It holds a line break.", remedy="Write it on one line.")
    return _text(column, text)


def _text(column: str, text: str) -> str:
    most = LONGEST[column]
    if len(text) > most:
        raise BadValue(
            f"It has {len(text)} characters; at most {most} are kept.", remedy="Shorten it."
        )
    return text


def _chosen(options: tuple[str, ...], text: str) -> str:
    if text.lower() not in options:
        listed = f"{', '.join(options[:-1])} or {options[-1]}"
        raise BadValue(f"{_short(text)} is not on the list.", remedy=f"Write {listed}.")
    return text.lower()


def _service_level(text: str) -> str:
    spoken = _SPOKEN.fullmatch(text.lower())
    if not spoken and not text.upper().startswith("P"):
        raise BadValue(
            f"{_short(text)} is no span of time.", remedy="Write 15 min, 2 hours, 3 days or PT15M."
        )
    span = (
        timedelta(**{_UNITS[spoken[2][0]]: int(spoken[1])})
        if spoken
        else parse_duration(text.upper())
    )
    if not span:
        raise BadValue(
            "A promise of no time cannot be kept.", remedy="Leave it empty if there is none."
        )
    return format_duration(parse_duration(format_duration(span)))


def _question(column: str, text: str) -> str:
    lower = text.lower()
    if lower not in _YES | _NO:
        raise BadValue(
            f"{_short(text)} is neither yes nor no.",
            remedy="Write yes or no, or leave it empty while nobody knows.",
        )
    return "yes" if lower in _YES else "no"


def _said(answer: bool | None) -> str:
    return "" if answer is None else "yes" if answer else "no"


def _heard(text: str) -> bool | None:
    return text == "yes" if text else None


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


_ASKED = {
    "name": "Write it like billing.refund.completed.",
    "title": "Say in a few words what happens, like Refund completed.",
    "kind": f"Write {', '.join(KINDS[:-1])} or {KINDS[-1]}.",
}
_READERS: Mapping[str, Callable[[str], str]] = {
    "name": _name,
    "title": partial(_line, "title"),
    "kind": partial(_chosen, KINDS),
    "producer": partial(_slug, "a system"),
    "consumers": _consumers,
    "owner": partial(_slug, "an owner"),
    "service_level": _service_level,
    "manual_fallback": partial(_text, "manual_fallback"),
    "notes": partial(_text, "notes"),
    "frequency": partial(_chosen, tuple(FREQUENCIES)),
}
