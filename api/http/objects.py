"""What a prompt and a submission look like in an answer: one function each from the store's view."""

from dataclasses import fields
from typing import Literal, Self

from pydantic import BaseModel, Field

from core.schemas.conversation import Message
from core.schemas.views import DecisionView, GenerationView, PromptView
from core.schemas.work import Submitted


class StoredPrompt(BaseModel):
    id: str
    custom_id: str | None = None


class SubmissionObject(BaseModel):
    """A stored submission: the id of its batch, and its prompts' in the order sent."""

    id: str
    object: Literal["torouter.submission"] = "torouter.submission"
    prompts: list[StoredPrompt]

    @classmethod
    def of(cls, submitted: Submitted, custom_ids: list[str | None]) -> Self:
        named = zip(submitted.prompt_ids, custom_ids, strict=True)
        return cls(id=submitted.batch_id, prompts=[StoredPrompt(id=name, custom_id=custom) for name, custom in named])


class Failed(BaseModel):
    code: str
    message: str | None


class Metrics(BaseModel):
    """Of one answer: times in seconds, NLL in nats per token. What isn't known is null, never 0."""

    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    inference_s: float | None
    queue_s: float | None
    first_token_s: float | None
    nll_answer: float | None
    nll_reference: float | None


class GenerationObject(BaseModel):
    """One expert's work on a prompt."""

    expert: str
    state: str
    answer: str | None
    finish_reason: str | None
    metrics: Metrics
    scores: dict[str, float]
    attempts: int
    error: Failed | None

    @classmethod
    def of(cls, view: GenerationView) -> Self:
        return cls(
            expert=view.expert,
            state=view.state,
            answer=view.answer,
            finish_reason=view.finish_reason,
            metrics=Metrics(**{name: getattr(view, name) for name in Metrics.model_fields}),
            scores=view.scores,
            attempts=view.attempts,
            error=_failed(view),
        )


class DecisionObject(BaseModel):
    """What the router and the policy said; `expert` is null where several answer."""

    expert: str | None
    policy: str
    checkpoint: str | None
    prediction_kind: str | None
    predictions: dict[str, float] | None
    route_s: float

    @classmethod
    def of(cls, view: DecisionView) -> Self:
        return cls(**{one.name: getattr(view, one.name) for one in fields(view)})


class ResultObject(BaseModel):
    """A prompt's line among a batch's results; what it has no answer for yet is null, and `state` says why."""

    id: str
    object: Literal["torouter.prompt"] = "torouter.prompt"
    batch_id: str
    custom_id: str | None
    state: str
    dataset: str | None
    metadata: dict[str, str] | None
    expert: str | None = Field(description="the one that was chosen; null until then, and in a collecting batch")
    answer: str | None
    finish_reason: str | None
    metrics: Metrics | None
    scores: dict[str, float]
    generations: list[GenerationObject] | None = Field(description="every expert's, in a collecting batch")
    decision: DecisionObject | None
    error: Failed | None
    created_at: float
    finished_at: float | None

    @classmethod
    def of(cls, view: PromptView) -> "ResultObject":
        expert = view.decision.expert if view.decision else None
        generations = [GenerationObject.of(one) for one in view.generations]
        chosen = next((one for one in generations if one.expert == expert), None)
        return ResultObject(
            id=view.id,
            batch_id=view.batch_id,
            custom_id=view.custom_id,
            state=view.state,
            dataset=view.dataset,
            metadata=view.details,
            expert=expert,
            answer=chosen.answer if chosen else None,
            finish_reason=chosen.finish_reason if chosen else None,
            metrics=chosen.metrics if chosen else None,
            scores=chosen.scores if chosen else {},
            generations=None if chosen else generations,
            decision=DecisionObject.of(view.decision) if view.decision else None,
            error=_failed(view),
            created_at=view.created_at,
            finished_at=view.finished_at,
        )


class PromptObject(ResultObject):
    """Everything known of one prompt."""

    messages: list[Message]
    reference: str | None

    @classmethod
    def of(cls, view: PromptView) -> "PromptObject":
        known = dict(ResultObject.of(view)) | {"generations": [GenerationObject.of(one) for one in view.generations]}
        return cls(**known, messages=list(view.messages), reference=view.reference)


def _failed(view: PromptView | GenerationView) -> Failed | None:
    return Failed(code=view.error_code, message=view.error_message) if view.error_code else None
