"""Files and uploads in OpenAI's shapes: one function each from the store's view."""

from typing import Literal, Self

from pydantic import BaseModel

from api.http.pages import Listed, Page
from core.schemas.files import FileView, PartView, UploadView


class FileObject(Listed):
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: str
    status: Literal["processed"] = "processed"
    status_details: None = None

    @classmethod
    def of(cls, view: FileView) -> Self:
        return cls(
            id=view.id,
            bytes=view.bytes,
            created_at=int(view.created_at),
            expires_at=None if view.expires_at is None else int(view.expires_at),
            filename=view.filename,
            purpose=view.purpose,
        )


class FileList(Page[FileObject]):
    """Files, a page at a time."""


class FileDeleted(BaseModel):
    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


class UploadObject(BaseModel):
    """A file on its way in; `file` is what it has become."""

    id: str
    object: Literal["upload"] = "upload"
    bytes: int
    created_at: int
    expires_at: int
    filename: str
    purpose: str
    status: str
    file: FileObject | None

    @classmethod
    def of(cls, view: UploadView) -> Self:
        return cls(
            id=view.id,
            bytes=view.bytes,
            created_at=int(view.created_at),
            expires_at=int(view.expires_at),
            filename=view.filename,
            purpose=view.purpose,
            status=view.state,
            file=FileObject.of(view.file) if view.file else None,
        )


class PartObject(BaseModel):
    id: str
    object: Literal["upload.part"] = "upload.part"
    upload_id: str
    created_at: int

    @classmethod
    def of(cls, view: PartView) -> Self:
        return cls(id=view.id, upload_id=view.upload_id, created_at=int(view.created_at))
