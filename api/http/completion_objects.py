"""The answer to a completion, in OpenAI's legacy shape, with what only a router can say besides."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import BaseModel, Field

from api.http.chat_objects import Usage
from core.schemas.views import GenerationView, PromptView
from core.tables import State


class LogprobsObject(BaseModel):
    """Of each token; the first of an echo follows nothing, so it has null twice."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


class CompletionChoice(BaseModel):
    """One text's continuation, and `expert` besides."""

    index: int
    text: str
    logprobs: LogprobsObject | None
    finish_reason: str
    expert: str

    @classmethod
    def of(cls, index: int, answered: GenerationView) -> Self:
        return cls(
            index=index,
            text=answered.answer or "",
            logprobs=LogprobsObject.model_validate(answered.logprobs) if answered.logprobs else None,
            finish_reason=answered.finish_reason or "stop",
            expert=answered.expert,
        )


class TextCompletion(BaseModel):
    """OpenAI's `Completion`, and `expert`, `cost_usd` and `prompt_ids` besides: one choice a text, in the order sent.

    Each choice names its `expert`. Above them it stands only where all have the same, else it is null and `model` is
    what was asked for. Usage and cost are sums over the texts.
    """

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage
    expert: str | None = Field(description="null where the texts went to several")
    cost_usd: float
    prompt_ids: list[str]

    @classmethod
    def of(cls, model: str, prompts: Sequence[PromptView]) -> Self:
        """Of prompts that are done; `model` as it was asked for."""
        answered = [next(one for one in prompt.generations if one.state == State.DONE) for prompt in prompts]
        experts = {one.expert for one in answered}
        expert = answered[0].expert if len(experts) == 1 else None
        read = sum(one.input_tokens or 0 for one in answered)
        written = sum(one.output_tokens or 0 for one in answered)
        return cls(
            id=prompts[0].id.replace("prompt_", "cmpl-"),
            created=int(prompts[0].created_at),
            model=expert or model,
            choices=[CompletionChoice.of(index, one) for index, one in enumerate(answered)],
            usage=Usage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written),
            expert=expert,
            cost_usd=sum(one.cost_usd or 0.0 for one in answered),
            prompt_ids=[prompt.id for prompt in prompts],
        )
