"""What is asked of files and uploads: names, purposes and how long they are kept."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from api.http.errors import first_of
from api.http.fields import Asked, Name, Storable
from core.errors import InvalidInputError

#: What torouter does with a file.
PURPOSE = "batch"

Filename = TypeAdapter(Name)

ALL_PURPOSES = frozenset({"assistants", "fine-tune", "vision", "user_data", "evals"})


class FilePage(BaseModel):
    """The query of `GET /v1/files`."""

    after: str | None = Field(None, description="the last id of the page before")
    limit: int = Field(10_000, ge=1, le=10_000)
    order: Literal["asc", "desc"] = "desc"
    purpose: Annotated[str | None, Field(max_length=40), Storable] = None


class ExpiresAfter(Asked):
    """As OpenAI's: from an hour to thirty days."""

    anchor: Literal["created_at"] = "created_at"
    seconds: int = Field(ge=3600, le=2_592_000)


class UploadRequest(Asked):
    """The body of `POST /v1/uploads`."""

    ignored: ClassVar[frozenset[str]] = frozenset({"mime_type"})

    filename: Name
    purpose: str
    bytes: int = Field(ge=1)
    expires_after: ExpiresAfter | None = None


class CompleteRequest(Asked):
    """The body of `POST /v1/uploads/{id}/complete`."""

    part_ids: Annotated[tuple[str, ...], Field(min_length=1)]
    md5: str | None = Field(None, description="of all bytes together, in hexadecimal; checked")


def check_purpose(purpose: str | None) -> str:
    """InvalidInputError for any but a batch's."""
    if purpose == PURPOSE:
        return PURPOSE
    known = " is OpenAI's, and" if purpose in ALL_PURPOSES else ""
    raise InvalidInputError(
        f"purpose: {(purpose or '')[:40]!r}{known} is of no use here: send {PURPOSE!r}", param="purpose"
    )


def check_filename(name: str) -> str:
    """The name alone, without folders; InvalidInputError for what no database holds."""
    try:
        return Filename.validate_python(name.replace("\\", "/").rpartition("/")[2])
    except ValidationError as error:
        raise InvalidInputError(f"file: its name {first_of(error.errors())[1]}", param="file") from error


def expiry_of_form(fields: Mapping[str, Any]) -> int | None:  # Any: text
    """Seconds of `expires_after[anchor]` and `expires_after[seconds]`, as OpenAI's client sends them in a form."""
    given = {name: fields.get(f"expires_after[{name}]") for name in ("anchor", "seconds")}
    if not any(given.values()):
        return None
    try:
        return ExpiresAfter.model_validate({name: value for name, value in given.items() if value}).seconds
    except ValidationError as error:
        param, message = first_of(error.errors(include_url=False))
        raise InvalidInputError(f"expires_after.{message}", param=f"expires_after.{param}") from error
