"""What a router says of a batch of prompts, and the one method that makes something a router.

It knows nothing of how a prediction is made (the router modules) or used (`router.policies`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


class PredictionKind(StrEnum):
    """What the numbers of a prediction mean; a policy that weighs costs weighs them in the same unit."""

    QUALITIES = "qualities"  # expected quality of each expert's answer, 0..1
    PROBABILITIES = "probabilities"  # that the expert is the best one; rows sum to 1


@dataclass(frozen=True, eq=False)  # arrays have no one truth value to compare by
class Spending:
    """What an answer of each expert should take, (n, m) each; NaN where no outcome carried it."""

    cost_usd: FloatArray  # of the call
    latency_s: FloatArray  # of inference alone
    output_tokens: FloatArray

    def of(self, rows: IntArray) -> "Spending":
        return Spending(self.cost_usd[rows], self.latency_s[rows], self.output_tokens[rows])


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a router said of v prompts that it had not been trained on, and what came true: (v, m) each."""

    values: FloatArray
    qualities: FloatArray  # NaN where absent
    baseline: int  # column of the expert that was the best single one in training


@dataclass(frozen=True, eq=False)
class Predictions:
    """How well each expert would do on each prompt, in the order of the prompts.

    `values` is (n prompts, m experts); column j belongs to `experts[j]`. A value that is not finite is no
    prediction: a policy never chooses it. `spending` and `calibration` are there where the router's training data
    said enough. ValueError where the shape does not fit, since that is a router's bug.
    """

    experts: tuple[str, ...]
    values: FloatArray
    kind: PredictionKind
    spending: Spending | None = None
    calibration: Calibration | None = None
    #: The prompts' vectors (n, d) in standard deviations from the mean of the training prompts', where those are known.
    deviations: FloatArray | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.experts):  # noqa: PLR2004 - rows and columns
            raise ValueError(f"values of shape {self.values.shape} do not fit {len(self.experts)} experts: want (n, m)")

    def __len__(self) -> int:
        return len(self.values)

    def of(self, rows: IntArray) -> Self:
        """The predictions of some of the prompts."""
        spending = self.spending and self.spending.of(rows)
        deviations = None if self.deviations is None else self.deviations[rows]
        return type(self)(self.experts, self.values[rows], self.kind, spending, self.calibration, deviations)


class Router(Protocol):
    """Predicts how well each expert would answer. One process holds one router at a time.

    A prompt's prediction does not depend on the others in the call (beyond the rounding of half precision), so a
    caller may gather as many as it likes; the router cuts them into batches itself. No prompts give shape (0, m).
    """

    @property
    def experts(self) -> tuple[str, ...]: ...

    def predict(self, prompts: Sequence[str]) -> Predictions: ...
