"""Batches in OpenAI's shape, with what only a router can say besides."""

from typing import Literal, Self

from pydantic import BaseModel, Field

from api.http.pages import Listed, Page
from core.schemas.views import BatchView
from core.schemas.views import ExpertCounts as Counted
from core.tables import BatchState

#: What came as prompts has no window.
NO_WINDOW = "none"


class Counts(BaseModel):
    """Of lines, or prompts. OpenAI's are `total`, `completed` and `failed`.

    Once a batch has ended, `completed`, `failed`, `cancelled` and `expired` add up to `total`: a line that a cancel or
    the end of its window cut off counts as that, and not as failed. Each of the three has a line in the error file.
    """

    total: int
    completed: int
    failed: int
    cancelled: int
    expired: int


class CachedTokens(BaseModel):
    cached_tokens: int = 0


class ReasoningTokens(BaseModel):
    reasoning_tokens: int = 0


class BatchUsage(BaseModel):
    input_tokens: int
    input_tokens_details: CachedTokens = CachedTokens()
    output_tokens: int
    output_tokens_details: ReasoningTokens = ReasoningTokens()
    total_tokens: int


class BatchError(BaseModel):
    """Why nothing of a batch has run; `line` counts the file's lines from 1."""

    code: str
    message: str
    line: int | None
    param: str | None


class BatchErrors(BaseModel):
    object: Literal["list"] = "list"
    data: list[BatchError]


class ExpertCounts(BaseModel):
    """What one expert has done so far."""

    completed: int
    failed: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    quality: float | None = Field(description="mean BERTSim of the answers that were scored so far")


class BatchObject(Listed):
    """OpenAI's batch object; `class` and all that follows it is ours."""

    object: Literal["batch"] = "batch"
    endpoint: str
    errors: BatchErrors | None
    input_file_id: str | None
    completion_window: str
    model: None = None  # every line names its own
    status: BatchState
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int | None
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: Counts
    usage: BatchUsage
    metadata: dict[str, str] | None
    work_class: str = Field(serialization_alias="class")
    experts: list[str] | None = Field(description="those that all answer, in a collecting batch")
    cost_usd: float
    scores_open: int = Field(description="scores that the finished answers still wait for")
    stored_lines: int = Field(description="lines of the file that have become prompts so far")
    references: int = Field(description="lines with a reference; where there are any, it is an evaluation")
    by_expert: dict[str, ExpertCounts] = Field(description="of each expert that has answered or failed")

    @classmethod
    def of(cls, view: BatchView) -> Self:
        state = BatchState(view.state)
        return cls(
            id=view.id,
            endpoint=view.endpoint,
            errors=BatchErrors(data=[BatchError(**one) for one in view.errors]) if view.errors else None,
            input_file_id=view.input_file_id,
            completion_window=view.completion_window or NO_WINDOW,
            status=state,
            output_file_id=view.output_file_id,
            error_file_id=view.error_file_id,
            request_counts=Counts(
                total=view.total,
                completed=view.done,
                failed=view.failed,
                cancelled=view.cancelled,
                expired=view.expired,
            ),
            usage=BatchUsage(
                input_tokens=view.input_tokens,
                output_tokens=view.output_tokens,
                total_tokens=view.input_tokens + view.output_tokens,
            ),
            metadata=view.details,
            work_class=view.work_class,
            experts=list(view.collect) if view.collect else None,
            cost_usd=view.cost_usd,
            scores_open=view.scores_open,
            stored_lines=view.stored_lines,
            references=view.referenced,
            by_expert={name: _expert(one) for name, one in view.by_expert.items()},
            **_times(view, state),
        )


class BatchList(Page[BatchObject]):
    """Batches, a page at a time."""


def _expert(counts: Counted) -> ExpertCounts:
    return ExpertCounts(
        completed=counts.done,
        failed=counts.failed,
        input_tokens=counts.input_tokens,
        output_tokens=counts.output_tokens,
        cost_usd=counts.cost_usd,
        quality=counts.quality_sum / counts.scored if counts.scored else None,
    )


def _times(view: BatchView, state: BatchState) -> dict[str, int | None]:
    """OpenAI's time stamps, in whole seconds; the end's is by the state in which it ended."""
    ended = {
        f"{end.value}_at": view.finished_at if end is state else None
        for end in (BatchState.COMPLETED, BatchState.FAILED, BatchState.EXPIRED, BatchState.CANCELLED)
    }
    times = {
        "created_at": view.created_at,
        "in_progress_at": view.in_progress_at,
        "expires_at": view.deadline_at,
        "finalizing_at": view.finalizing_at,
        "cancelling_at": view.cancelling_at,
        **ended,
    }
    return {name: None if at is None else int(at) for name, at in times.items()}
