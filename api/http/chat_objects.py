"""A chat's answer and the list of models, in OpenAI's shapes, with what only a router can say besides."""

from typing import Literal, Self

from pydantic import BaseModel

from core.schemas.experts import ExpertSpec, Location
from core.schemas.views import PromptView
from core.tables import State


class Answer(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(BaseModel):
    index: Literal[0] = 0
    message: Answer
    logprobs: None = None
    finish_reason: str


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(BaseModel):
    """OpenAI's, and `expert`, `cost_usd` and `prompt_id` besides; `model` is the expert too."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    expert: str
    cost_usd: float
    prompt_id: str

    @classmethod
    def of(cls, prompt: PromptView) -> Self:
        """Of a prompt that is done."""
        answered = next(one for one in prompt.generations if one.state == State.DONE)
        read, written = answered.input_tokens or 0, answered.output_tokens or 0
        answer = Answer(content=answered.answer or "")
        return cls(
            id=prompt.id.replace("prompt_", "chatcmpl-"),
            created=int(prompt.created_at),
            model=answered.expert,
            choices=[Choice(message=answer, finish_reason=answered.finish_reason or "stop")],
            usage=Usage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written),
            expert=answered.expert,
            cost_usd=answered.cost_usd or 0.0,
            prompt_id=prompt.id,
        )


class ModelObject(BaseModel):
    """The router, or an expert with its place, prices (US$ per 1M tokens) and context."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0  # experts have no birthday
    owned_by: Literal["torouter"] = "torouter"
    location: Location | None = None
    price_in_usd_per_mtok: float | None = None
    price_out_usd_per_mtok: float | None = None
    context_tokens: int | None = None

    @classmethod
    def of(cls, expert: ExpertSpec) -> Self:
        return cls(
            id=expert.name,
            location=expert.location,
            price_in_usd_per_mtok=expert.price_in_usd_per_mtok,
            price_out_usd_per_mtok=expert.price_out_usd_per_mtok,
            context_tokens=expert.context_tokens,
        )


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelObject]
