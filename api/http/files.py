"""Files of batches: sent in, listed, read back, deleted. OpenAI's Files, and Uploads for what comes in parts."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from typing import Annotated, BinaryIO, NamedTuple, TypeVar

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from api.http.bodies import refuse_size
from api.http.callers import Caller
from api.http.documentation import BAD_REQUEST, CONFLICT, NOT_FORM, NOT_FOUND, OVERLOADED, TOO_LARGE, form_of
from api.http.file_objects import FileDeleted, FileList, FileObject
from api.http.file_requests import FilePage, check_filename, check_purpose, expiry_of_form
from api.http.forms import CURE, Form, read_form
from api.http.ids import PathId, plausible
from api.http.once import ONCE, once
from api.http.parts import Parts, PartsOf
from core.errors import InvalidInputError, StoreRefusedError
from core.schemas.files import FileView, NewFile, PartView
from core.store.failpoints import Point, failpoint

router = APIRouter(prefix="/v1/files", tags=["files"])

#: Bytes that are in memory of a file that is copied.
CHUNK = 1 << 20


AnyView = TypeVar("AnyView", FileView, PartView)


class Stored(NamedTuple):
    """Bytes in the file store."""

    key: str
    size: int
    sha256: bytes


@router.post(
    "",
    summary="Send a file",
    dependencies=[ONCE],
    responses=BAD_REQUEST | TOO_LARGE | NOT_FORM | OVERLOADED,
    openapi_extra=form_of("file", "purpose"),
)
async def create(request: Request, parts: PartsOf, owner: Caller) -> FileObject:
    """Send a batch's lines as multipart/form-data: `file`, `purpose` (`batch`), `expires_after[seconds]`.

    It is kept for 30 days unless it says otherwise. What is larger than one request should be comes as an upload.
    """
    await run_in_threadpool(parts.admission.check)
    async with read_form(request, "file", parts.settings.max_file_bytes) as form:
        return await run_in_threadpool(_create, request, parts, owner, form)


def _create(request: Request, parts: Parts, owner: str, form: Form) -> FileObject:
    purpose, filename = check_purpose(form.fields.get("purpose")), check_filename(form.filename)
    expires = expiry_of_form(form.fields) or parts.settings.file_expires_s
    stored = keep(parts, form.file, parts.settings.max_file_bytes)
    asked = once(request, filename.encode(), str(expires).encode(), stored.sha256)
    new = NewFile(filename, purpose, stored.size, stored.key, None if expires is None else int(expires))
    return FileObject.of(added(parts, stored, lambda: parts.store.files.add(owner, new, asked)))


@router.get("", summary="All files", responses=BAD_REQUEST | NOT_FOUND)
def read_all(parts: PartsOf, owner: Caller, asked: Annotated[FilePage, Query()]) -> FileList:
    """By age, the newest first; with those that batches have written (`batch_output`)."""
    page = parts.store.files.page(
        owner,
        after=plausible(asked.after) if asked.after else None,
        limit=asked.limit + 1,
        newest_first=asked.order == "desc",
        purpose=asked.purpose,
    )
    return FileList.of([FileObject.of(view) for view in page], asked.limit)


@router.get("/{file_id}", summary="One file", responses=NOT_FOUND)
def read(file_id: PathId, parts: PartsOf, owner: Caller) -> FileObject:
    """Its name, size and purpose, and when it expires."""
    return FileObject.of(parts.store.files.get(file_id, owner))


@router.get(
    "/{file_id}/content",
    summary="A file's bytes",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/octet-stream": {}}}, **NOT_FOUND},
)
def content(file_id: PathId, parts: PartsOf, owner: Caller) -> StreamingResponse:
    """As they were sent, or as the batch wrote them."""
    view = parts.store.files.get(file_id, owner)
    chunks = _chunks(parts, view.key)
    first = next(chunks, b"")  # a 404 must come before the first byte
    headers = {"Content-Length": str(view.bytes), "Content-Disposition": "attachment"}
    return StreamingResponse(_after(first, chunks), media_type="application/octet-stream", headers=headers)


@router.delete("/{file_id}", summary="Delete a file", responses=NOT_FOUND | CONFLICT)
def delete(file_id: PathId, parts: PartsOf, owner: Caller) -> FileDeleted:
    """Gone for good; not while a batch is at work on it."""
    view = parts.store.files.delete(file_id, owner)
    parts.store.blobs.delete(view.key)
    return FileDeleted(id=view.id)


def keep(parts: Parts, source: BinaryIO, most_bytes: int) -> Stored:
    """Copy a file's bytes into the file store. InvalidInputError where there is none."""
    key, size, digest = f"files/{secrets.token_hex(16)}", 0, hashlib.sha256()
    with parts.store.blobs.writing(key) as target:
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if size > most_bytes:
                refuse_size(most_bytes, CURE)
            digest.update(chunk)
            target.write(chunk)
        if not size:
            raise InvalidInputError("file: is empty", param="file")
    return Stored(key, size, digest.digest())


def added(parts: Parts, stored: Stored, add: Callable[[], AnyView]) -> AnyView:
    """What `add` makes of stored bytes, which are deleted where it makes nothing of them, or had been sent before.

    Where the connection to the database broke, nobody knows: there may be a row, so the bytes stay, and are swept one
    day if they are nobody's.
    """
    failpoint(Point.FILE_STORED)
    try:
        view = add()
        failpoint(Point.FILE_ADDED)
    except (InvalidInputError, StoreRefusedError):
        parts.store.blobs.delete(stored.key)
        raise
    if view.key != stored.key:
        parts.store.blobs.delete(stored.key)
    return view


def _chunks(parts: Parts, key: str) -> Iterator[bytes]:
    with parts.store.blobs.reading(key) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
