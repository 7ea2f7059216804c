"""Every error in OpenAI's shape, `{"error": {"message", "type", "param", "code"}}`, whoever raised it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.http.headers import HEADERS
from core import metrics
from core.errors import (
    InvalidInputError,
    NotReadyError,
    OverloadedError,
    StoreError,
    StoreRefusedError,
    TorouterError,
    WaitTimeoutError,
)
from core.schemas.views import PromptView

log = logging.getLogger(__name__)

#: What was sent is quoted in a message up to this many characters.
LONGEST_MESSAGE = 1000

#: What a caller is told of an error that nobody expected.
UNEXPECTED = "something went wrong here; the server's log has the details"

#: Codes of failed prompts that their caller can mend; other failures are ours.
CALLERS_CODES = frozenset({"context_length_exceeded", "content_filter", "invalid_request", "prompt_rejected"})

#: OpenAI's clients send a request again after a 5xx. That would be a second prompt where the first is stored, and
#: futile where an operator must act; this header of theirs says so.
NO_RETRY: Mapping[str, str] = {"x-should-retry": "false"}


def status_of(code: str) -> int:
    """HTTP status of a prompt that failed with a code: whether its caller is to blame."""
    return 400 if code in CALLERS_CODES else 502


def type_of(status: int) -> str:
    """OpenAI's type of an error."""
    return "server_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004  # HTTP


class BodyTooLargeError(InvalidInputError):
    status = 413
    code = "request_too_large"


class SlowBodyError(InvalidInputError):
    status = 408
    code = "request_too_slow"


class NotJsonError(InvalidInputError):
    status = 415
    code = "unsupported_media_type"


class NotFormError(InvalidInputError):
    status = 415
    code = "unsupported_media_type"


class EncodedError(InvalidInputError):
    status = 415
    code = "unsupported_encoding"


class CrossSiteError(InvalidInputError):
    status = 403
    code = "cross_site_request"


class UnauthenticatedError(InvalidInputError):
    status = 401
    code = "invalid_api_key"


class ForbiddenError(InvalidInputError):
    status = 403
    code = "insufficient_scope"


class LimitedError(OverloadedError):
    """A key's own limit; others may go on."""

    code = "rate_limit_exceeded"


class PromptUnfinishedError(WaitTimeoutError):
    """A wait that ended before its prompts did."""

    def __init__(self, prompt_ids: Sequence[str], waited_s: float) -> None:
        first, *others = prompt_ids
        url = f"/v1/prompts/{first}"
        self.extras: dict[str, Any] = {"prompt_id": first, "url": url}  # Any: JSON
        told = f"{first} has not ended after {waited_s:g} s and goes on: GET {url} for its answer"
        if others:
            self.extras["prompt_ids"] = list(prompt_ids)
            told = f"{first} and {len(others)} more have not all ended after {waited_s:g} s and go on: GET {url}, …"
        super().__init__(told)


class PromptFailedError(TorouterError):
    """The prompt that a request waited for has failed."""

    def __init__(self, prompt: PromptView) -> None:
        self.extras = {"prompt_id": prompt.id, "url": f"/v1/prompts/{prompt.id}"}
        self.code = prompt.error_code or prompt.state
        self.status = status_of(self.code)
        super().__init__(prompt.error_message or f"{prompt.id} is {prompt.state}")


class ErrorDetail(BaseModel):
    """What went wrong, which field is to blame, and how to mend it."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None
    #: Of the prompt that was stored before this request failed.
    prompt_id: str | None = None
    #: Of all of them, where a request that stored several has waited too long.
    prompt_ids: list[str] | None = None
    url: str | None = None


class ErrorObject(BaseModel):
    error: ErrorDetail


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as HTTP says it."""

    status: int
    message: str
    code: str
    param: str | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def install(app: FastAPI) -> None:
    """Answer every exception with a problem; those that nobody expected are logged by the server, with their trace."""
    for kind in (TorouterError, RequestValidationError, HTTPException, ClientDisconnect, Exception):
        app.add_exception_handler(kind, _answer)


async def _answer(request: Request, error: Exception) -> JSONResponse:
    return respond(error, request)


def respond(error: Exception, request: Request) -> JSONResponse:
    """An error as a response."""
    problem = problem_of(error, f"{request.method} {request.url.path}")
    detail = {
        "message": printable(problem.message),
        "type": type_of(problem.status),
        "param": printable(problem.param) if problem.param else None,
        "code": problem.code,
        **problem.extras,
    }
    # HEADERS here too: what nobody expected is answered outside of all middleware.
    return JSONResponse({"error": detail}, problem.status, {**HEADERS, **problem.headers})


def problem_of(error: Exception, asked: str) -> Problem:
    """What to answer for an exception; `asked` is the method and path. Nothing unexpected is told to the caller."""
    match error:
        case TorouterError():
            return _reported(error)
        case RequestValidationError():
            param, message = first_of(error.errors(), skip=1)
            return Problem(400, message, "invalid_request", param)
        case HTTPException():
            return _of_starlette(error, asked)
        case ClientDisconnect():
            return Problem(400, "the client left before its request was complete", "client_disconnected")
    return Problem(500, UNEXPECTED, "internal_error", headers=NO_RETRY)


def first_of(errors: Sequence[ErrorDetails | Any], *, skip: int = 0) -> tuple[str, str]:  # Any: FastAPI's are untyped
    """The path of the first field that pydantic refuses, less `skip` leading names, and what to say about it.

    A validator that stands above the field names it as `field` in its context.
    """
    error = errors[0]
    named = error.get("ctx", {}).get("field")
    path = ".".join(str(part) for part in (*error["loc"][skip:], *([named] if named else [])))
    message = "is required" if error["type"] == "missing" else str(error["msg"]).removeprefix("Value error, ")
    given = error.get("input")
    if isinstance(given, int | float) or (isinstance(given, str) and error["type"] == "literal_error"):
        message += f" (it is {given!r:.60})"
    return path, f"{path}: {message}" if path else message


def _reported(error: TorouterError) -> Problem:
    message = str(error)
    headers: Mapping[str, str] = {}
    extras: Mapping[str, Any] = {}  # Any: JSON
    match error:
        case StoreRefusedError():
            log.error("%s", error, exc_info=error)
            message, headers = UNEXPECTED, NO_RETRY
        case StoreError():
            log.error("%s", error)
            message = "the database can't be reached or is too busy just now: try again"
            headers = {"Retry-After": "1"}
        case PromptUnfinishedError() | PromptFailedError():
            extras, headers = error.extras, NO_RETRY
        case NotReadyError():
            headers = NO_RETRY
        case UnauthenticatedError():
            headers = {"WWW-Authenticate": 'Bearer realm="torouter"'}
        case OverloadedError():
            metrics.HTTP_REFUSED.labels(error.code).inc()
            headers = {"Retry-After": str(error.retry_after_s)}
    return Problem(error.status, message, error.code, getattr(error, "param", None), extras, headers)


def _of_starlette(error: HTTPException, asked: str) -> Problem:
    """Starlette's own: unknown paths and methods."""
    message, code = {
        404: (f"there is no {asked}: /docs lists what there is", "not_found"),
        405: (f"{asked} is not possible: see /docs and the header Allow", "method_not_allowed"),
    }.get(error.status_code, (str(error.detail), "invalid_request"))
    return Problem(error.status_code, message, code, headers=error.headers or {})


def printable(text: str) -> str:
    """What was sent may be quoted: without lone surrogates, which no response can hold, and not at any length."""
    return text[:LONGEST_MESSAGE].encode(errors="backslashreplace").decode()
