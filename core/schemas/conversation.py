"""What a caller asks: messages and sampling parameters. What a database could not hold is refused here."""

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def clean(text: str) -> str:
    """The text itself; ValueError where PostgreSQL or UTF-8 could not hold it, which would fail a whole bulk insert."""
    if "\x00" in text:
        raise ValueError("contains a NUL character (\\u0000), which no database here can store: remove it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"contains a lone surrogate (\\u{ord(text[error.start]):04x}) at character {error.start}: send Unicode"
        ) from error
    return text


def storable(text: str) -> str:
    """The text of an engine or a server, which nobody can be asked to send again: U+FFFD for what `clean` refuses."""
    return re.sub(r"[\x00\ud800-\udfff]", "\ufffd", text)


CleanText = Annotated[str, AfterValidator(clean)]

#: A good answer; a blank one is none, since nothing can be similar to it.
Reference = Annotated[CleanText | None, AfterValidator(lambda text: text if text and not text.isspace() else None)]


class Value(BaseModel):
    """A frozen value that refuses fields it doesn't know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Message(Value):
    role: Literal["system", "user", "assistant"]
    content: CleanText = Field(min_length=1)


class Sampling(Value):
    """How to draw the answer, by OpenAI's names; what is None is left to the expert's defaults."""

    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    stop: tuple[CleanText, ...] | None = Field(None, max_length=4)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)

    def over(self, defaults: "Sampling") -> "Sampling":
        """These parameters, with `defaults` where they say nothing."""
        return defaults.model_copy(update=self.model_dump(exclude_none=True))


class Completion(Value):
    """How to continue a text, where a prompt is no chat; OpenAI's names."""

    echo: bool = Field(False, description="give the text back before its continuation")
    logprobs: int | None = Field(None, ge=0, le=5, description="log-probabilities of this many likeliest tokens")
    echo_only: bool = Field(False, description="nothing but the echo: OpenAI's max_tokens of 0, which stands as 1 here")


def routing_text(messages: Sequence[Message]) -> str:
    """The one text a router sees of a conversation: collecting, training and serving all use this function.

    A single user message is its content and nothing else, so that outcomes files of plain prompts train a router
    for chats.
    """
    if len(messages) == 1:
        return messages[0].content
    return "\n\n".join(f"{message.role}: {message.content}" for message in messages)
