"""Routers on a frozen encoder: a head is fitted on its vectors in seconds, and stored as arrays beside it."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from core.errors import CheckpointError, ConfigError
from router import sizes
from router.config import Progress, TrainConfig
from router.datasets import Part, TrainingSet
from router.encoder import Encoder
from router.manifest import Manifest
from router.predictions import FloatArray, PredictionKind, Predictions

HEAD: Final = "head.safetensors"

#: Of its arrays, the one that is no head's: what vectors were usual (2, d).
USUAL: Final = "usual_vectors"

#: What numpy, scipy and a head's own reader say of arrays that are none of theirs.
DAMAGED: Final = (OSError, LookupError, TypeError, ValueError, ArithmeticError, MemoryError, RuntimeError)

Arrays = Mapping[str, NDArray[Any]]  # Any: of floats or integers


class Head(Protocol):
    """Turns prompts and their vectors (n, d) into a value per expert (n, m), each prompt for itself."""

    @property
    def prediction(self) -> PredictionKind: ...

    def predict(self, texts: Sequence[str], vectors: FloatArray) -> FloatArray: ...

    def arrays(self) -> Arrays: ...


@dataclass(frozen=True)
class HeadKind:
    """How a head is fitted on a part and its vectors, and made again from its arrays (KeyError where one lacks)."""

    name: str
    fit: Callable[[Part, FloatArray, TrainConfig], Head]
    of: Callable[[Arrays], Head]


@dataclass(frozen=True, eq=False)
class Usual:
    """Mean and standard deviation of the training prompts' vectors, (d,) each: what new ones are held against."""

    mean: FloatArray
    deviation: FloatArray

    @classmethod
    def of(cls, vectors: FloatArray) -> "Usual":
        return cls(vectors.mean(axis=0), vectors.std(axis=0))

    @classmethod
    def read(cls, arrays: Arrays, width: int) -> "Usual | None":
        """Out of a head's file; None where it is of a time before this was kept. ValueError where it doesn't fit."""
        if USUAL not in arrays:
            return None
        mean, deviation = arrays[USUAL]
        if not (mean.shape == (width,) and np.isfinite(mean).all() and (deviation >= 0).all()):
            raise ValueError(f"{USUAL}: {arrays[USUAL].shape} don't fit vectors of {width}")
        return cls(mean, deviation)

    def deviations(self, vectors: FloatArray) -> FloatArray:
        """Vectors (n, d) from the mean, in standard deviations; 0 in a dimension that never varied."""
        varies = self.deviation > 0
        return np.where(varies, (vectors - self.mean) / np.where(varies, self.deviation, 1.0), 0.0)


class FrozenRouter:
    """An encoder that was not trained for this, and a head that was."""

    def __init__(self, kind: str, experts: tuple[str, ...], encoder: Encoder, head: Head, usual: Usual | None) -> None:
        self.kind = kind
        self.experts = experts
        self._encoder = encoder
        self._head = head
        self._usual = usual

    def predict(self, prompts: Sequence[str]) -> Predictions:
        """What the head makes of the prompts' vectors (n, m)."""
        vectors = self._encoder.embed(prompts).astype(np.float64)
        values = self._head.predict(prompts, vectors)
        deviations = None if self._usual is None else self._usual.deviations(vectors)
        return Predictions(self.experts, values, self._head.prediction, deviations=deviations)

    def save(self, folder: Path) -> None:
        """The head's arrays, and the encoder with its tokenizer."""
        usual = {} if self._usual is None else {USUAL: np.stack([self._usual.mean, self._usual.deviation])}
        arrays = {**self._head.arrays(), **usual}
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / HEAD)
        self._encoder.save(folder)


def fitting(kind: HeadKind) -> Callable[[TrainingSet, TrainConfig, Progress], FrozenRouter]:
    """The `fit` of `router.registry` for a kind of head."""

    def fit(data: TrainingSet, config: TrainConfig, progress: Progress) -> FrozenRouter:
        progress(0.0, f"embedding with {config.encoder}")
        encoder = Encoder.load(config.encoder, max_tokens=config.max_tokens)
        # All in one list, so that inside `keeping` the fit on all prompts finds the vectors of the fit before it.
        every = encoder.embed(data.train.texts + data.validation.texts).astype(np.float64)
        vectors = every[: len(data.train)]
        progress(0.8, "fitting")
        head = kind.fit(data.train, vectors, config)
        progress(1.0, "fitted")
        return FrozenRouter(kind.name, data.experts, encoder, head, Usual.of(every))

    return fit


def loading(kind: HeadKind) -> Callable[[Path, Manifest], FrozenRouter]:
    """The `load` of `router.registry` for a kind of head."""

    def load(folder: Path, manifest: Manifest) -> FrozenRouter:
        try:
            arrays = load_file(folder / HEAD)
            head = kind.of(arrays)
            sizes.check(folder)
            encoder = Encoder.load(str(folder), max_tokens=manifest.config.max_tokens)
            _try_out(head, encoder.width, len(manifest.experts))
            usual = Usual.read(arrays, encoder.width)
        except (*DAMAGED, SafetensorError, ConfigError) as error:
            raise CheckpointError(
                f"{folder}: {HEAD} or the encoder is missing or damaged ({error}): copy the checkpoint again"
            ) from error
        return FrozenRouter(kind.name, manifest.experts, encoder, head, usual)

    return load


def _try_out(head: Head, width: int, experts: int) -> None:
    """Let it predict for a text: arrays that don't fit each other would fail every prompt."""
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        found = head.predict(["a"], np.full((1, width), width**-0.5))
    if found.shape != (1, experts):
        raise ValueError(f"it predicts {found.shape}, and there are {experts} experts")
