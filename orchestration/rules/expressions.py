"""CEL conditions and mapping templates: compiled once, within budgets of size and steps.

The only module that knows the CEL library. What it guards against, all measured: errors come
back as values, nested results as accessors; one integer beyond 64 bits anywhere in the data makes
every expression fail with a message that quotes the data; Decimal and datetime are refused.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any, Literal, cast

from cel_expr_python import cel
from cel_expr_python.ext import ext_optional, ext_strings

from meshline.core.durations import format_duration
from meshline.core.errors import MeshlineError
from meshline.core.safejson import Json
from orchestration.rules.expression_tree import Path, Tree, read_tree

Context = Literal["flow", "source", "runbook", "contract", "any"]

MAX_CHARS = 1_000
MAX_COMPREHENSIONS = 3
MAX_PLUS = 40
MAX_OUTPUT_BYTES = 256 * 1024
_REFERENCE = re.compile(r"[a-z_]+(\.\??[A-Za-z_][A-Za-z0-9_]*)*")

_AROUND_A_RUN = frozenset({"event", "steps", "result", "run", "customer", "ticket", "constants"})
NAMES: Mapping[Context, frozenset[str]] = {
    "flow": _AROUND_A_RUN | {"awaited", "subject", "item"},
    "source": frozenset({"body", "kind", "occurred_at", "source"}),
    "runbook": _AROUND_A_RUN | {"execution", "subject", "handoff"},
    "contract": frozenset({"event", "subject", "customer", "ticket"}),
}
_SMALLEST, _BEYOND_UINT = -(2**63), 2**64
_ABSENT = ("NOT_FOUND:", "UNKNOWN: Index error", "UNKNOWN: No value with name")
_NOT_A_MAP = "INVALID_ARGUMENT: Applying SELECT to non-message type"


class ExpressionRefused(MeshlineError):
    """An expression does not compile, or is larger than allowed."""

    code = "expression_refused"
    http_status = 422


class ExpressionFailed(MeshlineError):
    """An expression could not be evaluated over this data."""

    code = "expression_failed"
    http_status = 422


class PathMissing(ExpressionFailed):
    """The path that an expression reads is not there; a guard takes it as false."""

    code = "path_missing"


class Absent:
    """The value of an optional that is none: a template leaves its key out."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


@dataclass(frozen=True)
class Expression:
    """One compiled expression. Equal texts in one context share it."""

    text: str
    context: Context
    compiled: Any
    tree: Tree
    optional: bool

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """The paths it reads, as (name, segments); a segment None is any key or index."""
        return self.tree.paths

    @property
    def may_be_true(self) -> bool:
        """Whether its static type can be a truth value, so that it can serve as a condition."""
        return str(self.compiled.return_type().name()) in ("BOOL", "DYN")

    def evaluate(self, scope: Mapping[str, Json]) -> Json:
        """Return the value as plain JSON; an optional that is none is None.

        Times come out as RFC 3339 text in UTC, durations as ISO 8601.
        Raises: PathMissing, ExpressionFailed.
        """
        value = self.evaluate_optional(scope)
        return None if value is ABSENT else value

    def evaluate_optional(self, scope: Mapping[str, Json]) -> Json:
        """Return the value as plain JSON, or ABSENT for an optional that is none."""
        value = _to_json(self._run(scope), self.text)
        if not (self.context == "source" and _REFERENCE.fullmatch(self.text)):
            check_size(value, self.text)  # what a source only hands on is bounded as a whole
        if not self.optional:
            return value
        return value[0] if value else ABSENT

    def _run(self, scope: Mapping[str, Json]) -> Any:
        data = {name: _to_cel(scope[name], name) for name in self.tree.names if name in scope}
        try:
            found = self.compiled.eval(data=data)
            if found.type() == cel.Type.ERROR:
                raise _failure(self.text, str(found.value()))
            return found.plain_value()
        except (RuntimeError, TypeError) as error:
            raise _failure(self.text, str(error)) from None


def compile_expression(text: str, *, context: Context = "any") -> Expression:
    """Return the compiled expression; a leading "=" (the mark of a template leaf) is dropped.

    Raises: ExpressionRefused, saying where the mistake is.
    """
    return _compile(text.removeprefix("=").strip(), context)


def evaluate(text: str, scope: Mapping[str, Json], *, context: Context = "any") -> Json:
    """Compile (once) and evaluate. Raises: ExpressionRefused, PathMissing, ExpressionFailed."""
    return compile_expression(text, context=context).evaluate(scope)


def holds(text: str, scope: Mapping[str, Json], *, context: Context = "any") -> bool:
    """Say whether a guard is true; a guard whose path is not there is false.

    Raises: ExpressionRefused; ExpressionFailed when the value is not a truth value.
    """
    try:
        value = compile_expression(text, context=context).evaluate(scope)
    except PathMissing:
        return False
    if not isinstance(value, bool):
        raise ExpressionFailed(
            f"The condition {shorten(text)} gave {type(value).__name__} instead of true or false.",
            remedy="Compare it with something, for instance with ==.",
        )
    return value


def is_expression(leaf: Json) -> bool:
    """Say whether a template leaf is an expression: text that begins with "="."""
    return isinstance(leaf, str) and leaf.startswith("=")


def expressions_in(template: Json, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield (JSON pointer, text) of every expression in a template."""
    if is_expression(template):
        yield at, template
    elif isinstance(template, Mapping):
        for key, child in template.items():
            escaped = str(key).replace("~", "~0").replace("/", "~1")
            yield from expressions_in(child, f"{at}/{escaped}")
    elif isinstance(template, list | tuple):
        for index, child in enumerate(template):
            yield from expressions_in(child, f"{at}/{index}")


def render(template: Json, scope: Mapping[str, Json], *, context: Context = "any") -> Json:
    """Return the template with every "=" leaf replaced by its value.

    A leaf whose value is an optional that is none (`= event.data.?email`) is left out of its map
    or list; at the top it becomes None. Raises: ExpressionRefused, PathMissing, ExpressionFailed.
    """
    value = _render(template, scope, context)
    check_size(value, "a template")
    return None if value is ABSENT else value


def _render(template: Json, scope: Mapping[str, Json], context: Context) -> Json:
    if is_expression(template):
        return compile_expression(template, context=context).evaluate_optional(scope)
    if isinstance(template, Mapping):
        pairs = ((key, _render(child, scope, context)) for key, child in template.items())
        return {key: value for key, value in pairs if value is not ABSENT}
    if isinstance(template, list | tuple):
        items = (_render(child, scope, context) for child in template)
        return [item for item in items if item is not ABSENT]
    return template


_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_headers: ContextVar[Mapping[str, str]] = ContextVar("headers", default=_NO_HEADERS)


@contextmanager
def reading_headers(headers: Mapping[str, str]) -> Iterator[None]:
    """Let header('x-name') read these headers, whose names are in lower case."""
    token = _headers.set(headers)
    try:
        yield
    finally:
        _headers.reset(token)


def shorten(text: str, limit: int = 80) -> str:
    """Return the expression as a message shows it: quoted and at most `limit` characters."""
    flat = " ".join(text.split())
    return f"'{flat}'" if len(flat) <= limit else f"'{flat[: limit - 1]}…'"


def _environment(context: Context) -> Any:
    names = frozenset().union(*NAMES.values()) if context == "any" else NAMES[context]
    types = dict.fromkeys(names, cel.Type.DYN)
    if "occurred_at" in types:
        types["occurred_at"] = cel.Type.TIMESTAMP
    functions = []
    if context in ("source", "any"):
        overload = cel.Overload(
            "header_string",
            return_type=cel.Type.DYN,
            parameters=[cel.Type.STRING],
            impl=lambda name: _headers.get().get(name.lower()),
        )
        functions.append(cel.FunctionDecl("header", [overload]))
    extensions = [ext_strings.ExtStrings(), ext_optional.ExtOptional()]
    return cel.NewEnv(variables=types, extensions=extensions, functions=functions)


@lru_cache(maxsize=8)
def _env(context: Context) -> Any:
    return _environment(context)


@lru_cache(maxsize=4096)
def _compile(text: str, context: Context) -> Expression:
    _check_text(text)
    compiled = _compiled(text, context)
    tree = read_tree(compiled.serialize())
    _check_budget(tree, text)
    optional = str(compiled.return_type().name()).startswith("optional_type")
    if optional:  # the library cannot hand out an optional, but a list of none or one
        compiled = _compiled(f"[?({text})]", context)
    return Expression(text, context, compiled, tree, optional)


def _compiled(text: str, context: Context) -> Any:
    try:
        return _env(context).compile(text)
    except (RuntimeError, ValueError, TypeError) as error:
        raise ExpressionRefused(
            f"The expression {shorten(text)} does not compile: {_complaint(str(error))}.",
            remedy=_compile_remedy(context),
        ) from None


def _complaint(message: str) -> str:
    """Return the first complaint of the CEL compiler with its column, without its drawing."""
    if "recursion depth" in message:
        return "it is nested deeper, or chained longer, than 32 operators"
    first = message.split("\n", 1)[0].split("ERROR: <input>:", 1)[-1]
    first = first.replace("(in container '')", "").strip().rstrip(".")
    line_column, _, words = first.partition(": ")
    place = line_column.split(":")
    if words and len(place) == 2 and place[1].isdigit():
        return f"{words.strip()[:200]} at character {place[1]}"
    return first.removesuffix(" [INVALID_ARGUMENT]")[:200]


def _compile_remedy(context: Context) -> str:
    if context == "any":
        return "Write it in CEL."
    return f"Write it in CEL; known names here are {', '.join(sorted(NAMES[context]))}."


def _check_text(text: str) -> None:
    if not text:
        raise ExpressionRefused("An expression is empty.", remedy="Write it or drop the key.")
    if len(text) > MAX_CHARS:
        raise ExpressionRefused(
            f"The expression {shorten(text)} has {len(text)} characters; {MAX_CHARS} are allowed.",
            remedy="Split it, or let a connector compute it.",
        )


def _check_budget(tree: Tree, text: str) -> None:
    for found, allowed, thing in (
        (tree.comprehensions, MAX_COMPREHENSIONS, "loops (map, filter, all, exists)"),
        (tree.calls.get("_+_", 0), MAX_PLUS, "additions"),
    ):
        if found > allowed:
            raise ExpressionRefused(
                f"The expression {shorten(text)} has {found} {thing}; {allowed} are allowed.",
                remedy="Split it over two steps.",
            )


def _failure(text: str, message: str) -> ExpressionFailed:
    if message.startswith(_ABSENT) or message.startswith(_NOT_A_MAP):
        return PathMissing(
            f"The expression {shorten(text)} reads what is not there: "
            f"{message.partition(': ')[2][:120]}.",
            remedy="Ask with has(…), or read it as an optional: a.?b.orValue(…).",
        )
    if "budget" in message:
        return ExpressionFailed(
            f"The expression {shorten(text)} takes more steps than allowed.",
            remedy="Loop over fewer items.",
        )
    words = message.removesuffix(" [INVALID_ARGUMENT]").split("\n", 1)[0][:120]
    return ExpressionFailed(
        f"The expression {shorten(text)} cannot be evaluated: {words}.",
        remedy="Compare values of one type; convert with string(…), int(…) or double(…).",
    )


def _to_cel(value: Any, name: str) -> Any:
    """Return the value as the library takes it; numbers out of its range travel as text."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if _SMALLEST <= value < _BEYOND_UINT else str(value)
        case float():
            return value
        case Decimal():
            return float(value)
        case datetime():
            return value if name == "occurred_at" else _rfc3339(value)
        case timedelta():
            return format_duration(value)
        case Mapping():
            return {str(key): _to_cel(child, "") for key, child in value.items()}
        case list() | tuple():
            return [_to_cel(child, "") for child in value]
        case _:
            raise ExpressionFailed(
                f"An expression cannot read a {type(value).__name__}.",
                remedy="Give expressions JSON: text, numbers, truth values, maps and lists.",
            )


def _to_json(value: Any, text: str) -> Json:
    match value:
        case None | bool() | str() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case datetime():
            return _rfc3339(value)
        case timedelta():
            return format_duration(value)
        case dict() if all(isinstance(key, str) for key in value):
            return {key: _to_json(child, text) for key, child in value.items()}
        case list():
            return [_to_json(child, text) for child in value]
        case _:
            raise ExpressionFailed(
                f"The expression {shorten(text)} gives a {type(value).__name__} that is not JSON.",
                remedy="Convert it with string(…).",
            )


def _rfc3339(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def check_size(value: Json, text: str, *, most: int = MAX_OUTPUT_BYTES) -> None:
    """Raise ExpressionFailed if a value is larger than an expression may give."""
    if isinstance(value, str):
        size = len(value.encode("utf-8", "surrogatepass"))
    elif isinstance(value, dict | list):
        size = len(json.dumps(cast(Any, value), ensure_ascii=False, default=str).encode())
    else:
        return
    if size > most:
        raise ExpressionFailed(
            f"The expression {shorten(text)} gives {size} bytes; {most} are allowed.",
            remedy="Select the fields that are needed.",
        )
