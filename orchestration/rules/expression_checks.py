"""Check a document's expressions against what stands in their scope, before publication."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from contracts_app.rules.schema_paths import ALL_TYPES, Schema, look_up, names_at
from contracts_app.rules.validate import violations
from meshline.core.errors import SchemaRefused
from meshline.core.findings import Finding
from meshline.core.safejson import Json
from orchestration.rules.expression_tree import Path
from orchestration.rules.expressions import (
    Context,
    Expression,
    ExpressionRefused,
    compile_expression,
    expressions_in,
    is_expression,
    shorten,
)

_STATIC_TYPES = {
    "BOOL": frozenset({"boolean"}),
    "INT": frozenset({"integer", "number"}),
    "UINT": frozenset({"integer", "number"}),
    "DOUBLE": frozenset({"number"}),
    "STRING": frozenset({"string"}),
    "TIMESTAMP": frozenset({"string"}),
    "DURATION": frozenset({"string"}),
    "NULL": frozenset({"null"}),
}


@dataclass(frozen=True)
class Scope:
    """The names that an expression may use, each with the JSON Schema of its value."""

    context: Context
    names: Mapping[str, Schema]

    def having(self, **names: Schema) -> Scope:
        """Return the scope with more names."""
        return replace(self, names={**self.names, **names})

    def condition(self, text: str, at: str) -> Iterator[Finding]:
        """Check a condition: it compiles, reads what is there, and can be true or false."""
        expression = yield from self._compiled(text, at)
        if expression is not None and not expression.may_be_true:
            yield Finding(
                at,
                0,
                f"The condition {shorten(text)} is never true or false.",
                "Compare it with something, for instance with ==.",
            )

    def value(self, text: str, at: str) -> Iterator[Finding]:
        """Check an expression whose value is used as it is."""
        yield from self._compiled(text, at)

    def template(self, template: Json, at: str) -> Iterator[Finding]:
        """Check every expression in a template."""
        for pointer, text in expressions_in(template):
            yield from self._compiled(text, at + pointer)

    def arguments(self, template: Mapping[str, Json], schema: Schema, at: str) -> Iterator[Finding]:
        """Check a template against the schema that its rendered value must fit."""
        found = list(self.template(template, at))
        yield from found
        if not found:
            yield from self._fits(template, schema, at)

    def _compiled(self, text: str, at: str) -> Generator[Finding, None, Expression | None]:
        try:
            expression = compile_expression(text, context=self.context)
        except ExpressionRefused as error:
            yield Finding(at, 0, error.message, error.remedy)
            return None
        for path in expression.paths:
            yield from self._path(path, text, at)
        return expression

    def _path(self, path: Path, text: str, at: str) -> Iterator[Finding]:
        if path.name not in self.names:
            known = ", ".join(sorted(self.names)) or "none"
            yield Finding(
                at,
                0,
                f"The expression {shorten(text)} reads '{path.name}', which is not known here.",
                f"Names known here: {known}.",
            )
            return
        schema = self.names[path.name]
        for length in range(1, len(path.segments) + 1):
            if look_up(schema, path.segments[:length]) is None:
                missing = Path(path.name, path.segments[:length])
                yield Finding(
                    at,
                    0,
                    f"The expression {shorten(text)} reads '{missing}', which is never there.",
                    _suggestion(schema, path, length),
                )
                return

    def _fits(self, template: Json, schema: Schema, at: str) -> Iterator[Finding]:
        if is_expression(template):
            yield from self._type_fits(template, schema, at)
        elif isinstance(template, Mapping) and isinstance(schema, dict) and _has_leaves(template):
            yield from self._object_fits(template, schema, at)
        elif not _has_leaves(template):
            yield from _literal_fits(template, schema, at)

    def _object_fits(
        self, template: Mapping[str, Json], schema: dict[str, Any], at: str
    ) -> Iterator[Finding]:
        properties = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in template:
                yield Finding(at, 0, f"The argument {name!r} is missing.", f"Add {name}: … here.")
            elif self._is_optional(template[name]):
                yield Finding(
                    f"{at}/{name}",
                    0,
                    f"The argument {name!r} is required, but this optional may be empty.",
                    "Give it a value with orValue(…), or read it without the '?'.",
                )
        for name, child in template.items():
            if name in properties:
                yield from self._fits(child, properties[name], f"{at}/{name}")
            elif schema.get("additionalProperties") is False:
                yield _unknown_argument(name, properties, at)
        if any(not set(one.get("required", ())) - set(template) for one in schema.get("anyOf", ())):
            return
        if schema.get("anyOf"):
            choices = " or ".join(name for one in schema["anyOf"] for name in one["required"])
            yield Finding(at, 0, f"One argument more is needed: {choices}.", "Add one of them.")

    def _type_fits(self, text: str, schema: Schema, at: str) -> Iterator[Finding]:
        wanted = look_up(schema, ())
        given = self.types(compile_expression(text, context=self.context))
        if wanted is None or wanted.types & given:
            return
        yield Finding(
            at,
            0,
            f"The expression {shorten(text)} gives {_words(given)} where {_words(wanted.types)} "
            "is asked for.",
            "Convert it with string(…) or int(…), or read another field.",
        )

    def types(self, expression: Expression) -> frozenset[str]:
        """Return the JSON types that an expression can give, as far as it can be told."""
        static = _STATIC_TYPES.get(str(expression.compiled.return_type().name()))
        if static is not None:
            return static
        calls = {name for name in expression.tree.calls if name not in ("_?._", "_[_]")}
        if calls or expression.tree.comprehensions or len(expression.paths) != 1:
            return ALL_TYPES
        path = expression.paths[0]
        if path.tested and not expression.optional:
            return ALL_TYPES  # has(…)
        if expression.text.lstrip()[:1] in "[{":
            return ALL_TYPES
        found = look_up(self.names.get(path.name, True), path.segments)
        return found.types if found else ALL_TYPES

    def _is_optional(self, leaf: Json) -> bool:
        return is_expression(leaf) and compile_expression(leaf, context=self.context).optional


def _has_leaves(template: Json) -> bool:
    return next(expressions_in(template), None) is not None


def _literal_fits(value: Json, schema: Schema, at: str) -> Iterator[Finding]:
    try:
        found = violations(schema, value)
    except SchemaRefused:  # the schema has its own finding
        return
    for violation in found:
        words = violation.sentence.partition(": ")[2] or violation.sentence
        message = f"{words[:1].upper()}{words[1:]}."
        yield Finding(f"{at}{violation.path}", 0, message, "Mend the value.")


def _unknown_argument(name: str, properties: Mapping[str, Any], at: str) -> Finding:
    known = ", ".join(sorted(properties)) or "none"
    return Finding(
        f"{at}/{name}", 0, f"There is no argument {name!r}.", f"Known arguments: {known}."
    )


def _suggestion(schema: Schema, path: Path, length: int) -> str:
    names = names_at(schema, path.segments[: length - 1])
    wanted = path.segments[length - 1]
    if not names:
        return "Remove it, or declare it in the schema that it is read from."
    close = get_close_matches(wanted or "", names, 1, 0.7)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"There is: {', '.join(names[:12])}."


def _words(types: frozenset[str]) -> str:
    shown = types - {"integer"} if "number" in types else types
    return " or ".join(sorted(shown)) or "nothing"
