"""What a reader gets of the store: a batch, a prompt with everything known of it, a checkpoint."""

from dataclasses import dataclass
from typing import Any

from core.schemas.conversation import Message


@dataclass(frozen=True, slots=True)
class ExpertCounts:
    """What one expert has done for a batch so far."""

    done: int
    failed: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    scored: int
    quality_sum: float


@dataclass(frozen=True, slots=True)
class UsageView(ExpertCounts):
    """What one expert has done for an owner within the hour that began at `hour_at` (Unix seconds)."""

    expert: str
    hour_at: int


@dataclass(frozen=True, slots=True)
class QueueView:
    """How much one queue's step has before it."""

    queue: str
    #: Rows, whether a message is under way for them or not; at most `core.store.depths.MOST`.
    waiting: int
    #: Since the first of those that were sent.
    oldest_s: float | None
    running: int


@dataclass(frozen=True, slots=True)
class BatchView:
    id: str
    state: str
    work_class: str
    endpoint: str
    collect: tuple[str, ...] | None
    total: int
    done: int
    failed: int
    cancelled: int
    expired: int
    scores_open: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    details: dict[str, Any] | None
    created_at: float
    in_progress_at: float | None
    finalizing_at: float | None
    cancelling_at: float | None
    deadline_at: float | None
    finished_at: float | None
    # Of what came as a file of lines.
    input_file_id: str | None
    output_file_id: str | None
    error_file_id: str | None
    completion_window: str | None
    errors: list[dict[str, Any]] | None
    referenced: int
    stored_lines: int
    #: By name, those that have answered or failed; of bulk batches only.
    by_expert: dict[str, ExpertCounts]

    @property
    def ended(self) -> bool:
        return self.finished_at is not None


@dataclass(frozen=True, slots=True)
class DecisionView:
    expert: str | None
    policy: str
    checkpoint: str | None
    prediction_kind: str | None
    predictions: dict[str, float] | None
    route_s: float


@dataclass(frozen=True, slots=True)
class GenerationView:
    expert: str
    state: str
    answer: str | None
    finish_reason: str | None
    logprobs: dict[str, Any] | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    nll_answer: float | None
    nll_reference: float | None
    inference_s: float | None
    queue_s: float | None
    first_token_s: float | None
    attempts: int
    error_code: str | None
    error_message: str | None
    #: By scorer; only those that are there.
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class PromptView:
    id: str
    batch_id: str
    state: str
    messages: tuple[Message, ...]
    reference: str | None
    dataset: str | None
    custom_id: str | None
    details: dict[str, Any] | None
    error_code: str | None
    error_message: str | None
    created_at: float
    finished_at: float | None
    decision: DecisionView | None
    generations: tuple[GenerationView, ...]

    @property
    def ended(self) -> bool:
        return self.finished_at is not None


@dataclass(frozen=True, slots=True)
class CheckpointView:
    id: int
    public_id: str
    key: str
    router: str
    experts: tuple[str, ...]
    manifest: dict[str, Any]
    promoted_at: float | None
    #: Of the latest promotion: `router.gate.Verdict`, with `by` and `forced`.
    verdict: dict[str, Any] | None
