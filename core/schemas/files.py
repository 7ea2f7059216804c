"""What the store and its callers exchange of files, uploads and batches that are read from a file."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from core.queues import WorkClass
from core.schemas.work import Claim


@dataclass(frozen=True, slots=True)
class Once:
    """A request that may come twice: its `Idempotency-Key`, and a digest of what it asks."""

    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class NewFile:
    """Bytes that are in the file store already, on their way to becoming a file."""

    filename: str
    purpose: str
    bytes: int
    key: str
    expires_after_s: int | None


@dataclass(frozen=True, slots=True)
class FileView:
    id: str
    filename: str
    purpose: str
    bytes: int
    key: str
    created_at: float
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class NewUpload:
    """A file that will come in parts."""

    filename: str
    purpose: str
    bytes: int
    expires_in_s: float
    file_expires_after_s: int | None


@dataclass(frozen=True, slots=True)
class UploadView:
    id: str
    state: str
    filename: str
    purpose: str
    bytes: int
    file_expires_after_s: int | None
    created_at: float
    expires_at: float
    #: What it has become.
    file: FileView | None


@dataclass(frozen=True, slots=True)
class PartView:
    id: str
    upload_id: str
    bytes: int
    key: str
    created_at: float


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A file of lines, asked to be worked on."""

    input_file_id: str
    endpoint: str
    completion_window: str
    window_s: float
    on_invalid: str
    owner: str
    collect: tuple[str, ...] | None = None
    policy: str | None = None
    details: dict[str, Any] | None = None
    output_expires_after_s: int | None = None
    webhook_url: str | None = None
    traceparent: str | None = None


class NewLine(NamedTuple):
    """A line of a file as the prompt it becomes: JSON as text, ready for bulk statements.

    One that can't be taken has an error, and is a prompt that has failed.
    """

    line: int
    custom_id: str | None
    messages: str = "[]"
    sampling: str = "{}"
    completion: str | None = None
    reference: str | None = None
    dataset: str | None = None
    expert: str | None = None
    policy: str | None = None
    details: str | None = None
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class BatchJob:
    """A batch that this process moves on: only the holder of `fence` may."""

    id: int
    fence: int
    public_id: str
    owner: str
    state: str
    endpoint: str
    work_class: WorkClass
    #: None for what came as prompts, which is only ever cancelled here.
    input_file_id: str | None
    collect: tuple[str, ...] | None
    policy: str | None
    on_invalid: str
    total: int
    stored_lines: int
    stored_bytes: int
    referenced: int
    output_expires_after_s: int | None
    is_late: bool
    traceparent: str | None = None


class OutputRow(NamedTuple):
    """A prompt that has ended, as its batch's files tell it; with an answer, or with none."""

    prompt_id: str
    custom_id: str | None
    line: int
    state: str
    #: Claims of it; none: it never was to be routed, since its line could not be taken.
    attempts: int
    error_code: str | None
    error_message: str | None
    created_at: float
    #: Of the answer; of several, in a collecting batch, each has a row.
    expert: str | None
    answer: str | None
    finish_reason: str | None
    logprobs: dict[str, Any] | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """A call that this process makes: a batch has ended."""

    claim: Claim
    #: Of the event: the same in every attempt.
    public_id: str
    url: str
    event: str
    batch_id: str
    created_at: float
    #: This one included.
    attempts: int
    traceparent: str | None = None
