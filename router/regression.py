"""Per-expert regression heads on a frozen encoder: ridge, so that one prompt's luck moves little."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.linear_model import RidgeCV

from router.config import TrainConfig
from router.datasets import Part
from router.frozen import Arrays, HeadKind
from router.predictions import FloatArray, PredictionKind
from router.shrinkage import expert_means

#: Penalties to choose from, by the squared error on each prompt left out.
PENALTIES: Final = (3.0, 10.0, 30.0, 100.0, 300.0)

#: An expert with fewer prompts than this is expected to be as good as it was on average.
MIN_PROMPTS: Final = 10


@dataclass(frozen=True, eq=False)
class Regression:
    """A linear function of the vector for each expert."""

    weights: FloatArray  # (d, m)
    intercepts: FloatArray  # (m,)

    prediction = PredictionKind.QUALITIES

    def predict(self, texts: Sequence[str], vectors: FloatArray) -> FloatArray:  # noqa: ARG002  # as every head's
        """Expected qualities (n, m); those near the ends may leave 0..1."""
        return np.asarray(vectors @ self.weights + self.intercepts)

    def arrays(self) -> Arrays:
        return {"weights": self.weights, "intercepts": self.intercepts}


def _fit(part: Part, vectors: FloatArray, config: TrainConfig) -> Regression:  # noqa: ARG001  # as every head's
    experts = part.qualities.shape[1]
    weights, intercepts = np.zeros((vectors.shape[1], experts)), expert_means(part.qualities)
    for expert in range(experts):
        present = part.present[:, expert]
        if present.sum() >= MIN_PROMPTS:
            found = RidgeCV(PENALTIES).fit(vectors[present], part.qualities[present, expert])
            weights[:, expert], intercepts[expert] = found.coef_, found.intercept_
    return Regression(weights, intercepts)


def _of(arrays: Arrays) -> Regression:
    return Regression(arrays["weights"], arrays["intercepts"])


KIND: Final = HeadKind("heads", _fit, _of)
