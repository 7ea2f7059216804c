"""Which character n-grams a text holds: they tell its format and language, where an encoder sees the topic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize

from router.predictions import FloatArray

#: N-grams are told apart by a hash, so that there is no vocabulary to store and no n-gram that is unknown.
FEATURES: Final = 2**16
_NGRAMS: Final = (1, 4)
#: Longer texts say no more about what they are, and take time.
_CHARACTERS: Final = 2000


@dataclass(frozen=True, eq=False)
class Lexical:
    """Texts to sparse rows of length 1: damped counts of n-grams, rare ones weighing more (tf-idf)."""

    idf: FloatArray  # (FEATURES,)

    @classmethod
    def fit(cls, texts: Sequence[str]) -> tuple[Self, scipy.sparse.csr_matrix]:
        """The weights of these texts, and their rows."""
        counts = _counts(texts)
        frequency = np.bincount(counts.indices, minlength=FEATURES)
        fitted = cls(np.log((1 + len(texts)) / (1 + frequency)) + 1)
        return fitted, fitted._weighted(counts)

    def transform(self, texts: Sequence[str]) -> scipy.sparse.csr_matrix:
        """Rows (n, FEATURES) in the order of the texts."""
        return self._weighted(_counts(texts))

    def _weighted(self, counts: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
        rows = counts @ scipy.sparse.diags(self.idf)
        return normalize(rows, copy=False) if rows.shape[0] else rows  # it refuses to do nothing


def hashed(texts: Sequence[str], vectorizer: HashingVectorizer) -> scipy.sparse.csr_matrix:
    """What the vectorizer counts in each text, in their order; it refuses no texts at all, which are no rows here."""
    if not texts:
        return scipy.sparse.csr_matrix((0, vectorizer.n_features))
    return vectorizer.transform(texts).tocsr()


def _counts(texts: Sequence[str]) -> scipy.sparse.csr_matrix:
    ngrams = HashingVectorizer(
        analyzer="char_wb", ngram_range=_NGRAMS, n_features=FEATURES, alternate_sign=False, norm=None
    )
    counts = hashed([text[:_CHARACTERS] for text in texts], ngrams)
    counts.data = 1 + np.log(counts.data)
    return counts
