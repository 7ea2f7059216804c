"""A text to be continued, as OpenAI's legacy clients and evaluation harnesses send it."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, StrictInt, model_validator

from api.http.chat_request import NOTHING
from api.http.fields import Parameters, Text, refuse
from core.schemas.conversation import Completion, Sampling
from core.schemas.experts import AUTO

#: Texts of one request; somebody waits for them all.
MOST_TEXTS = 128

#: Tokens of an answer where nothing is said: OpenAI's number.
MAX_TOKENS = 16


def _texts(prompt: Any) -> Any:  # Any: not validated yet
    """One text as a list of one. Token ids are refused: they belong to one model's tokenizer."""
    if isinstance(prompt, list) and any(isinstance(one, int | list) for one in prompt):
        raise ValueError(
            "token ids belong to one model's tokenizer, and several answer here: send text "
            "(in lm-eval: tokenized_requests=False)"
        )
    return [prompt] if isinstance(prompt, str) else prompt


class CompletionRequest(Parameters):
    """The body of `POST /v1/completions`."""

    neutral: ClassVar[Mapping[str, Collection[Any]]] = {  # Any: JSON
        "stream": (None, False),
        "stream_options": (None,),
        "n": (None, 1),
        "best_of": (None, 1),
        "suffix": (None, ""),
        "logit_bias": NOTHING,
    }
    ignored: ClassVar[frozenset[str]] = frozenset({"user"})

    model: Text = Field(AUTO, description="`auto` lets the router choose, `auto:POLICY` names a policy, else an expert")
    prompt: Annotated[tuple[Text, ...], BeforeValidator(_texts, json_schema_input_type=str | list[str])] = Field(
        min_length=1, max_length=MOST_TEXTS, description="a text, or a list of texts, to be continued as they stand"
    )
    max_tokens: int | None = Field(
        None, ge=0, description=f"tokens of a continuation, {MAX_TOKENS} unless set; 0 only with `echo`"
    )
    echo: bool | None = Field(None, description="give each text back before its continuation")
    logprobs: StrictInt | None = Field(  # true and false are chat's
        None, ge=0, le=5, description="give tokens with their log-probabilities, and this many likeliest ones of each"
    )

    @model_validator(mode="after")
    def _something_to_answer(self) -> Self:
        if self.max_tokens == 0 and not self.echo:
            raise refuse("max_tokens", "is 0, which leaves nothing to answer: that goes only with `echo`")
        return self

    def sampling(self) -> Sampling:
        said = super().sampling()
        return said.model_copy(update={"max_tokens": 1 if self.max_tokens == 0 else said.max_tokens or MAX_TOKENS})

    def completion(self) -> Completion:
        """How each text is continued."""
        return Completion(echo=bool(self.echo), logprobs=self.logprobs, echo_only=self.max_tokens == 0)
