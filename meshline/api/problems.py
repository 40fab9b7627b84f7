"""One exception handler: every error of the API becomes application/problem+json (RFC 9457)."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from django.core.exceptions import (
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.defaults import bad_request as ordinary_bad_request
from rest_framework.exceptions import APIException, MethodNotAllowed

from meshline.core.errors import (
    BadRequest,
    MeshlineError,
    MethodRefused,
    NotAllowed,
    NotAuthentic,
    NotFound,
    TooLarge,
    TooMany,
    Unavailable,
    UnsupportedMedia,
)

KIND = "application/problem+json"
STORAGE = (OperationalError, InterfaceError)
COME_BACK_S = 5

logger = logging.getLogger(__name__)


def problem(error: MeshlineError) -> HttpResponse:
    """Return the answer that an error stands for, with the headers its status asks for."""
    response = JsonResponse(error.to_problem(), status=error.http_status, content_type=KIND)
    response["Cache-Control"] = "no-store"
    response["Content-Length"] = str(len(response.content))
    match error:
        case NotAuthentic():
            response["WWW-Authenticate"] = "Bearer"
        case TooMany(retry_after_s=seconds):
            response["Retry-After"] = str(seconds)
        case Unavailable():
            response["Retry-After"] = str(COME_BACK_S)
    return response


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """DRF's hook: turn whatever a view raised into a problem. Nothing unexpected is told."""
    known = as_known(error)
    response = problem(known if known is not None else _unexpected(error))
    if isinstance(error, MethodNotAllowed) and (view := context.get("view")) is not None:
        response["Allow"] = ", ".join(view.allowed_methods)
    return response


def as_known(error: Exception) -> MeshlineError | None:
    """Return the error of our family that says the same, None if it is not one to be expected."""
    match error:
        case MeshlineError():
            return error
        case Http404():
            return NotFound("There is nothing at this address.")
        case PermissionDenied():
            return NotAllowed("This is not allowed.")
        case RequestDataTooBig():
            return TooLarge("The body is longer than is read here.")
        case UnreadablePostError():
            return BadRequest("The body broke off.", remedy="Send the whole of it again.")
        case DisallowedHost():
            return BadRequest(
                "This host's name is not served here.",
                remedy="Who runs Meshline adds it to MESHLINE_ALLOWED_HOSTS.",
            )
        case SuspiciousOperation():
            return BadRequest("The request is malformed.")
        case APIException():
            return _of_framework(error)
    if isinstance(error, STORAGE):
        logger.warning("the database did not answer: %s", type(error).__name__)
        return Unavailable("The storage does not answer.", remedy="Send the same again later.")
    return None


_BY_STATUS: dict[int, MeshlineError] = {
    401: NotAuthentic(
        "This needs an API key.", remedy="Send one as `Authorization: Bearer msh_…`."
    ),
    403: NotAllowed("The API key may not do this.", remedy="Use a key with the scope for it."),
    405: MethodRefused(
        "This address does not take that method.", remedy="See the header Allow for those it takes."
    ),
    415: UnsupportedMedia("That kind of body is not read here."),
}


def _of_framework(error: APIException) -> MeshlineError:
    return _BY_STATUS.get(error.status_code, BadRequest("The request is malformed."))


class Unexpected(MeshlineError):
    """Something broke that nobody foresaw; the log has it under the request id told here."""

    code = "internal_error"
    http_status = 500


def log_unexpected(error: Exception) -> str:
    """Write the error into the log and return the id under which it is found there."""
    request_id = uuid.uuid4().hex
    logger.error("unexpected error %s in the API", request_id, exc_info=error)
    return request_id


def _unexpected(error: Exception) -> MeshlineError:
    return Unexpected(
        "Something broke here that is not your fault.",
        remedy=f"Try again; if it stays, report request {log_unexpected(error)}.",
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The whole site's 400: a problem below /api/, the ordinary page elsewhere."""
    if request.path.startswith("/api/"):
        return problem(as_known(exception) or BadRequest("The request is malformed."))
    return ordinary_bad_request(request, exception)
