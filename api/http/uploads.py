"""Files that come in parts, so that what was interrupted goes on where it was. OpenAI's Uploads."""

import hashlib
import secrets
from functools import partial

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from api.http.bodies import RawBody, parse
from api.http.callers import Caller
from api.http.documentation import (
    BAD_REQUEST,
    CONFLICT,
    NOT_FORM,
    NOT_FOUND,
    NOT_JSON,
    OVERLOADED,
    TOO_LARGE,
    body_of,
    form_of,
)
from api.http.errors import BodyTooLargeError
from api.http.file_objects import PartObject, UploadObject
from api.http.file_requests import CompleteRequest, UploadRequest, check_filename, check_purpose
from api.http.files import CHUNK, added, keep
from api.http.forms import Form, read_form, same_site
from api.http.ids import PathId
from api.http.once import ONCE, once
from api.http.parts import Parts, PartsOf
from core.errors import InvalidInputError
from core.schemas.files import NewFile, NewUpload, PartView, UploadView
from core.tables import UploadState

router = APIRouter(prefix="/v1/uploads", tags=["files"])

#: As OpenAI's.
MOST_PART_BYTES = 64 * 2**20
OPEN_S = 24 * 3600.0


@router.post(
    "",
    summary="Begin to send a file in parts",
    dependencies=[ONCE],
    responses=BAD_REQUEST | NOT_JSON | TOO_LARGE | OVERLOADED,
    openapi_extra=body_of(UploadRequest),
)
def create(request: Request, body: RawBody, parts: PartsOf, owner: Caller) -> UploadObject:
    """Say what will come (`filename`, `purpose`, `bytes`), then add parts within 24 hours."""
    parts.admission.check()
    asked = parse(UploadRequest, body)
    if asked.bytes > parts.settings.max_file_bytes:
        raise BodyTooLargeError(
            f"bytes: {asked.bytes} are more than {parts.settings.max_file_bytes} (TOROUTER_MAX_FILE_BYTES)",
            param="bytes",
        )
    expires = asked.expires_after.seconds if asked.expires_after else parts.settings.file_expires_s
    new = NewUpload(
        filename=check_filename(asked.filename),
        purpose=check_purpose(asked.purpose),
        bytes=asked.bytes,
        expires_in_s=OPEN_S,
        file_expires_after_s=None if expires is None else int(expires),
    )
    return UploadObject.of(parts.store.uploads.create(owner, new, once(request, body)))


@router.get("/{upload_id}", summary="One upload", responses=NOT_FOUND)
def read(upload_id: PathId, parts: PartsOf, owner: Caller) -> UploadObject:
    """Its status, and the file that it has become."""
    return UploadObject.of(parts.store.uploads.get(upload_id, owner))


@router.post(
    "/{upload_id}/parts",
    summary="Add a part",
    dependencies=[ONCE],
    responses=BAD_REQUEST | NOT_FOUND | CONFLICT | TOO_LARGE | NOT_FORM | OVERLOADED,
    openapi_extra=form_of("data"),
)
async def add_part(request: Request, upload_id: PathId, parts: PartsOf, owner: Caller) -> PartObject:
    """Up to 64 MB as multipart/form-data in the field `data`; parts may come in any order."""
    await run_in_threadpool(parts.admission.check)
    async with read_form(request, "data", MOST_PART_BYTES) as form:
        return await run_in_threadpool(_add_part, request, parts, owner, upload_id, form)


def _add_part(request: Request, parts: Parts, owner: str, upload_id: str, form: Form) -> PartObject:
    stored = keep(parts, form.file, MOST_PART_BYTES)
    asked = once(request, stored.sha256)
    add = partial(parts.store.uploads.add_part, upload_id, owner, stored.size, stored.key, asked)
    return PartObject.of(added(parts, stored, add))


@router.post(
    "/{upload_id}/complete",
    summary="Make it a file",
    responses=BAD_REQUEST | NOT_FOUND | CONFLICT | NOT_JSON,
    openapi_extra=body_of(CompleteRequest),
)
def complete(upload_id: PathId, body: RawBody, parts: PartsOf, owner: Caller) -> UploadObject:
    """Join the parts in the order of `part_ids`; their bytes must be as many as were announced. Again is the same."""
    asked = parse(CompleteRequest, body)
    view = parts.store.uploads.get(upload_id, owner)
    if view.state == UploadState.COMPLETED:
        return UploadObject.of(view)
    found = parts.store.uploads.parts(upload_id, owner, asked.part_ids)
    size = sum(part.bytes for part in found)
    if size != view.bytes:
        raise InvalidInputError(f"part_ids: have {size} bytes together, and {view.bytes} were announced")
    new = _join(parts, view, found, asked.md5)
    completed = parts.store.uploads.complete(upload_id, owner, new)
    if completed.file is None or completed.file.key != new.key:  # another request was faster
        parts.store.blobs.delete(new.key)
    return UploadObject.of(completed)


@router.post("/{upload_id}/cancel", summary="Give an upload up", responses=NOT_FOUND | CONFLICT)
def cancel(request: Request, upload_id: PathId, parts: PartsOf, owner: Caller) -> UploadObject:
    """No more parts; what has come is deleted."""
    same_site(request)
    return UploadObject.of(parts.store.uploads.cancel(upload_id, owner))


def _join(parts: Parts, upload: UploadView, found: list[PartView], md5: str | None) -> NewFile:
    blobs, key, digest = parts.store.blobs, f"files/{secrets.token_hex(16)}", hashlib.md5(usedforsecurity=False)
    with blobs.writing(key) as target:
        for part in found:
            with blobs.reading(part.key) as source:
                while chunk := source.read(CHUNK):
                    digest.update(chunk)
                    target.write(chunk)
        if md5 is not None and md5.lower() != digest.hexdigest():
            raise InvalidInputError(
                f"md5: {md5[:40]} was announced, and the parts have {digest.hexdigest()}", param="md5"
            )
    return NewFile(upload.filename, upload.purpose, upload.bytes, key, upload.file_expires_after_s)
