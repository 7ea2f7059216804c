"""What `torouter submit` was asked for. It is kept beside a submission, which may go on in another process."""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from core.schemas.conversation import Value
from core.schemas.experts import AUTO

Endpoint = Literal["/v1/chat/completions", "/v1/completions"]

CHAT: Final = "/v1/chat/completions"


class Format(StrEnum):
    """Of a source; each also in gzip."""

    #: JSON objects, one a line.
    JSON_LINES = "jsonl"
    #: With a header.
    CSV = "csv"
    PARQUET = "parquet"


class Columns(Value):
    """Columns, or keys of JSON lines, by what they hold; those not named go by the names of these fields."""

    prompt: str | None = None
    reference: str | None = None
    id: str | None = None
    dataset: str | None = None


class Options(Value):
    """How to read a source, what to ask for each line, and for all of them together."""

    format: Format | None = None
    columns: Columns = Columns()

    endpoint: Endpoint | None = None
    expert: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None

    all_experts: bool = False
    policy: str | None = None
    on_invalid: Literal["fail", "skip"] | None = None
    completion_window: str = "24h"
    metadata: Annotated[dict[str, str], Field(default_factory=dict)]

    @property
    def model(self) -> str | None:
        """The model of every line, whatever a line says itself; None where a line may say it."""
        return AUTO if self.all_experts else self.expert

    def sampling(self) -> dict[str, int | float]:
        """Parameters for lines that don't say them."""
        chosen = {"max_tokens": self.max_tokens, "temperature": self.temperature}
        return {name: value for name, value in chosen.items() if value is not None}

    def batch(self) -> dict[str, Any]:  # Any: JSON
        """Fields of the batch; those that ask for nothing are left out."""
        experts = "all" if self.all_experts else None
        asked = {"experts": experts, "policy": self.policy, "on_invalid": self.on_invalid}
        given = {name: value for name, value in asked.items() if value is not None}
        metadata = {"metadata": self.metadata} if self.metadata else {}
        return {"completion_window": self.completion_window, **given, **metadata}
