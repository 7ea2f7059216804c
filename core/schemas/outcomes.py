"""What routers learn from: how each expert did on a prompt. What a source doesn't say is absent, never 0."""

from pydantic import BaseModel, ConfigDict, Field


class Outcome(BaseModel):
    """One expert's result on one prompt. Further numeric fields are allowed: any of them can be the quality."""

    model_config = ConfigDict(frozen=True, extra="allow")

    score: float | None = Field(None, ge=0, le=1)
    bertsim: float | None = None
    nll: float | None = None  # nats per token of the reference, as the expert sees it
    nll_answer: float | None = None  # nats per token of its own answer
    latency_s: float | None = Field(None, ge=0)  # inference time, queueing left out
    input_tokens: int | None = Field(None, ge=0)
    output_tokens: int | None = Field(None, ge=0)
    cost: float | None = Field(None, ge=0)  # US$ for this call
    truncated: float | None = Field(None, ge=0, le=1)  # 1: the answer ended at its most tokens; 0: by itself

    def value(self, column: str) -> float | None:
        """A named quantity, or None where this outcome does not carry it."""
        found = getattr(self, column, None)
        return float(found) if isinstance(found, int | float) else None


class OutcomeRow(BaseModel):
    """One line of an outcomes file: a prompt and what every expert asked made of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    dataset: str = "default"
    prompt: str
    reference: str | None = None
    outcomes: dict[str, Outcome]
