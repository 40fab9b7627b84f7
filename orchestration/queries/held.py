"""Held events and conflicting deliveries as the console shows them: masked, bounded, by keyset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from contracts_app.rules.validate import Violation
from meshline.core import redact, safejson
from meshline.core.errors import MeshlineError, NotFound, ViolationLike
from meshline.core.safejson import Json
from orchestration.models import DeliveryConflict, Event, EventBody, Handoff, HeldEvent
from orchestration.queries import events
from orchestration.queries.events import ShownEvent

PAGE = 50
REASONS = {
    "violation": "Breaks its contract",
    "unmatched": "Of an unknown kind",
    "backward": "Would move a state backwards",
}


@dataclass(frozen=True)
class Wanted:
    """Which held events: filters as they stand in the address; empty is any."""

    state: str = "held"
    source: str = ""
    reason: str = ""
    q: str = ""


@dataclass(frozen=True)
class Row:
    """One held event in the list. `event` is None only after retention has removed it."""

    held: HeldEvent
    event: Event | None
    violations: tuple[Violation, ...]

    @property
    def why(self) -> str:
        """In short why it is held."""
        return REASONS.get(self.held.reason, self.held.reason)

    @property
    def first(self) -> Violation | None:
        """The violation that the list shows."""
        return self.violations[0] if self.violations else None

    @property
    def more(self) -> int:
        """How many further violations there are."""
        return max(len(self.violations) - 1, 0)


@dataclass(frozen=True)
class Page:
    """Some rows; `older` is what to pass as `before` for the next page, or None."""

    rows: list[Row]
    older: int | None


@dataclass(frozen=True)
class HeldDetail:
    """One held event with its masked payloads and who decided, if somebody has."""

    row: Row
    shown: ShownEvent | None
    decided_by: str
    handoff: Handoff | None

    @property
    def held(self) -> HeldEvent:
        """The row itself."""
        return self.row.held

    @property
    def waits(self) -> bool:
        """Whether nobody has decided yet."""
        return self.held.state == "held"


def held_page(wanted: Wanted, *, before: int | None = None, limit: int = PAGE) -> Page:
    """Return the newest held events that fit; three queries."""
    rows = _filtered(wanted).order_by("-id")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: limit + 1])
    listed = _rows(found[:limit])
    return Page(listed, found[limit - 1].pk if len(found) > limit else None)


def detail(event_id: UUID) -> HeldDetail:
    """Return one held event. Raises: NotFound if this event was never held."""
    held = HeldEvent.objects.filter(event_id=event_id).first()
    if held is None:
        raise NotFound(f"The event {event_id} was never held.")
    handoff = Handoff.objects.filter(held_event_id=event_id).order_by("-pk").first()
    person = get_user_model().objects.filter(username=held.decided_by).first()
    name = (person.get_full_name() if person else "") or held.decided_by
    return HeldDetail(_rows([held])[0], events.shown_event(event_id), name, handoff)


def waiting() -> int:
    """How many events wait for a decision; a count by the partial index of open ones."""
    return HeldEvent.objects.filter(state="held").count()


def sources() -> list[str]:
    """Return the sources that have had held events."""
    return sorted(HeldEvent.objects.order_by().values_list("source", flat=True).distinct())


def masked_violations(
    found: Iterable[ViolationLike], payload: Json, marks: Mapping[str, str]
) -> tuple[Violation, ...]:
    """Return the violations without the payload's personal data, which a sentence may quote."""
    personal = events.personal_values(payload, marks)
    return tuple(
        Violation(one.path, one.rule, _veiled(_without_path(one), personal)) for one in found
    )


def _without_path(one: ViolationLike) -> str:
    """The sentence without the path that some begin with: pages show the path beside it."""
    return one.sentence.removeprefix(f"{one.path}: ")


def _veiled(sentence: str, personal: Mapping[str, str]) -> str:
    for text, shown in personal.items():
        sentence = sentence.replace(text, shown)
    return redact.mask_text(sentence)


def _filtered(wanted: Wanted) -> QuerySet[HeldEvent]:
    rows = HeldEvent.objects.all()
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.source:
        rows = rows.filter(source=wanted.source)
    if wanted.reason:
        rows = rows.filter(reason=wanted.reason)
    return rows.filter(_search(wanted.q)) if wanted.q else rows


def _search(q: str) -> Q:
    """By ticket, contract, event id, or the sender's own id."""
    ticket = q if ":" in q else f"desk:{q}"
    found = Q(ticket=ticket) | Q(contract__icontains=q)
    same_id = Event.objects.filter(external_id=q, state__in=["held", "discarded"])
    found |= Q(event_id__in=list(same_id.values_list("pk", flat=True)[:100]))
    try:
        return found | Q(event_id=UUID(q))
    except ValueError:
        return found


def _rows(listed: Sequence[HeldEvent]) -> list[Row]:
    ids = [held.event_id for held in listed]
    facts = Event.objects.in_bulk(ids)
    payloads = dict(EventBody.objects.filter(pk__in=ids).values_list("pk", "payload"))
    contracts = {held.contract for held in listed}
    marks = {contract: events.marks_of(contract, "") for contract in contracts}
    found = []
    for held in listed:
        stored = [Violation(one["path"], one["rule"], one["sentence"]) for one in held.violations]
        payload = payloads.get(held.event_id)
        shown = masked_violations(stored, payload, marks[held.contract])
        found.append(Row(held, facts.get(held.event_id), shown))
    return found


# --- Deliveries refused with 409 ------------------------------------------------------------
@dataclass(frozen=True)
class ConflictRow:
    """A delivery under a known id whose body differed; the first one stands."""

    conflict: DeliveryConflict
    event: Event | None


@dataclass(frozen=True)
class ConflictDetail:
    """Both bodies of a conflict, masked."""

    row: ConflictRow
    first: Json
    second: Json


def conflict_page(
    *, source: str = "", before: int | None = None, limit: int = PAGE
) -> tuple[list[ConflictRow], int | None]:
    """Return the newest conflicts without their bytes, and where the next page begins."""
    rows = DeliveryConflict.objects.defer("raw").order_by("-id")
    if source:
        rows = rows.filter(source=source)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: limit + 1])
    facts = Event.objects.in_bulk([one.event_id for one in found[:limit]])
    listed = [ConflictRow(one, facts.get(one.event_id)) for one in found[:limit]]
    return listed, found[limit - 1].pk if len(found) > limit else None


def conflict_detail(pk: int) -> ConflictDetail:
    """Return one conflict with both bodies. Raises: NotFound."""
    conflict = DeliveryConflict.objects.filter(pk=pk).first()
    if conflict is None:
        raise NotFound(f"There is no conflicting delivery {pk}.")
    shown = events.shown_event(conflict.event_id)
    body = EventBody.objects.filter(pk=conflict.event_id).first()
    return ConflictDetail(
        ConflictRow(conflict, shown.event if shown else None),
        first=shown.received if shown else "",
        second=_second(bytes(conflict.raw), body, shown),
    )


def _second(raw: bytes, body: EventBody | None, shown: ShownEvent | None) -> Json:
    """The refused body; where the first one is masked, it is masked as well."""
    masked = events.received_body(raw, {})
    if body is None or shown is None:
        return masked
    return _like(_parsed(bytes(body.raw or b"")), shown.received, masked)


def _parsed(raw: bytes) -> Json:
    try:
        return safejson.loads(raw)
    except MeshlineError:
        return None


def _like(plain: Json, masked: Json, other: Json) -> Json:
    """Hide in `other` what `masked` hides of `plain` in the same place."""
    if isinstance(other, dict) and isinstance(plain, dict) and isinstance(masked, dict):
        return {key: _like(plain.get(key), masked.get(key), value) for key, value in other.items()}
    if isinstance(other, list) and isinstance(plain, list) and isinstance(masked, list):
        known = dict(enumerate(zip(plain, masked, strict=True)))
        return [_like(*known.get(place, (None, None)), one) for place, one in enumerate(other)]
    return redact.mask_kind(other, "personal") if plain != masked else other
