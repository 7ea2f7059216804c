"""Which texts a router has learned from: hashes beside its weights, so that it is never measured on one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from core.errors import CheckpointError
from router.datasets import normalise
from router.hashing import number
from router.predictions import BoolArray, IntArray

SEEN: Final = "seen.safetensors"
_HASHES: Final = "hashes"


@dataclass(frozen=True, eq=False)
class Seen:
    """8-byte hashes of the normalised texts that a router learned from, or had its settings picked on."""

    hashes: IntArray  # (n,), each once

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        return cls(np.unique(_hashes(texts)))

    def knows(self, texts: Sequence[str]) -> BoolArray:
        """Which of the texts it has learned from (n,). A few in 10^13 of the others pass for known."""
        return np.isin(_hashes(texts), self.hashes)

    def save(self, folder: Path) -> None:
        save_file({_HASHES: self.hashes}, folder / SEEN)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote; CheckpointError where it is damaged or, as in older checkpoints, missing."""
        path = folder / SEEN
        if not path.is_file():
            raise CheckpointError(
                f"{path}: missing, so nobody knows which texts this router was trained on, and it can't be measured "
                "fairly: train it again, or use --force"
            )
        try:
            return cls(load_file(path)[_HASHES])
        except (OSError, KeyError, SafetensorError) as error:
            raise CheckpointError(f"{path}: damaged ({error}): copy the checkpoint again, or train again") from error


def _hashes(texts: Sequence[str]) -> IntArray:
    return np.array([number(normalise(text)) for text in texts], dtype=np.int64)
