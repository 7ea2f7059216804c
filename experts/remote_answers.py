"""What a server elsewhere has answered, as far as it is used: by models of our own, which believe nothing.

The client's objects hold whatever a server sent, of any type: a count of tokens that is a text, or larger than a
database holds, would fail the results that are stored with it.
"""

import json
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from core.errors import GenerationError

#: Tokens, as a column holds them.
Count = Annotated[int, Field(ge=0, lt=2**31)]

#: Minus infinity is one, for a token that could not be; infinity and NaN are none.
LogProbability = Annotated[float, Field(lt=float("inf"))]


class Usage(BaseModel):
    prompt_tokens: Count
    completion_tokens: Count


class Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    finish_reason: str | None = None
    logprobs: Any = None  # Any: servers fill it as they like


class ChatChoice(_Choice):
    message: Message


class TextChoice(_Choice):
    text: str | None = None


class Chat(BaseModel):
    """An answer to a chat."""

    choices: list[ChatChoice] | None = None
    usage: Usage | None = None


class Text(BaseModel):
    """An answer to a completion."""

    choices: list[TextChoice] | None = None
    usage: Usage | None = None


AnyAnswer = TypeVar("AnyAnswer", bound=BaseModel)


class _Weighed(BaseModel):
    logprob: LogProbability


class _Tokens(BaseModel):
    content: list[_Weighed] = []


def read(kind: type[AnyAnswer], body: bytes, where: str) -> AnyAnswer:
    """The answer of a server, `where`; GenerationError for a body that is none."""
    try:
        return kind.model_validate(json.loads(body))
    except ValidationError as error:
        first = error.errors()[0]
        told = f"{'.'.join(map(str, first['loc'])) or 'the body'}: {first['msg']}"
        raise GenerationError(f"{where} answered what can't be read: {told}") from error
    except (ValueError, RecursionError) as error:
        raise GenerationError(f"{where} answered what is no JSON: {error}") from error


def logprobs_of(choice: ChatChoice) -> list[float]:
    """Of the tokens of a chat's answer; none where they can't be read."""
    try:
        return [one.logprob for one in _Tokens.model_validate(choice.logprobs or {}).content]
    except ValidationError:
        return []
