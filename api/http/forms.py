"""Uploaded forms: read within a limit, spooled to disk, and only from pages that we served ourselves, or from none."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from api.http.bodies import refuse_encoded, refuse_size
from api.http.crowding import paced
from api.http.errors import CrossSiteError, NotFormError
from core.errors import InvalidInputError

FORM = "multipart/form-data"

#: What to do about a file that is too large.
CURE = "send it in parts (/v1/uploads), or in several files; TOROUTER_MAX_FILE_BYTES is the limit of all"

#: What a form may hold around its file.
OVERHEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Form:
    """One file, and the texts beside it."""

    file: BinaryIO
    filename: str
    fields: Mapping[str, str]


@asynccontextmanager
async def read_form(request: Request, name: str, most_bytes: int) -> AsyncIterator[Form]:
    """The form with its file in the field `name`, gone with the body; errors as soon as they are known."""
    same_site(request)
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != FORM:
        raise NotFormError(f"Content-Type is {given[:100]!r}: send the file as {FORM}")
    refuse_encoded(request)
    limit = most_bytes + OVERHEAD_BYTES
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        refuse_size(most_bytes, CURE)
    parser = MultiPartParser(request.headers, _limited(request, limit, most_bytes), max_files=1, max_fields=10)
    try:
        form = await parser.parse()
    except (MultiPartException, UnicodeError) as error:  # the latter: of a charset that decodes nothing
        raise InvalidInputError(f"the form can't be read: {error}") from error
    try:
        yield _form(form.multi_items(), name)
    finally:
        await form.close()


def same_site(request: Request) -> None:
    """CrossSiteError for a request of another site's page: it needs no JSON, so that no browser would ask us first."""
    said = request.headers.get("sec-fetch-site", "none")
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if said not in {"none", "same-origin"} or foreign:
        raise CrossSiteError("this request comes from a page of another site, which may not send it")


async def _limited(request: Request, limit: int, told: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async for part in paced(request):
        size += len(part)
        if size > limit:
            refuse_size(told, CURE)
        yield part


def _form(items: list[tuple[str, UploadFile | str]], name: str) -> Form:
    fields = {key: value for key, value in items if isinstance(value, str)}
    for key, value in items:
        if key == name and not isinstance(value, str):
            return Form(value.file, value.filename or "", fields)
    raise InvalidInputError(f"{name}: is required, and is a file with a name", param=name)
