"""`POST /v1/prompts`, as sent: one prompt or many, and how to treat them."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from api.http.fields import Asked, Messages, Metadata, Name, Parameters, Text, refuse
from core.errors import InvalidInputError
from core.queues import WorkClass
from core.schemas.conversation import Message, Reference
from core.schemas.work import NewPrompt
from router.policy import described, parse


def _policy(text: str) -> str:
    try:
        return str(parse(text))
    except InvalidInputError as error:
        raise ValueError(str(error)) from error


Policy = Annotated[str, AfterValidator(_policy)]


class AskedPrompt(Parameters):
    """One thing to answer: `messages`, or a `prompt` that is one user message."""

    messages: Messages | None = None
    prompt: Text | None = None
    reference: Reference = Field(None, description="a good answer, which every answer is scored against (BERTSim)")
    expert: str | None = Field(None, description="the expert that answers; without it the router chooses")
    dataset: Name | None = Field(None, description="where the prompt comes from; reports are grouped by it")
    custom_id: Name | None = Field(None, description="your own id, which comes back with the answer")
    metadata: Metadata | None = None

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if (self.messages is None) == (self.prompt is None):
            raise refuse("messages", "or `prompt` is required: send one of the two")
        return self

    def new(self) -> NewPrompt:
        asked = [one.message() for one in self.messages or ()]
        return NewPrompt(
            messages=tuple(asked or [Message.model_construct(role="user", content=self.prompt or "")]),
            sampling=self.sampling(),
            reference=self.reference,
            dataset=self.dataset,
            expert=self.expert,
            custom_id=self.custom_id,
            details=self.metadata,
        )


def _all_or_names(experts: Any) -> Any:  # Any: not validated yet
    names = isinstance(experts, list) and experts and all(isinstance(one, str) for one in experts)
    if experts is None or experts == "all" or (names and len(set(experts)) == len(experts)):
        return experts
    raise ValueError('is "all" or a list of different names of experts')


Experts = Annotated[Literal["all"] | tuple[str, ...] | None, BeforeValidator(_all_or_names)]


class Treatment(Asked):
    """How a submission is treated, whatever is in it."""

    work_class: WorkClass | None = Field(
        None, alias="class", description="interactive (the default for one prompt) overtakes bulk (that for many)"
    )
    experts: Experts = Field(
        None, description='a collecting batch: every one of these answers every prompt; "all" are those enabled'
    )
    policy: Policy | None = Field(None, description=f"turns the router's predictions into a choice: {described()}")


class OnePrompt(AskedPrompt, Treatment):
    """A submission of one prompt."""

    def asked(self) -> tuple[AskedPrompt, ...]:
        return (self,)

    def named(self) -> Iterator[tuple[str, str]]:
        """The experts it names for single prompts, each with its field's path."""
        if self.expert is not None:
            yield "expert", self.expert


class ManyPrompts(Treatment):
    """A submission of many prompts."""

    prompts: Annotated[tuple[AskedPrompt, ...], Field(min_length=1)]
    metadata: Metadata | None = None

    def asked(self) -> tuple[AskedPrompt, ...]:
        return self.prompts

    def named(self) -> Iterator[tuple[str, str]]:
        """The same of many."""
        for place, one in enumerate(self.prompts):
            if one.expert is not None:
                yield f"prompts.{place}.expert", one.expert


AnySubmission = OnePrompt | ManyPrompts
