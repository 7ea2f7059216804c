"""Clusters of embeddings: each expert's mean quality in a prompt's cluster, averaged over several clusterings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.cluster import KMeans

from router.config import TrainConfig
from router.datasets import Part
from router.frozen import Arrays, HeadKind
from router.predictions import FloatArray, IntArray, PredictionKind
from router.shrinkage import expert_means, shrunk_means

#: Clusterings from other starts: where one cuts through a topic by chance, the others don't.
RUNS: Final = 10


@dataclass(frozen=True, eq=False)
class Clusters:
    """r clusterings into c clusters each, and what is known of every expert in each."""

    centres: FloatArray  # (r, c, d)
    means: FloatArray  # (r, c, m)

    prediction = PredictionKind.QUALITIES

    def predict(self, texts: Sequence[str], vectors: FloatArray) -> FloatArray:  # noqa: ARG002  # as every head's
        """Expected qualities (n, m)."""
        found = [means[_closest(vectors, centres)] for centres, means in zip(self.centres, self.means, strict=True)]
        return np.asarray(np.mean(found, axis=0))

    def arrays(self) -> Arrays:
        return {"centres": self.centres, "means": self.means}


def fit(part: Part, vectors: FloatArray, config: TrainConfig) -> Clusters:
    """Cluster the vectors, and shrink each cluster's means towards those over all prompts."""
    count = min(config.clusters, len(np.unique(vectors, axis=0)))  # prompts may repeat, or all say nothing
    prior = expert_means(part.qualities)
    centres, means = [], []
    for run in range(RUNS):
        found = KMeans(count, n_init=1, max_iter=50, random_state=(config.seed + run) % 2**32).fit(vectors)
        centres.append(found.cluster_centers_)
        members = [part.qualities[found.labels_ == cluster] for cluster in range(count)]
        means.append([shrunk_means(qualities, prior, axis=0) for qualities in members])
    return Clusters(np.array(centres), np.array(means))


def of(arrays: Arrays) -> Clusters:
    """The clusters that `Clusters.arrays` stored."""
    return Clusters(arrays["centres"], arrays["means"])


def _closest(vectors: FloatArray, centres: FloatArray) -> IntArray:
    distance = (centres**2).sum(axis=1) - 2 * vectors @ centres.T
    return np.asarray(distance.argmin(axis=1))


KIND: Final = HeadKind("clusters", fit, of)
