"""Read a file of prompts, a line at a time: `{"prompt" or "messages", "id"?, "reference"?, "dataset"?}`."""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ConfigDict, Field, ValidationError, model_validator

from core.errors import InvalidInputError
from core.schemas.conversation import CleanText, Message, Reference, Sampling, Value
from core.schemas.work import NewPrompt


class PromptLine(Value):
    """One line of a prompts file; further fields are for others and ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: CleanText | None = None
    prompt: CleanText | None = Field(None, min_length=1)
    messages: tuple[Message, ...] | None = Field(None, min_length=1)
    reference: Reference = None
    dataset: CleanText | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_question(cls, line: Any) -> Any:  # Any: not validated yet
        if isinstance(line, dict) and (line.get("prompt") is None) == (line.get("messages") is None):
            raise ValueError('needs either "prompt" (a text) or "messages" (a chat)')
        return line

    def question(self) -> tuple[Message, ...]:
        """The messages; a prompt is one message of the user's."""
        return self.messages or (Message(role="user", content=self.prompt or ""),)

    def new_prompt(self, sampling: Sampling | None = None) -> NewPrompt:
        """The prompt, as the store takes it; without `sampling` each expert's defaults hold."""
        return NewPrompt(
            messages=self.question(),
            sampling=sampling or Sampling(),
            reference=self.reference,
            dataset=self.dataset,
            custom_id=self.id,
        )

    def body(self) -> dict[str, Any]:  # Any: JSON
        """The prompt, as `POST /v1/prompts` takes it."""
        named = {"custom_id": self.id, "reference": self.reference, "dataset": self.dataset}
        messages = [message.model_dump() for message in self.question()]
        return {"messages": messages, **{name: value for name, value in named.items() if value is not None}}


Line = TypeVar("Line", bound=PromptLine)


def read(path: Path) -> Iterator[PromptLine]:
    """The lines of a prompts file, or of standard input for `-`; InvalidInputError names file and line."""
    return read_as(PromptLine, path)


def read_as(kind: type[Line], path: Path) -> Iterator[Line]:
    """The same with the further fields of a kind of line, one at a time, so that memory holds no file.

    A line ends at a newline and nowhere else: U+2028 and its like occur in real prompts.
    """
    try:
        source = nullcontext(sys.stdin) if str(path) == "-" else path.open(encoding="utf-8", newline="\n")
        with source as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _parsed(kind, path, number, line)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path}: can't be read: {error}") from error


def _parsed(kind: type[Line], path: Path, number: int, line: str) -> Line:
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the line"
        raise InvalidInputError(
            f'{path}:{number}: {field}: {first["msg"]}; a line looks like {{"prompt": "…", "reference": "…"}}'
        ) from error
