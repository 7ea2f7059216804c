"""Nearest neighbours: 1NN of arXiv 2408.12320, and the mean over k of them, with k tuned."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from router.config import TrainConfig
from router.datasets import Part
from router.frozen import Arrays, HeadKind
from router.labels import Reading, soft_labels
from router.predictions import FloatArray, IntArray, PredictionKind
from router.shrinkage import expert_means, shrunk_means

#: Numbers of neighbours to choose from; published routers are best between 10 and 200.
NEIGHBOURS: Final = (5, 10, 20, 50, 100, 200, 400)

#: Similarities held at once: 64 MB.
_BLOCK: Final = 8_000_000


@dataclass(frozen=True, eq=False)
class Nearest:
    """The mean of what the `k` most similar training prompts say, shrunk to each expert's mean over all of them."""

    vectors: FloatArray  # (n, d), of length 1
    values: FloatArray  # (n, m); NaN where an expert is absent
    k: int

    prediction = PredictionKind.QUALITIES

    def predict(self, texts: Sequence[str], vectors: FloatArray) -> FloatArray:  # noqa: ARG002  # as every head's
        """Expected qualities (n, m)."""
        found = np.empty((len(vectors), self.values.shape[1]))
        for rows, similar in _similarities(vectors, self.vectors):
            found[rows] = shrunk_means(self.values[_top(similar, self.k)], self._prior, axis=1)
        return found

    def arrays(self) -> Arrays:
        return {"vectors": self.vectors.astype(np.float32), "values": self.values, "k": np.array([self.k])}

    @cached_property
    def _prior(self) -> FloatArray:
        return expert_means(self.values)


@dataclass(frozen=True, eq=False)
class Single:
    """The best expert of the most similar training prompt; several that tie share."""

    vectors: FloatArray  # (n, d), of length 1
    labels: FloatArray  # (n, m), rows that sum to 1

    prediction = PredictionKind.PROBABILITIES

    def predict(self, texts: Sequence[str], vectors: FloatArray) -> FloatArray:  # noqa: ARG002  # as every head's
        """Probabilities (n, m)."""
        found = np.empty((len(vectors), self.labels.shape[1]))
        for rows, similar in _similarities(vectors, self.vectors):
            found[rows] = self.labels[similar.argmax(axis=1)]
        return found

    def arrays(self) -> Arrays:
        return {"vectors": self.vectors.astype(np.float32), "labels": self.labels}


def _of(arrays: Arrays) -> Nearest:
    return Nearest(arrays["vectors"].astype(np.float64), arrays["values"], int(arrays["k"].item()))


def _single_of(arrays: Arrays) -> Single:
    return Single(arrays["vectors"].astype(np.float64), arrays["labels"])


def _fit_single(part: Part, vectors: FloatArray, config: TrainConfig) -> Single:  # noqa: ARG001  # as every head's
    return Single(vectors, soft_labels(part.qualities, 1.0, Reading.HARD))


def _fit_mean(part: Part, vectors: FloatArray, config: TrainConfig) -> Nearest:  # noqa: ARG001  # as every head's
    """The k whose choices are best on the training prompts, each left out of its own neighbours."""
    candidates = [k for k in NEIGHBOURS if k < len(vectors)] or [len(vectors)]
    totals = np.zeros(len(candidates))
    prior = expert_means(part.qualities)
    for rows, similar in _similarities(vectors, vectors):
        similar[np.arange(len(rows)), rows] = -np.inf
        nearest = _top(similar, candidates[-1])
        order = np.take_along_axis(similar, nearest, axis=1).argsort(axis=1)[:, ::-1]
        nearest = np.take_along_axis(nearest, order, axis=1)
        for at, k in enumerate(candidates):
            chosen = shrunk_means(part.qualities[nearest[:, :k]], prior, axis=1).argmax(axis=1)
            totals[at] += np.nansum(part.qualities[rows, chosen])
    return Nearest(vectors, part.qualities, candidates[int(totals.argmax())])


def _similarities(vectors: FloatArray, known: FloatArray) -> Iterator[tuple[IntArray, FloatArray]]:
    """Rows of `vectors` and their similarity to every known vector, as many rows at a time as memory allows."""
    step = max(1, _BLOCK // len(known))
    for start in range(0, len(vectors), step):
        rows = np.arange(start, min(start + step, len(vectors)))
        yield rows, vectors[rows] @ known.T


def _top(similar: FloatArray, k: int) -> IntArray:
    """Columns of the k highest values of each row (n, k), in no order."""
    if k >= similar.shape[1]:
        return np.tile(np.arange(similar.shape[1]), (len(similar), 1))
    return np.asarray(np.argpartition(-similar, k - 1, axis=1)[:, :k])


ONE: Final = HeadKind("1nn", _fit_single, _single_of)
MEAN: Final = HeadKind("knn", _fit_mean, _of)
