"""The register: slug to Action."""

from __future__ import annotations

from collections.abc import Mapping

from meshline.core.errors import NotFound
from runbooks.actions.backfill import BackfillFlow
from runbooks.actions.base import Action
from runbooks.actions.cancel_run import CancelRun
from runbooks.actions.escalate import Escalate
from runbooks.actions.replay_event import ReplayEvent
from runbooks.actions.resolve_by_hand import ResolveByHand
from runbooks.actions.retry_step import RetryStep

ACTIONS: Mapping[str, Action] = {
    action.slug: action
    for action in (
        ReplayEvent(),
        RetryStep(),
        BackfillFlow(),
        Escalate(),
        ResolveByHand(),
        CancelRun(),
    )
}


def action_named(slug: str) -> Action:
    """Return the action. Raises: NotFound."""
    if slug not in ACTIONS:
        raise NotFound(
            f"There is no action {slug[:60]}.", remedy=f"Use one of {', '.join(ACTIONS)}."
        )
    return ACTIONS[slug]
