"""Does one schema accept everything that another accepts? A proof, a witness, or neither.

The prover is jsonschema-rs' canonical form, which is new and experimental: it is called here only,
and a document that the validators tell apart overrules it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import jsonschema_rs

from contracts_app.rules.counterexample import Search
from contracts_app.rules.lifting import lift, modernised
from contracts_app.rules.splicing import ABSENT
from contracts_app.rules.validate import DRAFTS, PATTERNS, Schema, compile_schema, dialect_of
from meshline.core import canonical
from meshline.core.errors import SchemaRefused
from meshline.core.safejson import Json

Verdict = Literal["compatible", "breaking", "unknown"]
# Even a proof is doubted by so many payloads: the prover is young, and they are better witnesses.
DOUBTS = 200


@dataclass(frozen=True)
class Inclusion:
    """Whether everything that `inner` accepts is accepted by `outer`; `witness` if it is not."""

    verdict: Verdict
    witness: Json = ABSENT
    why: str = ""


def included(
    inner: Schema,
    outer: Schema,
    *,
    examples: Sequence[Json] = (),
    budget_s: float = 2.0,
    proofs_only: bool = False,
) -> Inclusion:
    """Judge whether every document that `inner` accepts is accepted by `outer`.

    `examples` are documents from which the search for a witness starts; `budget_s` bounds it.
    `proofs_only`: where there is no proof nothing is searched, for whom only "compatible" counts.
    Never raises for a schema that cannot be judged: the verdict is "unknown", and says why.
    """
    try:
        accepting, refusing = compile_schema(inner), compile_schema(outer)
        lifted, against, form = _in_one_form(inner, outer)
    except SchemaRefused as refusal:
        return Inclusion("unknown", why=refusal.message)
    if canonical.same(lifted, against):
        return Inclusion("compatible")
    proof = _covers(against, lifted, form)
    if proofs_only and proof != "yes":
        return Inclusion("unknown", why="There is no proof, and no payload was looked for.")
    search = Search(
        lifted,
        against,
        accepting,
        refusing,
        examples=examples,
        budget_s=budget_s,
        tries=DOUBTS if proof == "yes" else None,
    )
    try:
        witness = search.run()
    except RecursionError:
        witness = ABSENT  # the search only guides; what it cannot follow it does not show
    if witness is not ABSENT:
        return Inclusion("breaking", witness)
    match proof:
        case "yes":
            return Inclusion("compatible")
        case "no":
            return Inclusion("breaking", why="The prover says so; no payload was found in time.")
    return Inclusion("unknown", why="Neither a proof nor a payload was found in time.")


def _in_one_form(inner: Schema, outer: Schema) -> tuple[Schema, Schema, str]:
    """Return both schemas in one dialect, and its name."""
    (first, one), (second, other) = (lift(s, dialect_of(s)) for s in (inner, outer))
    if one != other and isinstance(inner, bool):
        return first, second, other
    if one != other and not isinstance(outer, bool):
        if "draft-07" not in (one, other) or "2020-12" not in (one, other):
            raise SchemaRefused(f"{one} and {other} are not compared with each other.")
        first = modernised(first) if one == "draft-07" else first
        second = modernised(second) if other == "draft-07" else second
        return first, second, "2020-12"
    return first, second, one


def _covers(outer: Schema, inner: Schema, form: str) -> str:
    """Return the prover's "yes", "no" or "unknown"."""
    try:
        wide, narrow = (
            jsonschema_rs.canonicalize(
                schema,
                draft=DRAFTS[form][1],
                validate_formats=True,
                offline=True,
                pattern_options=PATTERNS,
            )
            for schema in (outer, inner)
        )
        return str(wide.covers(narrow))
    except (ValueError, TypeError, jsonschema_rs.ReferencingError):
        return "unknown"
