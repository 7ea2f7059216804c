"""Nearest neighbours: 1NN of arXiv 2408.12320, and the mean over k of them, with k tuned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from router.config import TrainConfig
from router.datasets import Part
from router.frozen import Arrays, HeadKind
from router.labels import Reading, soft_labels
from router.predictions import FloatArray, IntArray, PredictionKind

#: Numbers of neighbours to choose from; published routers are best between 10 and 200.
NEIGHBOURS: Final = (5, 10, 20, 50, 100, 200, 400)

#: Similarities held at once: 64 MB.
_BLOCK: Final = 8_000_000


@dataclass(frozen=True, eq=False)
class Nearest:
    """The mean of what the `k` most similar training prompts say, each expert over those that have it."""

    vectors: FloatArray  # (n, d), of length 1
    values: FloatArray  # (n, m); NaN where an expert is absent
    k: int
    prediction: PredictionKind

    def predict(self, texts: Sequence[str], vectors: FloatArray) -> FloatArray:  # noqa: ARG002  # as every head's
        """Means (n, m); NaN where no neighbour has the expert."""
        found = np.full((len(vectors), self.values.shape[1]), np.nan)
        step = max(1, _BLOCK // len(self.vectors))
        for start in range(0, len(vectors), step):
            similar = vectors[start : start + step] @ self.vectors.T
            found[start : start + step] = _means(self.values[_top(similar, self.k)])
        return found

    def arrays(self) -> Arrays:
        kinds = tuple(PredictionKind)
        settings = np.array([self.k, kinds.index(self.prediction)])
        return {"vectors": self.vectors.astype(np.float32), "values": self.values, "settings": settings}


def _of(arrays: Arrays) -> Nearest:
    k, kind = map(int, arrays["settings"])
    return Nearest(arrays["vectors"].astype(np.float64), arrays["values"], k, tuple(PredictionKind)[kind])


def _fit_one(part: Part, vectors: FloatArray, config: TrainConfig) -> Nearest:  # noqa: ARG001  # as every head's
    labels = soft_labels(part.qualities, 1.0, Reading.HARD)
    return Nearest(vectors, labels, 1, PredictionKind.PROBABILITIES)


def _fit_mean(part: Part, vectors: FloatArray, config: TrainConfig) -> Nearest:  # noqa: ARG001  # as every head's
    """The k whose choices are best on the training prompts, each left out of its own neighbours."""
    candidates = [k for k in NEIGHBOURS if k < len(vectors)] or [len(vectors)]
    totals = np.zeros(len(candidates))
    step = max(1, _BLOCK // len(vectors))
    for start in range(0, len(vectors), step):
        rows = np.arange(start, min(start + step, len(vectors)))
        similar = vectors[rows] @ vectors.T
        similar[np.arange(len(rows)), rows] = -np.inf
        nearest = _top(similar, candidates[-1])
        order = np.take_along_axis(similar, nearest, axis=1).argsort(axis=1)[:, ::-1]
        nearest = np.take_along_axis(nearest, order, axis=1)
        for at, k in enumerate(candidates):
            means = _means(part.qualities[nearest[:, :k]])
            chosen = np.where(np.isnan(means), -np.inf, means).argmax(axis=1)
            totals[at] += np.nansum(part.qualities[rows, chosen])
    return Nearest(vectors, part.qualities, candidates[int(totals.argmax())], PredictionKind.QUALITIES)


def _top(similar: FloatArray, k: int) -> IntArray:
    """Columns of the k highest values of each row (n, k), in no order."""
    if k >= similar.shape[1]:
        return np.tile(np.arange(similar.shape[1]), (len(similar), 1))
    return np.asarray(np.argpartition(-similar, k - 1, axis=1)[:, :k])


def _means(values: FloatArray) -> FloatArray:
    """Means over the neighbours: (n, k, m) to (n, m), NaN where none has the expert."""
    present = ~np.isnan(values)
    counts = present.sum(axis=1)
    sums = np.where(present, values, 0.0).sum(axis=1)
    means: FloatArray = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return means


ONE: Final = HeadKind("1nn", _fit_one, _of)
MEAN: Final = HeadKind("knn", _fit_mean, _of)
