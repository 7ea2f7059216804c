"""Soft labels: from each expert's quality on a prompt to the distribution that a router learns. Arrays only."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from core.errors import InvalidInputError
from router.predictions import BoolArray, FloatArray

#: Fewer experts than this on a prompt say nothing about who is better.
MIN_EXPERTS: Final = 2


class Reading(StrEnum):
    """How a temperature T scales qualities q; arXiv 2408.12320 fixes T = 10 and leaves the reading open."""

    MULTIPLY = "multiply"  # softmax(T * q): a larger T is sharper
    DIVIDE = "divide"  # softmax(q / T): a larger T is flatter
    HARD = "hard"  # all on the best expert, shared equally where several tie; T is ignored


@dataclass(frozen=True)
class LabelEntropy:
    """How much the labels leave open, in nats; where `mean` is close to `maximum` there is nothing to learn."""

    mean: float
    maximum: float  # of uniform labels over the experts that are there


def soft_labels(qualities: FloatArray, temperature: float, reading: Reading) -> FloatArray:
    """Rows that sum to 1 (n, m) from qualities (n, m); an expert that is absent (NaN) gets 0.

    InvalidInputError, with the count, where rows have fewer than two experts: drop them before.
    """
    present = ~np.isnan(qualities)
    poor = int((present.sum(axis=1) < MIN_EXPERTS).sum())
    if poor:
        raise InvalidInputError(
            f"{poor} of {len(qualities)} prompts have the quality of fewer than {MIN_EXPERTS} experts, "
            "which says nothing about who is better: leave them out"
        )
    if reading is Reading.HARD:
        return _hard(qualities)
    scale = temperature if reading is Reading.MULTIPLY else 1 / temperature
    return _softmax(scale * qualities, present)


def entropy(labels: FloatArray) -> FloatArray:
    """Entropy of each row in nats, (n, m) to (n,)."""
    logs = np.log(labels, out=np.zeros_like(labels), where=labels > 0)
    return np.asarray(-(labels * logs).sum(axis=1))


def label_entropy(labels: FloatArray, present: BoolArray) -> LabelEntropy:
    """Mean entropy of labels (n, m) beside what uniform labels over the present experts would have."""
    return LabelEntropy(float(entropy(labels).mean()), float(np.log(present.sum(axis=1)).mean()))


def _hard(qualities: FloatArray) -> FloatArray:
    winners = qualities == np.nanmax(qualities, axis=1, keepdims=True)
    return np.asarray(winners / winners.sum(axis=1, keepdims=True))


def _softmax(scores: FloatArray, present: BoolArray) -> FloatArray:
    scores = np.where(present, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
