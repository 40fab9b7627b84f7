"""Escalate: page who is on call for the contract until somebody answers."""

from __future__ import annotations

from contracts_app.queries import registry
from meshline.core.errors import NotFound, Unavailable
from orchestration.services import announcements
from runbooks.actions.base import Press, Preview, Result, Target
from runbooks.actions.replay_event import NO_PARAMETERS

FALLBACK_ROTA = "support-primary"


def rota_of(contract: str) -> str:
    """The rota of the contract's runtime owner; a common one if the contract names none."""
    try:
        spec = registry.spec_of(registry.published_version(contract))
    except NotFound:
        return FALLBACK_ROTA
    owner = spec.owners.get("runtime")
    return (owner.oncall if owner else "") or FALLBACK_ROTA


class Escalate:
    """The button that wakes somebody."""

    slug = "escalate"
    title = "Escalate"
    icon = "siren"
    parameters = NO_PARAMETERS
    reasons = (
        "The customer is waiting and I cannot mend it",
        "It needs somebody with access to the other system",
        "The promise is about to break",
    )

    def rule(self, target: Target) -> str:
        """Judged under its own name."""
        return self.slug

    def offered(self, target: Target) -> bool:
        """Whatever names a ticket can be escalated."""
        return bool(target.ticket) and (
            target.handoff is None or target.handoff.state != "resolved"
        )

    def preview(self, target: Target) -> Preview:
        """Who is paged, and that it is repeated."""
        return Preview(
            f"Who is on call in {rota_of(target.contract)} is paged, again and again until "
            "somebody answers. The ticket gets an internal note.",
        )

    def perform(self, target: Target, press: Press) -> Result:
        """Emit Meshline's own event; the escalation flow pages through the ledger."""
        rota = rota_of(target.contract)
        receipt = announcements.escalated(
            intervention_id=press.intervention_id,
            ticket=press.ticket,
            rota=rota,
            by=press.by.get_full_name() or press.by.get_username(),
            reason=press.reason,
            handoff=target.handoff,
            now=press.now,
        )
        if receipt is None:
            raise Unavailable(
                "Nobody can be paged: the contract handoff.escalated is not published.",
                remedy="Publish it and its flow, or call the owner by telephone.",
            )
        run_id = announcements.run_of(receipt)
        return Result(f"Paging who is on call in {rota}.", run_id=run_id)
