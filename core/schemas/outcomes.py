"""What routers learn from: how each expert did on a prompt. What a source doesn't say is absent, never 0."""

import math
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Outcome(BaseModel):
    """One expert's result on one prompt. Further numeric fields are allowed: any of them can be the quality.

    A number that isn't finite is absent too.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    score: float | None = Field(None, ge=0, le=1)
    bertsim: float | None = None
    nll: float | None = None  # nats per token of the reference, as the expert sees it
    nll_answer: float | None = None  # nats per token of its own answer
    latency_s: float | None = Field(None, ge=0)  # inference time, queueing left out
    input_tokens: int | None = Field(None, ge=0)
    output_tokens: int | None = Field(None, ge=0)
    cost: float | None = Field(None, ge=0)  # US$ for this call
    truncated: float | None = Field(None, ge=0, le=1)  # 1: the answer ended at its most tokens; 0: by itself

    @model_validator(mode="before")
    @classmethod
    def _only_finite(cls, given: Any) -> Any:  # Any: not validated yet
        return {name: one for name, one in given.items() if _is_finite(one)} if isinstance(given, dict) else given

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


def _is_finite(value: Any) -> bool:  # Any: as above
    """False for a number that no float can be; whatever else it is, its field looks at it."""
    try:
        return not isinstance(value, int | float) or math.isfinite(value)
    except OverflowError:
        return False
