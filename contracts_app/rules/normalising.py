"""Bring one identifier into one spelling, by steps of a closed list; unreadable ones say why."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_EMAIL = re.compile(r"[^@\s<>,;:]+@[^@\s<>,;:]+")
_DISPLAYED = re.compile(r".*<([^<>]+)>\s*", re.DOTALL)
_GMAIL = ("gmail.com", "googlemail.com")
_MOST_ROUNDS = 50
# Control, invisible and direction-changing, half a character, unassigned; line and paragraph ends.
_UNSEEN = ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")

LONGEST_RAW = 1_000
LONGEST = 200


class Unreadable(ValueError):
    """A value stands there and gives no identifier; the text says why, without the value."""


@dataclass(frozen=True)
class Step:
    """One step of normalisation: its name, and what it asks for ("" if nothing)."""

    name: str
    argument: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.argument}".rstrip()


def normalised(text: str, steps: Sequence[Step]) -> str:
    """Return an identifier in its one spelling; what is in it already stays as it is.

    The steps are repeated until nothing changes: an identifier that a flow hands on, normalised
    already, must come out the same. Raises: Unreadable.
    """
    if len(text) > LONGEST_RAW:
        raise Unreadable(f"is longer than {LONGEST_RAW:,} characters")
    text = unicodedata.normalize("NFC", text)
    vendor = next((step.argument for step in steps if step.name == "vendor"), "")
    own = f"{vendor}:" if vendor else ""
    for _ in range(_MOST_ROUNDS):
        once = _once(text.removeprefix(own), steps)
        if once == text:
            return own + _checked(text, LONGEST - len(own))
        text = once
    raise Unreadable("does not come to rest under its steps")


def canonical_email(text: str | None) -> str | None:
    """Return the address lower-cased, without display name and plus-tag; None if it is none."""
    if not text:
        return None
    displayed = _DISPLAYED.fullmatch(text)
    address = (displayed.group(1) if displayed else text).strip().removeprefix("mailto:").lower()
    if not _EMAIL.fullmatch(address):
        return None
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain.rstrip('.')}"


def _once(text: str, steps: Sequence[Step]) -> str:
    for step in steps:
        text = _STEPS[step.name](text, step.argument)
    return unicodedata.normalize("NFC", text)


def _checked(text: str, longest: int) -> str:
    if not text.strip():
        raise Unreadable("is empty after normalisation")
    if any(unicodedata.category(letter) in _UNSEEN for letter in text):
        raise Unreadable("has control or invisible characters")
    if len(text) > longest:
        raise Unreadable(f"is longer than {longest} characters after normalisation")
    return text


def _digits(text: str, _: str) -> str:
    """Two ids that differ in a letter are two, so a letter refuses; so do other scripts' digits."""
    if any(unicodedata.category(one)[0] in "LN" and one not in "0123456789" for one in text):
        raise Unreadable("has letters or other signs where only digits are expected")
    return "".join(one for one in text if one in "0123456789")


def _email(text: str, _: str) -> str:
    address = canonical_email(text)
    if address is None:
        raise Unreadable("is no e-mail address")
    return address


def _gmail_dots(text: str, _: str) -> str:
    """Google delivers an address with and without dots to the same person; nobody else says so."""
    local, at, domain = text.rpartition("@")
    return f"{local.replace('.', '') or local}{at}{domain}" if domain in _GMAIL else text


def _strip_prefix(text: str, prefix: str) -> str:
    return text.removeprefix(prefix)


_STEPS: Mapping[str, Callable[[str, str], str]] = {
    "trim": lambda text, _: text.strip(),
    "lower": lambda text, _: text.lower(),
    "digits": _digits,
    "email": _email,
    "gmail_dots": _gmail_dots,
    "strip_prefix": _strip_prefix,
    "vendor": lambda text, _: text,  # put in front of what has come to rest
}
PLAIN_STEPS = ("trim", "lower", "digits", "email", "gmail_dots")
