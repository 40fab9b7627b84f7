"""The letters that customers and colleagues get: plain text with {name} placeholders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from meshline.core.errors import BadValue
from meshline.core.money import format_money
from meshline.core.safejson import Json

_LONGEST = 500


class LetterProblem(Exception):
    """A letter cannot be written: its template or a value in it is missing."""


@dataclass(frozen=True)
class Letter:
    """Subject and text of one mail, ready to be sent."""

    subject: str
    text: str


_TEMPLATES: dict[str, Letter] = {
    "refund-confirmed": Letter(
        "Your refund is confirmed",
        "{greeting}\n\n"
        "your refund{of_amount}{for_order} is confirmed. The money is on its way to the card or\n"
        "account that you paid with; your bank may need a few days to show it.\n\n"
        "{reference_line}"
        "There is nothing for you to do. If something looks wrong, just answer this mail.\n",
    ),
    "cancellation-confirmed": Letter(
        "Your subscription is cancelled",
        "{greeting}\n\n"
        "your subscription{of_subscription} {ends}. You will not be charged for it again.\n\n"
        "If you did not ask for this, just answer this mail.\n",
    ),
    "promise-warning": Letter(
        "{ticket}: a promise is about to break",
        "{greeting}\n\n"
        "{metric} on {ticket} is due at {due_at}; {level} % of the time is used.\n\n"
        "{link}\n",
    ),
    "promise-broken": Letter(
        "{ticket}: a promise is broken",
        "{greeting}\n\n{metric} on {ticket} was due at {due_at} and is open still.\n\n{link}\n",
    ),
    "handoff-opened": Letter(
        "{ticket}: needs a person",
        "{greeting}\n\n{cause}\n\nTicket {ticket}. {link}\n",
    ),
}


def templates() -> frozenset[str]:
    """Return the names of all letters."""
    return frozenset(_TEMPLATES)


def compose(template: str, data: Mapping[str, Json]) -> Letter:
    """Write a letter with the values of `data`; amounts are minor units with their currency.

    Raises: LetterProblem for an unknown template, or a placeholder that has no value.
    """
    letter = _TEMPLATES.get(template)
    if letter is None:
        raise LetterProblem(f"There is no letter named {template[:60]!r}.")
    values = _Values({name: _shown(value) for name, value in data.items()})
    values |= {name: make(data) for name, make in _PHRASES.items()}
    try:
        return Letter(letter.subject.format_map(values), letter.text.format_map(values))
    except KeyError as missing:
        raise LetterProblem(f"The letter {template} needs a value for {missing}.") from None


class _Values(dict[str, str]):
    """Values by name: templates are ours, and values are texts, so nothing else is reachable."""


def _shown(value: Json) -> str:
    """One line of printable text."""
    text = "" if value is None else str(value)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_LONGEST]


def _greeting(data: Mapping[str, Json]) -> str:
    name = _shown(data.get("name"))
    return f"Hello {name}," if name else "Hello,"


def _of_amount(data: Mapping[str, Json]) -> str:
    minor, currency = data.get("amount_minor"), data.get("currency")
    if not isinstance(minor, int) or not isinstance(currency, str):
        return ""  # an amount without its currency says nothing true
    try:
        return f" of {format_money(minor, currency)}"
    except BadValue as error:
        raise LetterProblem(error.message) from None


def _for_order(data: Mapping[str, Json]) -> str:
    order = _shown(data.get("order_id"))
    return f" for order {order}" if order else ""


def _of_subscription(data: Mapping[str, Json]) -> str:
    subscription = _shown(data.get("subscription_id"))
    return f" {subscription}" if subscription else ""


def _reference_line(data: Mapping[str, Json]) -> str:
    reference = _shown(data.get("refund_id"))
    return f"Our reference is {reference}.\n\n" if reference else ""


def _ends(data: Mapping[str, Json]) -> str:
    return "has ended" if data.get("ended") is True else "ends with the period you have paid for"


def _link(data: Mapping[str, Json]) -> str:
    return _shown(data.get("link"))


_PHRASES: dict[str, Callable[[Mapping[str, Json]], str]] = {
    "greeting": _greeting,
    "of_amount": _of_amount,
    "for_order": _for_order,
    "of_subscription": _of_subscription,
    "reference_line": _reference_line,
    "ends": _ends,
    "link": _link,
}
