"""The verdict beside a text: what it changes, whom it hurts, what it would have refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from contracts_app.admin.checking import Told, told
from contracts_app.queries.changes import change_of
from contracts_app.rules import facts
from contracts_app.rules.compat import Counterexample
from contracts_app.rules.contract_change import ContractChange
from contracts_app.rules.contract_spec import ContractSpec, parse_contract
from contracts_app.rules.identity import Reading, readings
from contracts_app.rules.identity_change import only_identifiers
from contracts_app.rules.judged_traffic import JudgedTraffic
from contracts_app.services.promises import REFUSED_TRAFFIC
from meshline.core import redact, yaml12
from meshline.core.errors import DocumentRefused, DocumentUnreadable
from meshline.core.findings import Finding
from meshline.core.safejson import Json

DAYS = (1, 7, 14, 30)
# While somebody types, an answer in time is worth more than a decision that takes seconds.
TYPING_BUDGET_S = 0.2
MOST_EXAMPLES = 10
TITLES = {"compatible": "Compatible", "breaking": "Breaking", "unknown": "Not decided"}


@dataclass(frozen=True)
class Verdict:
    """What is said of one text; `findings` if it cannot be judged yet."""

    text: str
    now: datetime
    days: int = 14
    with_traffic: bool = False
    budget_s: float = TYPING_BUDGET_S

    @cached_property
    def _read(self) -> tuple[ContractSpec | None, list[Finding]]:
        try:
            return parse_contract(yaml12.load(self.text, name="contract")), []
        except (DocumentRefused, DocumentUnreadable) as refused:
            return None, list(refused.findings)

    @property
    def spec(self) -> ContractSpec | None:
        """The contract in the text, None while it is refused."""
        return self._read[0]

    @property
    def findings(self) -> list[Finding]:
        """What keeps the text from being judged."""
        return self._read[1]

    @property
    def told(self) -> list[Told]:
        """The same, with its places."""
        return told(self.text, self.findings)

    @cached_property
    def change(self) -> ContractChange | None:
        """What the text changes."""
        return None if self.spec is None else change_of(self.spec, budget_s=self.budget_s)

    @property
    def title(self) -> str:
        """The verdict in a word."""
        return TITLES[self.change.verdict] if self.change else ""

    @property
    def sentence(self) -> str:
        """What the verdict means here."""
        change, spec = self.change, self.spec
        if change is None or spec is None:
            return ""
        if change.deciding is None:
            return "Nothing is in service yet: this text breaks nobody."
        against, why = change.deciding.version, change.deciding.comparison.why
        how = f"Mode {spec.compatibility.mode}, policy {spec.compatibility.policy}."
        if change.verdict == "compatible":
            return f"What {against} promises stays true. {how}".replace("_", " ")
        if change.verdict == "unknown":
            if change.deciding.comparison.verdict != "unknown":
                why = "it is not known whether each consumer gets what it expects."
            return f"Nobody could say whether {against} is broken: {why} {how}".replace("_", " ")
        shown = change.deciding.comparison.counterexample
        if only_identifiers(change.deciding.comparison):
            said = (
                f"The same customer, order, ticket or cart can have another id than in {against}."
            )
        elif shown is not None and shown.accepted_by == "new":
            said = f"Something valid here is refused by {against}."
        elif change.deciding.comparison.verdict == "breaking":
            said = f"Something valid in {against} is refused here."
        else:
            said = "A consumer would get what it does not expect."
        return f"{said} {how}".replace("_", " ")

    @property
    def doubt(self) -> str:
        """What follows from a verdict that is not decided, and what to do."""
        change = self.change
        if change is None or change.doubt is None:
            return ""
        return f"{change.doubt.sentence(change.least_version)} {change.doubt.remedy}".strip()

    @property
    def is_hurried(self) -> bool:
        """Whether a longer look may still decide."""
        return self.budget_s <= TYPING_BUDGET_S

    @cached_property
    def counterexample(self) -> Counterexample | None:
        """The smallest payload that shows the break; a consumer's, if only that one is hurt."""
        change = self.change
        if change is None:
            return None
        shown = change.deciding.comparison.counterexample if change.deciding else None
        hurt = (one.counterexample for one in change.hurt if one.counterexample is not None)
        return shown or next(hurt, None)

    @property
    def payload(self) -> str:
        """That payload, to be read."""
        shown = self.counterexample
        return "" if shown is None else _pretty(shown.payload)

    @property
    def reasons(self) -> list[str]:
        """Why that payload is refused."""
        return (
            [one.sentence for one in self.counterexample.violations] if self.counterexample else []
        )

    @property
    def accepted_by(self) -> str:
        """Which side accepts that payload, in words."""
        shown, change = self.counterexample, self.change
        if shown is None or change is None or change.deciding is None:
            return ""
        return f"in {change.deciding.version}" if shown.accepted_by == "old" else "by this text"

    @property
    def identified(self) -> list[tuple[str, list[Reading]]]:
        """Who and what each valid example is about; those about nothing are left out."""
        shown = self.spec.examples_valid[:MOST_EXAMPLES] if self.spec is not None else ()
        told = [(one.name, list(self._about(one.payload))) for one in shown]
        return [(name, found) for name, found in told if found]

    def _about(self, payload: Json) -> Iterator[Reading]:
        found = readings(self.spec.identity, payload) if self.spec is not None else ()
        yield from (one for one in found if one.canonical or one.refused)

    @property
    def number_fits(self) -> bool:
        """Whether the text's own number is high enough."""
        if self.spec is None or self.change is None:
            return False
        return self.change.allows(self.spec.version)

    @cached_property
    def traffic(self) -> JudgedTraffic | None:
        """What of the last days' accepted events this text would have refused."""
        if self.spec is None or not self.with_traffic or not facts.is_provided(REFUSED_TRAFFIC):
            return None
        since = self.now - timedelta(days=self.days)
        judged: JudgedTraffic = facts.ask(REFUSED_TRAFFIC, self.spec, since)
        return judged

    @property
    def senders(self) -> list[dict[str, object]]:
        """The sources with what they sent, their samples ready to be read."""
        if self.traffic is None:
            return []
        return [
            {
                "sender": one,
                "samples": [(s.id, s.sentences, _pretty(s.payload)) for s in one.samples],
            }
            for one in self.traffic.senders
        ]


def days_of(asked: str) -> int:
    """Return how many days of traffic are asked for; 14 for anything that is not offered."""
    return int(asked) if asked.isdecimal() and int(asked) in DAYS else 14


def _pretty(payload: Json) -> str:
    return json.dumps(redact.mask(payload), indent=2, ensure_ascii=False)
