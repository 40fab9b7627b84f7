"""Tables of what people do: runbooks, interventions, backfills."""

from __future__ import annotations

from runbooks.models.backfill import Backfill, BackfillItem
from runbooks.models.intervention import Intervention
from runbooks.models.runbook import RunbookVersion

__all__ = ["Backfill", "BackfillItem", "Intervention", "RunbookVersion"]
