"""What a router says of a batch of prompts, and the one method that makes something a router.

It knows nothing of how a prediction is made (the router modules) or used (`router.policies`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


class PredictionKind(StrEnum):
    """What the numbers of a prediction mean; a policy that needs one kind refuses the other."""

    QUALITIES = "qualities"  # expected quality of each expert's answer, 0..1
    PROBABILITIES = "probabilities"  # that the expert is the best one; rows sum to 1


@dataclass(frozen=True, eq=False)  # arrays have no one truth value to compare by
class Predictions:
    """How well each expert would do on each prompt, in the order of the prompts.

    `values` is (n prompts, m experts); column j belongs to `experts[j]`. A value that is not finite is no
    prediction: a policy never chooses it. ValueError where the shape does not fit, since that is a router's bug.
    """

    experts: tuple[str, ...]
    values: FloatArray
    kind: PredictionKind

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.experts):  # noqa: PLR2004 - rows and columns
            raise ValueError(f"values of shape {self.values.shape} do not fit {len(self.experts)} experts: want (n, m)")

    def __len__(self) -> int:
        return len(self.values)


class Router(Protocol):
    """Predicts how well each expert would answer. One process holds one router at a time.

    A prompt's prediction does not depend on the others in the call (beyond the rounding of half precision), so a
    caller may gather as many as it likes; the router cuts them into batches itself. No prompts give shape (0, m).
    """

    @property
    def experts(self) -> tuple[str, ...]: ...

    def predict(self, prompts: Sequence[str]) -> Predictions: ...
