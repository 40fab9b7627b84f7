"""Texts that somebody only asks about, judged against the versions in service."""

from __future__ import annotations

from dataclasses import replace

from contracts_app.queries.registry import serving_specs
from contracts_app.rules import schema_safety
from contracts_app.rules.change_verdict import Proposal, judge_proposal
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.validate import Schema, dialect_of
from contracts_app.rules.versions import bump, parse_version
from meshline.core.errors import DocumentRefused, NotFound
from meshline.core.findings import refusals

# For all comparisons of one question together: a server answers others meanwhile.
BUDGET_S = 4.0


def judge(spec: ContractSpec) -> Proposal:
    """Judge a whole contract. Nothing in service: it is the first version, and passes."""
    serving = serving_specs(spec.name)
    return judge_proposal(spec, serving, budget_s=BUDGET_S / max(2, len(serving)))


def judge_schema(name: str, schema: Schema) -> Proposal:
    """Judge another schema for a contract's newest version, as its next minor one.

    Raises: NotFound if nothing is in service; DocumentRefused, SchemaRefused for the schema.
    """
    serving = serving_specs(name)
    if not serving:
        raise NotFound(
            f"The contract {name} has no version in service.",
            remedy="Correct the name, or send the whole contract.",
        )
    newest = max(serving, key=lambda one: parse_version(one.version))
    refused = refusals(schema_safety.schema_findings(schema, dialect=newest.dialect, at="/schema"))
    if refused:
        raise DocumentRefused(str(refused[0]), findings=refused, remedy=refused[0].remedy)
    proposed = replace(
        newest,
        version=bump(newest.version, "minor"),
        schema=schema,
        dialect=dialect_of(schema, newest.dialect),
        digest="",
    )
    return judge_proposal(
        proposed, serving, numbered=False, budget_s=BUDGET_S / max(2, len(serving))
    )
