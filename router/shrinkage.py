"""Means over few observations, pulled towards what is known anyway. Arrays only."""

from typing import Final

import numpy as np

from router.predictions import FloatArray

#: A prior counts as much as so many observations, as in published routers that learn a new expert from few probes.
PRIOR_COUNT: Final = 24.0


def expert_means(qualities: FloatArray) -> FloatArray:
    """Each expert's mean (m,) over the prompts that it answered (n, m; NaN else), shrunk to the mean of all answers."""
    present = ~np.isnan(qualities)
    sums = np.where(present, qualities, 0.0).sum(axis=0)
    return shrunk(sums, present.sum(axis=0).astype(np.float64), np.asarray(np.nanmean(qualities)))


def shrunk(sums: FloatArray, counts: FloatArray, prior: FloatArray) -> FloatArray:
    """(sum + 24 * prior) / (count + 24), whatever the shape: with many observations their mean, with none the prior."""
    return np.asarray((sums + PRIOR_COUNT * prior) / (counts + PRIOR_COUNT), dtype=np.float64)
