"""What is known of the data set that a prompt seems to come from, and how far the prompt itself says otherwise.

Experts differ far more between data sets than between the prompts of one, so the second part is shrunk hard: it is
learned from what the first leaves over, without what all experts share (a hard prompt is hard for everybody), once
from the embedding and once from the n-grams, each at half its weight.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import scipy.sparse
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression, Ridge

from router import clusters
from router.config import TrainConfig
from router.datasets import Part
from router.frozen import Arrays, HeadKind
from router.lexical import Lexical
from router.predictions import FloatArray, PredictionKind
from router.shrinkage import expert_means, shrunk_means

#: A data set with fewer training prompts is no topic of its own.
MIN_TOPIC: Final = 20

#: Clusters beside the recogniser, enough to cut its data sets up.
CLUSTERS: Final = 20

#: Penalties of the deviations; see docs/experiments.md.
EMBEDDING_PENALTY: Final = 100.0
LEXICAL_PENALTY: Final = 30.0

#: Inverse penalty of the recogniser, which is to be sure: 99.2 % of RouterDC's prompts at 100, 98.4 % at 1.
_RECOGNISER_C: Final = 100.0


class Prior(Protocol):
    """Expected qualities (n, m) from what kind of prompt it is."""

    def expected(self, rows: scipy.sparse.csr_matrix, vectors: FloatArray) -> FloatArray: ...

    def arrays(self) -> Arrays: ...


@dataclass(frozen=True, eq=False)
class Topics:
    """Recognises t data sets by their n-grams."""

    weights: FloatArray  # (FEATURES, t)
    intercepts: FloatArray  # (t,)
    means: FloatArray  # (t, m)

    def expected(self, rows: scipy.sparse.csr_matrix, vectors: FloatArray) -> FloatArray:  # noqa: ARG002  # as Prior's
        """The data sets' means, by how probable each is."""
        return np.asarray(softmax(rows @ self.weights + self.intercepts, axis=1) @ self.means)

    def arrays(self) -> Arrays:
        return {"topic_weights": self.weights, "topic_intercepts": self.intercepts, "topic_means": self.means}


@dataclass(frozen=True, eq=False)
class Kinds:
    """Clusters of embeddings, where the rows name no data sets."""

    clusters: clusters.Clusters

    def expected(self, rows: scipy.sparse.csr_matrix, vectors: FloatArray) -> FloatArray:  # noqa: ARG002  # as Prior's
        return self.clusters.predict((), vectors)

    def arrays(self) -> Arrays:
        return self.clusters.arrays()


@dataclass(frozen=True, eq=False)
class Both:
    """The mean of the two: what of an unknown data set is taken for a known one still lies in a cluster."""

    topics: Topics
    kinds: Kinds

    def expected(self, rows: scipy.sparse.csr_matrix, vectors: FloatArray) -> FloatArray:
        return (self.topics.expected(rows, vectors) + self.kinds.expected(rows, vectors)) / 2

    def arrays(self) -> Arrays:
        return {**self.topics.arrays(), **self.kinds.arrays()}


@dataclass(frozen=True, eq=False)
class Blend:
    """A prior, and a deviation from it that is linear in the embedding and in the n-grams."""

    prior: Prior
    lexical: Lexical
    by_vector: FloatArray  # (d, m)
    by_ngram: FloatArray  # (FEATURES, m)

    prediction = PredictionKind.QUALITIES

    def predict(self, texts: Sequence[str], vectors: FloatArray) -> FloatArray:
        """Expected qualities (n, m)."""
        rows = self.lexical.transform(texts)
        deviation = (vectors @ self.by_vector + rows @ self.by_ngram) / 2
        return np.asarray(self.prior.expected(rows, vectors) + deviation)

    def arrays(self) -> Arrays:
        own = {"idf": self.lexical.idf, "by_vector": self.by_vector, "by_ngram": self.by_ngram}
        return {**own, **self.prior.arrays()}


def _fit(part: Part, vectors: FloatArray, config: TrainConfig) -> Blend:
    lexical, rows = Lexical.fit(part.texts)
    prior = _prior(part, rows, vectors, config)
    left = part.qualities - prior.expected(rows, vectors)
    left = np.nan_to_num(left - np.nanmean(left, axis=1, keepdims=True))  # an absent expert is as expected
    by_vector = Ridge(alpha=EMBEDDING_PENALTY, fit_intercept=False).fit(vectors, left).coef_.T
    by_ngram = Ridge(alpha=LEXICAL_PENALTY, fit_intercept=False, solver="sparse_cg", tol=1e-3).fit(rows, left).coef_.T
    return Blend(prior, lexical, by_vector, by_ngram)


def _prior(part: Part, rows: scipy.sparse.csr_matrix, vectors: FloatArray, config: TrainConfig) -> Prior:
    topics = _topics(part, rows, config)
    wanted = config if topics is None else config.model_copy(update={"clusters": CLUSTERS})
    kinds = Kinds(clusters.fit(part, vectors, wanted))
    return kinds if topics is None else Both(topics, kinds)


def _topics(part: Part, rows: scipy.sparse.csr_matrix, config: TrainConfig) -> Topics | None:
    """A recogniser of the data sets that are large enough; None where there is nothing to tell apart."""
    names = [name for name, count in sorted(Counter(part.datasets).items()) if count >= MIN_TOPIC]
    if len(names) < 2:  # noqa: PLR2004  # one from another
        return None
    datasets = np.array(part.datasets, dtype=object)
    known = np.isin(datasets, names)
    found = LogisticRegression(C=_RECOGNISER_C, max_iter=200, random_state=config.seed % 2**32)
    found.fit(rows[known], datasets[known].astype(str))
    prior = expert_means(part.qualities)
    means = [shrunk_means(part.qualities[datasets == name], prior, axis=0) for name in names]
    weights, intercepts = found.coef_, found.intercept_
    if len(weights) == 1:  # of two classes scikit-learn keeps the second one's alone; the first one's are 0
        weights, intercepts = np.vstack([0 * weights, weights]), np.append(0.0, intercepts)
    return Topics(weights.T, intercepts, np.array(means))


def _of(arrays: Arrays) -> Blend:
    prior: Prior = Kinds(clusters.of(arrays))
    if "topic_means" in arrays:
        topics = Topics(arrays["topic_weights"], arrays["topic_intercepts"], arrays["topic_means"])
        prior = Both(topics, Kinds(clusters.of(arrays)))
    return Blend(prior, Lexical(arrays["idf"]), arrays["by_vector"], arrays["by_ngram"])


KIND: Final = HeadKind("blend", _fit, _of)
