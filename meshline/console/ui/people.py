"""Faces: initials in a colour that stays the same for a name."""

from __future__ import annotations

from zlib import crc32

from django.utils.html import format_html
from django.utils.safestring import SafeString

COLOURS = ("", "p", "g", "o", "i")


def initials(name: str) -> str:
    """Return up to two capitals: first and last word of the name ("lena@…" gives "LE")."""
    words = name.split("@")[0].replace(".", " ").replace("_", " ").replace("-", " ").split()
    if not words:
        return "?"
    if len(words) == 1:
        return words[0][:2].upper()
    return (words[0][0] + words[-1][0]).upper()


def face(name: object, *, large: bool = False) -> SafeString:
    """Return the avatar of a person or team; nobody is a dashed question mark."""
    text = str(name or "").strip()
    colour = COLOURS[crc32(text.casefold().encode()) % len(COLOURS)] if text else "none"
    classes = " ".join(part for part in ("face", colour, "l" if large else "") if part)
    title = text or "Nobody yet"
    return format_html('<span class="{}" title="{}">{}</span>', classes, title, initials(text))
