"""The sentence that people read for each reason of a handoff; handoffs are grouped by it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "callback_timeout": "Acknowledgement missing",
        "retries_exhausted": "Retries are used up",
        "unknown_outcome": "Outcome unknown: it may or may not be done",
        "refused": "The other system refused",
        "refund_refused": "Billing refused the refund",
        "refund_reversed": "A refund failed after it had succeeded",
        "ambiguous_refund": "Part of it was refunded by other hands",
        "partial_enrichment": "Cart context missing on the ticket",
        "page_unacknowledged": "Nobody acknowledged the page",
        "invoice_after_cancellation": "Invoiced after the cancellation",
        "cancellation_unconfirmed": "Cancellation not confirmed",
        "run_deadline": "The run has passed its deadline",
        "step_error": "A step cannot be computed",
        "held_violation": "An event breaks its contract",
        "held_backward": "An event that its subject's state does not allow",
        "held_unmatched": "An event of an unknown kind",
        "escalated": "Escalated by a person",
    }
)


def cause_of(reason: str) -> str:
    """Return the sentence for a reason; an unknown one is shown in its own words."""
    return CAUSES.get(reason) or reason.replace("_", " ").strip().capitalize() or "Needs a person"
