"""A router with what its training outcomes say besides: what answers take, and how far it was to be trusted before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from core.errors import CheckpointError
from router import spending
from router.predictions import Calibration, Predictions, Router
from router.spending import Lines

CALIBRATION: Final = "calibration.safetensors"


@dataclass(frozen=True)
class Experienced:
    """A router whose predictions carry spending and calibration, which policies need that weigh and compare."""

    router: Router
    lines: Lines
    calibration: Calibration | None

    @property
    def experts(self) -> tuple[str, ...]:
        return self.router.experts

    def predict(self, prompts: Sequence[str]) -> Predictions:
        """The router's own predictions (n, m), with what it knows besides."""
        found = self.router.predict(prompts)
        spent = spending.predict(self.lines, found.experts, prompts) if self.lines else None
        return replace(found, spending=spent, calibration=self.calibration)


def save(calibration: Calibration, folder: Path) -> None:
    """Write a calibration into a checkpoint's folder."""
    arrays = {
        "values": np.ascontiguousarray(calibration.values),
        "qualities": np.ascontiguousarray(calibration.qualities),
        "baseline": np.array([calibration.baseline]),
    }
    save_file(arrays, folder / CALIBRATION)


def load(folder: Path, experts: int) -> Calibration | None:
    """The calibration of a checkpoint of so many experts; None where it has none. CheckpointError if it is damaged."""
    path = folder / CALIBRATION
    if not path.exists():
        return None
    try:
        return _of(load_file(path), experts)
    except (OSError, LookupError, TypeError, ValueError, SafetensorError) as error:
        raise CheckpointError(f"{path}: truncated or damaged ({error}): copy the checkpoint again") from error


def _of(arrays: Mapping[str, NDArray[Any]], experts: int) -> Calibration:  # Any: of any type until it is looked at
    values, qualities, baseline = arrays["values"], arrays["qualities"], int(arrays["baseline"].item())
    if not (values.shape == qualities.shape == (len(values), experts) and 0 <= baseline < experts):
        raise ValueError(f"values {values.shape}, qualities {qualities.shape} and baseline {baseline} don't fit")
    return Calibration(values, qualities, baseline)
