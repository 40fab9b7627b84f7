"""Output shapes of the API; personal data is masked, nothing is ever written through them."""

from __future__ import annotations

from typing import Any

from contracts_app.models import Contract, ContractVersion
from meshline.core.redact import mask, mask_kind, mask_text
from orchestration.models import Run, StepRecord

# Where results of connectors and templates carry a person's name.
_NAMES = {
    "/name": "name",
    "/customer_name": "name",
    "/requester/name": "name",
    "/to": "personal",
    "/by": "name",
}


def run_shape(run: Run) -> dict[str, Any]:
    """One run, without its steps."""
    return {
        "id": run.pk,
        "flow": run.flow,
        "flow_version": run.flow_version.number,
        "event_id": run.event_id,
        "contract": run.contract,
        "contract_version": run.contract_version,
        "ticket": run.ticket or None,
        "customer": mask_text(run.customer) or None,
        "customer_name": mask_kind(run.customer_name, "name") or None,
        "order": run.order or None,
        "amount_minor": run.amount_minor,
        "currency": run.currency or None,
        "state": run.state,
        "outcome": run.outcome or None,
        "step": run.step or None,
        "replay_of": run.replay_of,
        "created_at": run.created_at,
        "advanced_at": run.advanced_at,
        "finished_at": run.finished_at,
        "deadline_at": run.deadline_at,
    }


def step_shape(step: StepRecord) -> dict[str, Any]:
    """One step of a run."""
    return {
        "path": step.path,
        "state": step.state,
        "result": mask(step.result, _NAMES),
        "error": mask_text(step.error) or None,
        "started_at": step.started_at,
        "ended_at": step.ended_at,
    }


def contract_shape(contract: Contract, versions: list[ContractVersion]) -> dict[str, Any]:
    """One contract with the versions that have left draft."""
    return {
        "name": contract.name,
        "title": contract.title,
        "domain": contract.domain,
        "risk": contract.risk,
        "producer": contract.producer or None,
        "versions": [
            {
                "version": row.version,
                "state": row.state,
                "digest": row.digest,
                "published_at": row.published_at,
                **({"text_sha256": row.text_sha256} if hasattr(row, "text_sha256") else {}),
            }
            for row in versions
        ],
    }


def version_shape(version: ContractVersion) -> dict[str, Any]:
    """One contract version with its whole document."""
    return {
        "name": version.contract.name,
        "version": version.version,
        "state": version.state,
        "digest": version.digest,
        "published_at": version.published_at,
        "deprecated_at": version.deprecated_at,
        "sunset_on": version.sunset_on,
        "document": version.body,
    }
