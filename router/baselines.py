"""Routers that learn nothing: the Random baseline, which is also the synthetic router that ships for load tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from router.config import Progress, TrainConfig
from router.datasets import TrainingSet
from router.hashing import uniform
from router.manifest import Manifest
from router.predictions import PredictionKind, Predictions


@dataclass(frozen=True)
class RandomRouter:
    """Draws an expert per prompt, uniformly among whoever may be chosen (Random in arXiv 2408.12320).

    The draw depends on seed, text and the expert's name alone, so the same prompt gets the same expert in any batch
    and process. Its probabilities are exponential draws scaled to sum to 1: their order is uniform over every
    subset of experts, which keeps a masked choice uniform too.
    """

    experts: tuple[str, ...]
    seed: int = 0

    kind: ClassVar[str] = "random"

    def predict(self, prompts: Sequence[str]) -> Predictions:
        """Probabilities (n, m) without any knowledge in them."""
        draws = [[uniform(str(self.seed), expert, prompt) for expert in self.experts] for prompt in prompts]
        weights = -np.log1p(-np.array(draws, dtype=np.float64).reshape(len(prompts), len(self.experts)))
        return Predictions(self.experts, weights / weights.sum(axis=1, keepdims=True), PredictionKind.PROBABILITIES)

    def save(self, folder: Path) -> None:
        """Write nothing: the manifest's experts and seed are all there is."""


def fit(data: TrainingSet, config: TrainConfig, progress: Progress) -> RandomRouter:
    """A router of these experts; it looks at no outcome."""
    progress(1.0, "nothing to train")
    return RandomRouter(data.experts, config.seed)


def load(folder: Path, manifest: Manifest) -> RandomRouter:  # noqa: ARG001 - every kind's `load` takes the folder
    """The router that the manifest describes; the folder holds nothing more."""
    return RandomRouter(manifest.experts, manifest.config.seed)
