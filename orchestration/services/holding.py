"""Hold an event that breaks its contract, where a person sees it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from contracts_app.rules.validate import Violation
from orchestration.models import Event, EventState, Handoff, HeldEvent
from orchestration.services import handoffs, tallies


def hold(event: Event, reason: str, problems: Sequence[Violation], *, now: datetime) -> Handoff:
    """Put the event in quarantine and in front of a person; in the transaction that stores it."""
    held = _keep(event, reason, problems, now=now)
    return handoffs.open_for_held(held=held, event=event, detail=_where(event, problems), now=now)


def hold_backward(event: Event, why: Sequence[Violation], *, now: datetime) -> Handoff | None:
    """Hold a stored event that its subject's state forbids; in the transaction that stores it.

    News that was merely overtaken waits in the list of held events and troubles nobody.
    """
    event.state = EventState.HELD
    event.save(update_fields=["state"])
    held = _keep(event, "backward", why, now=now)
    if any(one.rule == "late" for one in why):
        return None
    # The place's own sentence quotes the subject's key, which may be personal.
    told = " ".join(one.sentence for one in why if one.rule != "current state")
    return handoffs.open_for_held(held=held, event=event, detail=told, now=now)


def _keep(event: Event, reason: str, problems: Sequence[Violation], *, now: datetime) -> HeldEvent:
    held = HeldEvent.objects.create(
        event_id=event.pk,
        source=event.source,
        contract=event.contract,
        ticket=event.ticket,
        reason=reason,
        violations=[
            {"path": p.path, "rule": p.rule, "sentence": p.sentence} for p in problems[:200]
        ],
        held_at=now,
    )
    tallies.count("held", now=now, contract=event.contract, source=event.source)
    return held


def _where(event: Event, problems: Sequence[Violation]) -> str:
    """Where it departs from its contract; a violation's sentence may quote personal data."""
    places = ", ".join(f"{p.path or 'the whole'} ({p.rule})" for p in problems[:3] if p.path)
    if not places:
        return f"No contract of {event.source} takes an event of kind {event.kind}."
    more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
    return f"It departs from its contract at {places}{more}."
