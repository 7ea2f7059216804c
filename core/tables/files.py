"""The tables around the batch API: files and how they come in, requests that were seen, and calls to be made."""

from typing import Any, ClassVar

from sqlalchemy import Index, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.tables.columns import BIG, LOCAL, default, one_of
from core.tables.models import Work, leased, waiting
from core.tables.states import State, UploadState


class File(SQLModel, table=True):
    """A file of lines, uploaded or written by us; its bytes are in the file store."""

    __tablename__: ClassVar[Any] = "file"  # Any: SQLModel types it as a declared attribute
    __table_args__ = (Index(None, "owner", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG)
    public_id: str = Field(unique=True)
    owner: str = Field(default=LOCAL, sa_column_kwargs=default(LOCAL))
    filename: str
    purpose: str
    #: Its size.
    bytes: int = Field(sa_type=BIG)
    #: Of its bytes, in the file store.
    key: str
    created_at: float
    expires_at: float | None = Field(default=None, index=True)


class Upload(SQLModel, table=True):
    """A file on its way in, in parts, so that what was interrupted goes on."""

    __tablename__: ClassVar[Any] = "upload"  # Any: as above
    __table_args__ = (one_of("state", UploadState),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG)
    public_id: str = Field(unique=True)
    owner: str = Field(default=LOCAL, sa_column_kwargs=default(LOCAL))
    state: str = Field(default=UploadState.PENDING, sa_type=String(16), sa_column_kwargs=default(UploadState.PENDING))
    filename: str
    purpose: str
    #: As announced.
    bytes: int = Field(sa_type=BIG)
    #: Of the file that it becomes.
    file_expires_after_s: int | None = None
    #: Public id of the file, once it is one.
    file_id: str | None = None
    created_at: float
    expires_at: float = Field(index=True)


class UploadPart(SQLModel, table=True):
    """Some of an upload's bytes, in the file store."""

    __tablename__: ClassVar[Any] = "upload_part"  # Any: as above

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG)
    public_id: str = Field(unique=True)
    upload_id: int = Field(sa_type=BIG, foreign_key="upload.id", index=True)
    bytes: int = Field(sa_type=BIG)
    #: As a file's.
    key: str
    created_at: float


class RequestKey(SQLModel, table=True):
    """An `Idempotency-Key` and what its request made, so that the same request again makes nothing."""

    __tablename__: ClassVar[Any] = "request_key"  # Any: as above

    owner: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    #: SHA-256 of what was asked: the same key may not ask for something else.
    digest: str
    #: Public id of what it made.
    made: str = Field(index=True)
    created_at: float = Field(index=True)


class Webhook(Work, table=True):
    """A call to be made: a batch has ended."""

    __tablename__: ClassVar[Any] = "webhook"  # Any: as above
    __table_args__ = (one_of("state", State), UniqueConstraint("batch_id", "event"), waiting(), leased())

    public_id: str = Field(unique=True)
    batch_id: int = Field(sa_type=BIG, foreign_key="batch.id")
    url: str
    #: OpenAI's name of it, e.g. `batch.completed`.
    event: str
