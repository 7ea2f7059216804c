"""BERTSim: how close an answer is to its reference, by the embeddings of a BERT encoder (arXiv 2408.12320)."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidInputError
from router.predictions import FloatArray


class TextEncoder(Protocol):
    """What gives each text a vector of length 1 (n, d); `router.encoder.Encoder` is one."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


def bertsim(answers: Sequence[str], references: Sequence[str], encoder: TextEncoder) -> FloatArray:
    """Cosine of the embeddings of each answer and its reference, clipped to 0..1; shape (n,).

    An empty answer (or white space) scores 0 by definition. InvalidInputError for an empty reference, to which
    nothing can be similar. Load the encoder with `device.exact()`: these numbers are compared and reported.
    """
    if len(answers) != len(references):
        raise InvalidInputError(f"{len(answers)} answers and {len(references)} references: want one reference for each")
    empty = [i for i, reference in enumerate(references) if not reference.strip()]
    if empty:
        raise InvalidInputError(
            f"{len(empty)} references are empty, the first at {empty[0]}: leave those prompts unscored"
        )
    # One call over all texts, each once: references repeat, one for every expert that answered.
    texts = list(dict.fromkeys([*answers, *references]))
    vectors = dict(zip(texts, encoder.embed(texts).astype(np.float64), strict=True))
    pairs = zip(answers, references, strict=True)
    return np.array([_similarity(answer, vectors[answer], vectors[reference]) for answer, reference in pairs])


def _similarity(answer: str, first: FloatArray, second: FloatArray) -> float:
    return float(np.clip(first @ second, 0, 1)) if answer.strip() else 0.0
