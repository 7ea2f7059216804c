"""Means with 95 % bootstrap intervals, per data set, over all prompts (micro) and over data sets (macro). Arrays only.

Every quantity of a report is resampled with the same prompts, so the difference of two methods is a paired
bootstrap: give it the differences per prompt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from router.predictions import FloatArray

RESAMPLES: Final = 2000
_TAILS: Final = (2.5, 97.5)


@dataclass(frozen=True)
class Estimate:
    """A mean over the `n` prompts that have the value, and its 95 % interval; NaN where there is none."""

    n: int
    value: float
    ci95: tuple[float, float]


@dataclass(frozen=True)
class Estimates:
    """One quantity, three ways. `macro` is NaN where a data set has no value: it would be a mean over others."""

    macro: Estimate
    micro: Estimate
    datasets: dict[str, Estimate]


class Bootstrap:
    """Resamples of prompts, drawn once, within each data set. Takes about 16 kB a prompt."""

    def __init__(self, datasets: Sequence[str], seed: int, resamples: int = RESAMPLES) -> None:
        names = np.array(datasets, dtype=object)
        random = np.random.default_rng(seed)
        self._n = len(names)
        self._resamples = resamples
        self._rows = {name: np.flatnonzero(names == name) for name in sorted(set(datasets))}
        self._weights = {name: _draws(len(rows), resamples, random) for name, rows in self._rows.items()}

    def estimate(self, values: FloatArray) -> Estimates:
        """Estimates of one quantity given per prompt (n,), NaN where it is absent: never counted as 0."""
        if values.shape != (self._n,):
            raise ValueError(f"{values.shape} values for {self._n} prompts")
        sums, counts = self._resampled(values)
        datasets = {name: _estimate(sums[g], counts[g]) for g, name in enumerate(self._rows)}
        macro = _ratio(sums, counts).mean(axis=0) if len(sums) else np.full(1, np.nan)
        n = sum(estimate.n for estimate in datasets.values())
        return Estimates(
            macro=Estimate(n, float(macro[0]), _interval(macro[1:])),
            micro=_estimate(sums.sum(axis=0), counts.sum(axis=0)),
            datasets=datasets,
        )

    def _resampled(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sums and counts of present values, (data sets, 1 + resamples); column 0 is the sample itself."""
        present = np.isfinite(values)
        if not present.any():  # most outcomes files lack most measures: no need to resample nothing
            nothing = np.zeros((len(self._rows), 1 + self._resamples))
            return nothing, nothing
        filled = np.where(present, values, 0.0)
        sums = [self._weights[name] @ filled[rows] for name, rows in self._rows.items()]
        counts = [self._weights[name] @ present[rows].astype(np.float64) for name, rows in self._rows.items()]
        return np.array(sums), np.array(counts)


def mean(values: FloatArray, seed: int) -> Estimate:
    """The mean of values (n,) without its NaNs, resampled as one set."""
    return Bootstrap(["all"] * len(values), seed).estimate(values).micro


def _draws(n: int, resamples: int, random: np.random.Generator) -> FloatArray:
    """How often each resample holds each prompt, (1 + resamples, n); row 0 holds each once."""
    counts = np.ones((1 + resamples, n))
    for resample in counts[1:]:
        resample[:] = np.bincount(random.integers(0, n, size=n), minlength=n)
    return counts


def _estimate(sums: FloatArray, counts: FloatArray) -> Estimate:
    means = _ratio(sums, counts)
    return Estimate(round(counts[0]), float(means[0]), _interval(means[1:]))


def _ratio(sums: FloatArray, counts: FloatArray) -> FloatArray:
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _interval(means: FloatArray) -> tuple[float, float]:
    # A resample may hold none of few present values; it says nothing and is left out.
    means = means[np.isfinite(means)]
    if not len(means):
        return (float("nan"), float("nan"))
    low, high = np.percentile(means, _TAILS)
    return (float(low), float(high))
