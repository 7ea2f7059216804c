"""What all requests share: objects that refuse unknown fields helpfully, sampling parameters, messages, metadata."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from api.http.errors import printable
from core.schemas.conversation import Message, Sampling, clean

# Pydantic refuses a lone surrogate too, where a length is asked for, but can't say what it is; so ours looks first.
Storable = BeforeValidator(lambda value: clean(value) if isinstance(value, str) else value)
Text = Annotated[str, Field(min_length=1), Storable]
Name = Annotated[str, Field(min_length=1, max_length=256), Storable]

#: As OpenAI's: at most 16 pairs, of 64 and 512 characters.
Metadata = Annotated[
    dict[
        Annotated[str, Field(max_length=64), Storable],
        Annotated[str, Field(max_length=512), Storable],
    ],
    Field(max_length=16, description="up to 16 pairs of text that come back with the answer"),
]


def refuse(field: str, message: str) -> PydanticCustomError:
    """An error of one field, raised by a validator that stands above it."""
    return PydanticCustomError("refused", "{message}", {"field": printable(field), "message": printable(message)})


class Asked(BaseModel):
    """An object of a request. A field that it doesn't know is refused by name, with the nearest one that it knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Fields of OpenAI's that nothing here does, with the values that ask for nothing; any other is refused by name.
    neutral: ClassVar[Mapping[str, Collection[Any]]] = {}  # Any: JSON
    #: Fields that change no answer, whatever they say.
    ignored: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _only_known(cls, data: Any) -> Any:  # Any: not validated yet
        if not isinstance(data, dict):
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()}
        for name in (name for name in data if name not in known and name not in cls.ignored):
            if name not in cls.neutral:
                raise refuse(name, f"is not known here: {_nearest(name, known)}")
            if data[name] not in cls.neutral[name]:
                raise refuse(name, "is not supported here: leave it out")
        return {name: value for name, value in data.items() if name in known}


class Parameters(Asked, Sampling):
    """Sampling parameters by OpenAI's names; those left out are the expert's defaults."""

    max_completion_tokens: int | None = Field(None, ge=1, description="OpenAI's newer name of `max_tokens`")
    stop: Annotated[
        tuple[Text, ...] | None,
        BeforeValidator(lambda stop: [stop] if isinstance(stop, str) else stop, json_schema_input_type=str | list[str]),
    ] = Field(None, max_length=4, description="text, or up to four, before which the answer ends")

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if None not in (self.max_tokens, self.max_completion_tokens) and self.max_tokens != self.max_completion_tokens:
            raise refuse("max_tokens", "differs from `max_completion_tokens`, which means the same: send one of them")
        return self

    def sampling(self) -> Sampling:
        chosen = {name: getattr(self, name) for name in Sampling.model_fields}
        chosen["max_tokens"] = self.max_tokens or self.max_completion_tokens
        return Sampling.model_construct(**chosen)


class TextPart(BaseModel):
    """The one kind of content part that is taken."""

    type: Literal["text"]
    text: str


def joined(content: Any) -> Any:  # Any: not validated yet
    """A list of text parts as one text, joined by line ends as vLLM's own server does."""
    if not isinstance(content, list):
        return content
    for place, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else type(part).__name__
        if kind != "text":
            raise refuse(str(place), f"a content part of type {str(kind)[:40]!r} is not supported: send text")
        if not isinstance(part.get("text"), str):
            raise refuse(f"{place}.text", "is required, and is text")
    return "\n".join(part["text"] for part in content)


class AskedMessage(Asked):
    """One message. `developer` is what newer OpenAI models call `system`."""

    # A message that OpenAI's client got is sent back as it is.
    neutral: ClassVar[Mapping[str, Collection[Any]]] = {  # Any: as above
        "name": (None,),
        "refusal": (None,),
        "audio": (None,),
        "function_call": (None,),
        "tool_calls": (None, []),
        "annotations": (None, []),
    }

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[Text, BeforeValidator(joined, json_schema_input_type=str | list[TextPart])]

    def message(self) -> Message:
        return Message.model_construct(role="system" if self.role == "developer" else self.role, content=self.content)


Messages = Annotated[tuple[AskedMessage, ...], Field(min_length=1)]


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name[:100], known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"known are {', '.join(sorted(known))}"
