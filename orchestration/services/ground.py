"""One run under its lease inside a transaction: what its decisions read and change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from meshline.core.safejson import Json
from orchestration.models import Run
from orchestration.rules.flow_spec import FlowSpec
from orchestration.rules.run_state import RunState
from orchestration.services import scope
from orchestration.services.leases import Lease


@dataclass
class Ground:
    """One run under its lease inside the transaction, with all that its decisions read."""

    lease: Lease
    run: Run
    spec: FlowSpec
    facts: scope.Facts
    before: RunState
    state: RunState
    noted: RunState
    now: datetime

    def values(self) -> dict[str, Json]:
        """The scope of expressions as of now."""
        return scope.of_run(self.run, self.facts)
