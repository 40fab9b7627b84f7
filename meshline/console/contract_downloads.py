"""A published version as a file in the words of another standard."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET

from contracts_app.models import ContractState
from contracts_app.queries import catalogue, registry
from contracts_app.rules.contract_spec import ContractSpec
from contracts_app.rules.standards.asyncapi_export import to_asyncapi
from contracts_app.rules.standards.json_schema import to_json_schema
from contracts_app.rules.standards.odcs_export import to_odcs
from meshline.console import access
from meshline.core import yaml_text
from meshline.core.errors import NotFound, SchemaRefused

if TYPE_CHECKING:
    from meshline.console.access import ConsoleRequest

UNPUBLISHED = (ContractState.DRAFT, ContractState.IN_REVIEW)
YAML, SCHEMA = "application/yaml", "application/schema+json"
# By the word in the address: as people call it, the file's ending, its kind, its text.
STANDARDS: Mapping[str, tuple[str, str, str, Callable[[ContractSpec, str], str]]] = {
    "odcs": ("ODCS 3.1", "odcs.yaml", YAML, lambda spec, _: yaml_text.dump(to_odcs(spec.document))),
    "asyncapi": (
        "AsyncAPI 3.0",
        "asyncapi.yaml",
        YAML,
        lambda spec, host: yaml_text.dump(to_asyncapi(spec, registry=host)),
    ),
    "draft-07": (
        "JSON Schema draft 7",
        "draft-07.schema.json",
        SCHEMA,
        lambda spec, _: _json(spec, "draft-07"),
    ),
    "2020-12": (
        "JSON Schema 2020-12",
        "2020-12.schema.json",
        SCHEMA,
        lambda spec, _: _json(spec, "2020-12"),
    ),
}


def offered(state: str) -> list[tuple[str, str]]:
    """Return what a version in this state can be downloaded as: word of the address, title."""
    if state in UNPUBLISHED:
        return []
    return [(word, title) for word, (title, *_) in STANDARDS.items()]


@require_GET
def contract_standard(
    request: ConsoleRequest, name: str, version: str, standard: str
) -> HttpResponse:
    """One published version as ODCS, AsyncAPI or JSON Schema, to be saved."""
    access.require_reader(request.user)
    try:
        row = catalogue.version_of(catalogue.listed_contract(name).contract, version)
    except NotFound as missing:
        raise Http404(missing.message) from missing
    if row.state in UNPUBLISHED:
        raise Http404(f"Version {version} of {name} is not published.")
    spec = registry.spec_of(row)
    # The state is the registry's to say: the frozen text still has that of its draft.
    spec = replace(spec, status=row.state, document={**spec.document, "status": str(row.state)})
    return written_as(standard, spec, registry_url=request.build_absolute_uri("/"))


def written_as(standard: str, spec: ContractSpec, *, registry_url: str) -> HttpResponse:
    """Return a version in the words of a standard, to be saved. Raises: Http404, saying why."""
    if standard not in STANDARDS:
        raise Http404(f"Nothing is written as {standard[:40]}. Ask for {', '.join(STANDARDS)}.")
    _, ending, kind, write = STANDARDS[standard]
    try:
        text = write(spec, registry_url)
    except SchemaRefused as refusal:
        raise Http404(refusal.message) from refusal
    answer = HttpResponse(text, content_type=f"{kind}; charset=utf-8")
    name = f"{spec.name}-{spec.version}.{ending}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _json(spec: ContractSpec, dialect: str) -> str:
    return json.dumps(to_json_schema(spec, dialect), indent=2, ensure_ascii=False) + "\n"
