"""MeshlineError family: a stable code, a full sentence, a remedy and an HTTP status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from meshline.core.findings import Finding

TITLES = {
    400: "Bad request",
    401: "Not authentic",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    411: "Length required",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Unsupported media type",
    422: "Refused by a rule",
    429: "Too many requests",
    500: "Internal error",
    503: "Not available",
}


class ViolationLike(Protocol):
    """What ContractViolation needs to know of a violation (see contracts_app.rules.validate)."""

    @property
    def path(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def sentence(self) -> str: ...


class MeshlineError(Exception):
    """Something Meshline can explain: what happened, to what, and what to do next.

    The message is one or more full sentences without secrets or personal data; `code` is stable
    and meant for machines; `remedy` says what to do next.
    """

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def to_problem(self) -> dict[str, Any]:
        """Return the body of an application/problem+json answer (RFC 9457)."""
        problem: dict[str, Any] = {
            "type": f"urn:meshline:problem:{self.code}",
            "title": TITLES.get(self.http_status, "Error"),
            "status": self.http_status,
            "code": self.code,
            "detail": self.message,
        }
        if self.remedy:
            problem["remedy"] = self.remedy
        return {**problem, **self.extras()}

    def extras(self) -> dict[str, Any]:
        """Return what a subclass adds to the problem body."""
        return {}


class BadValue(MeshlineError, ValueError):
    """A single value does not have the form that its type asks for."""

    code = "bad_value"
    http_status = 400


class BadJson(MeshlineError, ValueError):
    """Outside JSON was refused by the safe loader; `path` is a JSON pointer ("" for the whole)."""

    code = "bad_json"
    http_status = 400

    def __init__(self, message: str, *, path: str = "", reason: str = "", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy or "Mend the JSON and send it again.")
        self.path = path
        self.reason = reason

    def extras(self) -> dict[str, Any]:
        return {"message": self.message, "path": self.path, "reason": self.reason}


class BadRequest(MeshlineError):
    """The request itself is malformed."""

    code = "bad_request"
    http_status = 400


class NotAuthentic(MeshlineError):
    """The sender could not be proved; the message never says which check failed in detail."""

    code = "not_authentic"
    http_status = 401


class NotAllowed(MeshlineError):
    """The person or key is known, but may not do this."""

    code = "not_allowed"
    http_status = 403


class NotFound(MeshlineError):
    """The thing named does not exist, or is not for this person to see."""

    code = "not_found"
    http_status = 404


class MethodRefused(MeshlineError):
    """The address exists but not with this HTTP method."""

    code = "method_not_allowed"
    http_status = 405


class Conflict(MeshlineError):
    """Something else was there first, or changed in the meantime."""

    code = "conflict"
    http_status = 409


class ChangedMeanwhile(MeshlineError):
    """What the request builds on is no longer what stands there; `current` says what does."""

    code = "changed_meanwhile"
    http_status = 412

    def __init__(
        self, message: str, *, current: dict[str, str] | None = None, remedy: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.current = current

    def extras(self) -> dict[str, Any]:
        return {"current": self.current}


class VersionFrozen(ChangedMeanwhile):
    """A version that is no draft was to be changed; `current` says what stands there."""

    code = "version_frozen"
    http_status = 409


class LengthRequired(MeshlineError):
    """A body came without a declared length."""

    code = "length_required"
    http_status = 411


class TooLarge(MeshlineError):
    """A body is longer than the limit."""

    code = "too_large"
    http_status = 413


class UnsupportedMedia(MeshlineError):
    """A body is of a kind that is not read here."""

    code = "unsupported_media_type"
    http_status = 415


class TooMany(MeshlineError):
    """A limit of requests is used up; `retry_after_s` is when to come back. Units: seconds."""

    code = "too_many_requests"
    http_status = 429

    def __init__(self, message: str, *, retry_after_s: int = 1, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s

    def extras(self) -> dict[str, Any]:
        return {"retry_after_s": self.retry_after_s}


class Unavailable(MeshlineError):
    """A part that is needed does not answer at the moment."""

    code = "unavailable"
    http_status = 503


class ContractViolation(MeshlineError):
    """A payload departs from its contract; `violations` lists every point."""

    code = "contract_violation"
    http_status = 422

    def __init__(
        self, message: str, *, violations: Sequence[ViolationLike] = (), remedy: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.violations = tuple(violations)

    def extras(self) -> dict[str, Any]:
        listed = [{"path": v.path, "rule": v.rule, "sentence": v.sentence} for v in self.violations]
        return {"violations": listed}


class SchemaRefused(MeshlineError):
    """A JSON Schema cannot be used: unknown dialect, remote reference, unsafe pattern.

    `path` is the JSON pointer of the place in the schema, as far as it is known.
    """

    code = "schema_refused"
    http_status = 422

    def __init__(self, message: str, *, path: str = "", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.path = path

    def extras(self) -> dict[str, Any]:
        return {"path": self.path}


class BreakingChange(MeshlineError):
    """A new contract version breaks what its compatibility mode promises."""

    code = "breaking_change"
    http_status = 422


class DocumentRefused(MeshlineError):
    """A contract, flow, source, runbook or other document did not pass its check."""

    code = "document_refused"
    http_status = 422

    def __init__(self, message: str, *, findings: Sequence[Finding] = (), remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.findings = tuple(findings)

    def extras(self) -> dict[str, Any]:
        return {"findings": [finding.to_dict() for finding in self.findings]}


class DocumentUnreadable(DocumentRefused):
    """A document is not even YAML or JSON within the limits; nothing in it was judged."""

    code = "document_unreadable"
    http_status = 400


class IllegalTransition(MeshlineError):
    """A state may not move that way, usually because somebody else moved it first."""

    code = "illegal_transition"
    http_status = 409


class LeaseLost(MeshlineError):
    """Another worker holds the run now; whatever this one still wanted to write is void."""

    code = "lease_lost"
    http_status = 409


class ClockError(MeshlineError, ValueError):
    """Two times contradict each other, or a time carries no zone."""

    code = "clock_error"
    http_status = 400


class Misconfigured(MeshlineError):
    """A setting is missing or makes no sense; the message names the variable."""

    code = "misconfigured"
    http_status = 500
