"""The lineage of a contract as a picture: who sends on the left, who depends on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contracts_app.rules.contract_spec import ContractSpec
    from orchestration.queries.traffic import FlowUse

PITCH = 67
BOX = 48
LONGEST = 22
MOST = 8


@dataclass(frozen=True)
class Box:
    """One box: its place in the picture's units, two lines of text, a colour class."""

    x: int
    y: int
    width: int
    title: str
    sub: str
    kind: str = ""
    height: int = BOX

    @property
    def middle(self) -> int:
        """Where its arrow leaves or arrives."""
        return self.y + self.height // 2


@dataclass(frozen=True)
class Arrow:
    """A curve with a head."""

    curve: str
    head: str


@dataclass(frozen=True)
class Picture:
    """The whole: boxes, arrows, height, and one sentence for those who do not see it."""

    boxes: list[Box]
    arrows: list[Arrow]
    height: int
    said: str


def picture(spec: ContractSpec, sender: str, flows: Sequence[FlowUse] = ()) -> Picture:
    """Return producer → contract → flows and consumers, at most eight on the right.

    `sender`: the producing system's name for people.
    """
    users = [(use.version.name, f"flow, {use.how}") for use in flows]
    users += [(one.system, f"{one.status}, pinned {one.pinned}") for one in spec.consumers]
    shown = users[:MOST]
    height = max(len(shown) * PITCH - (PITCH - BOX) + 12, 70)
    middle = height // 2
    channel = str(spec.producer.channel.get("type", ""))
    sends = ", ".join(part for part in ("producer", spec.producer.team, channel) if part)
    producer = Box(0, middle - BOX // 2, 170, _short(sender), _short(sends, 28))
    me = Box(290, middle - 29, 226, _short(spec.name, 28), spec.version, "me", height=58)
    top = middle - (len(shown) * PITCH - (PITCH - BOX)) // 2
    right = [
        Box(616, top + place * PITCH, 184, _short(title), _short(sub, 28))
        for place, (title, sub) in enumerate(shown)
    ]
    arrows = [_arrow(170, producer.middle, 290, me.middle)]
    for place, box in enumerate(right):
        leaves = me.y + 12 + (me.height - 24) * place // max(len(right) - 1, 1)
        arrows.append(_arrow(516, leaves if len(right) > 1 else me.middle, 616, box.middle))
    used = ", ".join(title for title, _ in users) or "nobody yet"
    said = f"{sender} sends {spec.name}; used by {used}"
    return Picture([producer, me, *right], arrows, height, said)


def _arrow(x1: int, y1: int, x2: int, y2: int) -> Arrow:
    bend, end = x1 + (x2 - x1) // 2, x2 - 6
    return Arrow(
        f"M{x1} {y1} C{bend} {y1} {bend} {y2} {end} {y2}",
        f"M{x2 - 7} {y2 - 4} L{x2} {y2} L{x2 - 7} {y2 + 4} Z",
    )


def _short(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
