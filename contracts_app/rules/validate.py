"""Payload against JSON Schema: every run-time verdict, by jsonschema-rs, offline, bounded."""

from __future__ import annotations

import marshal
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import jsonschema_rs

from contracts_app.rules.schema_walk import CONTENT, mapped
from contracts_app.rules.sentences import names_of, sentence_of
from meshline.core import canonical
from meshline.core.errors import SchemaRefused
from meshline.core.pointers import build
from meshline.core.safejson import Json

Schema = dict[str, Any] | bool

MAX_VIOLATIONS = 1_000  # an answer has an end
# The library makes every error before it gives the first, 12 µs and more each: a hostile megabyte
# would hold a worker for half a minute. Of payloads with more values only the first is told.
MAX_LISTED_NODES = 2_000
MAX_COMPILED = 512

PATTERNS = jsonschema_rs.RegexOptions(size_limit=10_000_000)  # linear engine: no look-around
_EMAILS = jsonschema_rs.EmailOptions(allow_display_text=False)
# Each dialect's validator, and the number by which the prover knows it.
DRAFTS: dict[str, tuple[type[jsonschema_rs.Validator], int]] = {
    "2020-12": (jsonschema_rs.Draft202012Validator, jsonschema_rs.Draft202012),
    "2019-09": (jsonschema_rs.Draft201909Validator, jsonschema_rs.Draft201909),
    "draft-07": (jsonschema_rs.Draft7Validator, jsonschema_rs.Draft7),
    "draft-06": (jsonschema_rs.Draft6Validator, jsonschema_rs.Draft6),
    "draft-04": (jsonschema_rs.Draft4Validator, jsonschema_rs.Draft4),
}
DIALECTS = tuple(DRAFTS)
# What `$schema` says of each.
ADDRESSES = {
    "2020-12": "https://json-schema.org/draft/2020-12/schema",
    "2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft-07": "http://json-schema.org/draft-07/schema#",
    "draft-06": "http://json-schema.org/draft-06/schema#",
    "draft-04": "http://json-schema.org/draft-04/schema#",
}
# There the library decodes contents; the later dialects only describe them, and so do we.
_ASSERTING_CONTENT = ("draft-07", "draft-06")


@dataclass(frozen=True, order=True)
class Violation:
    """One point where a payload departs from its schema.

    `path` is the JSON pointer in the payload ("" is the whole; a missing property is reported at
    the object that lacks it), `rule` the schema keyword, `sentence` what a person reads. The
    sentence may quote the payload: mask it before it is shown to those who may not see it.
    `names` are the properties that are missing or too many.
    """

    path: str
    rule: str
    sentence: str
    names: tuple[str, ...] = field(default=(), compare=False)


def violations(
    schema: Schema, payload: Json, *, dialect: str = "2020-12", formats: bool = True
) -> list[Violation]:
    """Return every violation, sorted by path; empty when the payload is valid.

    `$schema` in the schema wins over `dialect`; `formats` asserts formats. At most 1,000 are told,
    and only the first one of a payload with more than 2,000 values.
    Raises: SchemaRefused if the schema itself cannot be used.
    """
    return departures(compile_schema(schema, dialect=dialect, formats=formats), payload)


def departures(validator: jsonschema_rs.Validator, payload: Json) -> list[Violation]:
    """Return what `violations` does, for a schema that was compiled before."""
    try:
        if validator.is_valid(payload):
            return []
        errors = _errors(validator, payload)
    except (ValueError, TypeError) as error:
        return [Violation("", "json", f"The payload cannot be judged: {_first_line(error)}")]
    return sorted({_violation(error) for error in errors})[:MAX_VIOLATIONS]


def tells_all(payload: Json) -> bool:
    """Say whether every violation of a payload is told, not only the first."""
    return not _has_more_nodes(payload, MAX_LISTED_NODES)


def compile_schema(
    schema: Schema, *, dialect: str = "2020-12", formats: bool = True, keep: bool = True
) -> jsonschema_rs.Validator:
    """Return the compiled validator of a schema, from a bounded cache keyed by its digest.

    `keep=False` leaves a schema that is only tried out of the cache.

    Raises: SchemaRefused for an unknown dialect, a reference that leaves the schema, a pattern
    that needs look-around or back-references, or anything else that is no schema.
    """
    key = (dialect, formats, _fingerprint(schema))
    cached = _compiled.get(key)
    if cached is None:
        cached = _compile(schema, dialect, formats)
        if keep:
            _compiled.put(key, cached)
    return cached


def dialect_of(schema: Schema, default: str = "2020-12") -> str:
    """Return the short name of the schema's dialect ("2020-12", "draft-07", ...).

    Raises: SchemaRefused if it is none that Meshline knows.
    """
    named = schema.get("$schema", default) if isinstance(schema, dict) else default
    short = str(named).rstrip("#").removesuffix("/schema").rpartition("json-schema.org/")[2]
    short = short.removeprefix("draft/").replace("draft7", "draft-07").replace("draft6", "draft-06")
    if short not in DRAFTS:
        raise SchemaRefused(
            f"The dialect {str(named)[:120]!r} is not known.",
            remedy=f"Use one of {', '.join(DIALECTS)}.",
        )
    return short


class _Compiled:
    """The compiled validators used last; threads share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: OrderedDict[object, jsonschema_rs.Validator] = OrderedDict()

    def get(self, key: object) -> jsonschema_rs.Validator | None:
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: object, validator: jsonschema_rs.Validator) -> None:
        with self._lock:
            self._entries[key] = validator
            while len(self._entries) > MAX_COMPILED:
                self._entries.popitem(last=False)


_compiled = _Compiled()


def _fingerprint(schema: Schema) -> bytes | str:
    """Return what tells schemas apart: marshal's bytes, 20 times cheaper than canonical text.

    Version 2 has no back-references, so equal schemas in equal key order give equal bytes;
    another key order only means compiling once more.
    """
    try:
        raw = marshal.dumps(schema, 2)
    except ValueError:  # Decimal, or nested too deep
        return canonical.digest(schema)
    return raw if len(raw) <= 4_096 else canonical.digest_of_bytes(raw)


def _compile(schema: Schema, dialect: str, formats: bool) -> jsonschema_rs.Validator:
    used = dialect_of(schema, dialect)
    validator_class, _ = DRAFTS[used]
    if used in _ASSERTING_CONTENT:
        schema = mapped(schema, _without_content)
    try:
        return validator_class(
            schema,
            validate_formats=formats,
            offline=True,
            pattern_options=PATTERNS,
            email_options=_EMAILS,
        )
    except (ValueError, TypeError, jsonschema_rs.ReferencingError) as error:
        raise _refusal(error) from None


def _without_content(node: dict[str, Any]) -> dict[str, Any]:
    return {keyword: value for keyword, value in node.items() if keyword not in CONTENT}


def _refusal(error: Exception) -> SchemaRefused:
    message = _first_line(error)
    if "Retrieval is disabled" in message:
        reference = message.rpartition("cannot fetch ")[2]
        return SchemaRefused(
            f"The reference to {reference[:200]} leaves the schema.",
            remedy="Copy what it names under $defs and refer to it as #/$defs/...",
        )
    place = build(getattr(error, "instance_path", None) or ())
    at = f" at {place}" if place else ""
    if 'is not a "regex"' in message:
        return SchemaRefused(
            f"The pattern{at} is refused: {message[:300]}.",
            path=place,
            remedy="Patterns must match in linear time: no look-around, no back-references.",
        )
    return SchemaRefused(f"This is no usable JSON Schema{at}: {message[:300]}.", path=place)


def _errors(
    validator: jsonschema_rs.Validator, payload: Json
) -> Iterable[jsonschema_rs.ValidationError]:
    if not _has_more_nodes(payload, MAX_LISTED_NODES):
        return validator.iter_errors(payload)
    try:
        validator.validate(payload)
    except jsonschema_rs.ValidationError as error:
        return [error]
    return []


def _has_more_nodes(value: Json, limit: int) -> bool:
    seen, pending = 0, [value]
    while pending:
        node = pending.pop()
        seen += 1
        if isinstance(node, dict | list):
            if seen + len(pending) + len(node) > limit:
                return True
            pending.extend(node.values() if isinstance(node, dict) else node)
    return False


def _violation(error: jsonschema_rs.ValidationError) -> Violation:
    path = build(error.instance_path)
    return Violation(path, error.kind.name, sentence_of(error, path), names_of(error))


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0].rstrip(".")
