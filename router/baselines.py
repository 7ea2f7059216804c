"""Routers that learn nothing: the Random baseline, which is also the synthetic router that ships for load tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import ClassVar

import numpy as np

from router.predictions import PredictionKind, Predictions


@dataclass(frozen=True)
class RandomRouter:
    """Draws an expert per prompt, uniformly among whoever may be chosen (Random in arXiv 2408.12320, section 4).

    The draw depends on nothing but seed, text and the expert's name, so the same prompt gets the same expert in any
    batch and process. Its probabilities are exponential draws scaled to sum to 1: their order is uniform over every
    subset of experts, which keeps a masked choice uniform too.
    """

    experts: tuple[str, ...]
    seed: int = 0

    kind: ClassVar[str] = "random"

    def predict(self, prompts: Sequence[str]) -> Predictions:
        """Probabilities (n, m) without any knowledge in them."""
        draws = np.array([self._draws(prompt) for prompt in prompts], dtype=np.float64)
        draws = draws.reshape(len(prompts), len(self.experts))
        values = draws / draws.sum(axis=1, keepdims=True)
        return Predictions(self.experts, values, PredictionKind.PROBABILITIES)

    def save(self, folder: Path) -> None:
        """Nothing to write: the manifest's experts and seed are all there is (`folder` is any router's parameter)."""

    def _draws(self, prompt: str) -> list[float]:
        # Hashed once, so that a long prompt costs the same for any number of experts.
        text = blake2b(prompt.encode(errors="surrogatepass"), digest_size=16, salt=self.seed.to_bytes(8, signed=True))
        return [-np.log1p(-uniform(text.digest() + expert.encode())) for expert in self.experts]


def uniform(data: bytes) -> float:
    """A stable number in [0, 1) from a hash of the bytes: the same in every process, unlike `hash()`."""
    return int.from_bytes(blake2b(data, digest_size=6).digest()) / 2**48
