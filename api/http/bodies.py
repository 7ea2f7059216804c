"""Request bodies: read within the limit, parsed strictly, validated. FastAPI would read any size and parse on the loop.

The endpoint calls `parse` in a thread, since a body of many megabytes takes seconds.
"""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, NoReturn, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from api.http.crowding import paced
from api.http.errors import BodyTooLargeError, EncodedError, NotJsonError, first_of
from api.http.parts import PartsOf
from core.errors import InvalidInputError

AnyModel = TypeVar("AnyModel", bound=BaseModel)

JSON = "application/json"


async def raw_body(request: Request, parts: PartsOf) -> AsyncIterator[bytes]:
    """The body as sent; BodyTooLargeError as soon as it is known to be over the limit.

    SlowBodyError where it comes too slowly, OverloadedError where all bodies together take too much memory.
    NotJsonError without JSON's content type: any other can be sent by a page of any site that a user opens.
    """
    _check_type(request.headers.get("content-type", ""))
    refuse_encoded(request)
    limit = parts.settings.max_body_bytes
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        refuse_size(limit)
    body = bytearray()
    with parts.bodies.held() as held:
        async for part in paced(request):
            body += part
            if len(body) > limit:
                refuse_size(limit)
            held.add(len(part))
        yield bytes(body)


RawBody = Annotated[bytes, Depends(raw_body)]


def read_object(body: bytes) -> dict[str, Any]:  # Any: not validated yet
    """The JSON object in a body; InvalidInputError says what else it is."""
    if not body.strip():
        raise InvalidInputError("the body is empty: send a JSON object")
    try:
        found = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"the body is not UTF-8 (byte {error.start}): send UTF-8") from error
    except RecursionError as error:
        raise InvalidInputError("the body is nested too deeply: no field here needs more than a few levels") from error
    except ValueError as error:
        raise InvalidInputError(f"the body is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidInputError(f"the body is a JSON {type(found).__name__}: send an object like {{…}}")
    return found


def validate(model: type[AnyModel], found: dict[str, Any]) -> AnyModel:  # Any: not validated yet
    """A request of this kind; InvalidInputError names the first wrong field."""
    try:
        return model.model_validate(found)
    except ValidationError as error:
        param, message = first_of(error.errors(include_url=False))
        raise InvalidInputError(message, param=param or None) from error


def parse(model: type[AnyModel], body: bytes) -> AnyModel:
    """Both of the above."""
    return validate(model, read_object(body))


def _check_type(content_type: str) -> None:
    if content_type.partition(";")[0].strip().lower() != JSON:
        raise NotJsonError(f"Content-Type is {content_type[:100]!r}: send JSON, with Content-Type: {JSON}")


def refuse_encoded(request: Request) -> None:
    """EncodedError for a compressed body, whose size would be known only when it has been unpacked."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise EncodedError(f"Content-Encoding is {encoding[:100]!r}: send the body as it is")


def refuse_size(limit: int, cure: str = "send fewer prompts at once, or a file") -> NoReturn:
    raise BodyTooLargeError(f"the body is larger than {limit} bytes: {cure}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value: send a number or null")
