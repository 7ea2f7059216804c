"""Means over few observations, pulled towards what is known anyway. Arrays only."""

from typing import Final

import numpy as np

from router.predictions import FloatArray

#: A prior counts as much as so many observations, as in published routers that learn a new expert from few probes.
PRIOR_COUNT: Final = 24.0


def expert_means(qualities: FloatArray) -> FloatArray:
    """Each expert's mean (m,) over the prompts that it answered; the mean of all experts where it answered none."""
    overall = float(np.nanmean(qualities))
    present = ~np.isnan(qualities)
    sums, counts = np.where(present, qualities, 0.0).sum(axis=0), present.sum(axis=0)
    means: FloatArray = np.divide(sums, counts, out=np.full(qualities.shape[1], overall), where=counts > 0)
    return means


def shrunk(sums: FloatArray, counts: FloatArray, prior: FloatArray) -> FloatArray:
    """(sum + 24 * prior) / (count + 24), whatever the shape: with many observations their mean, with none the prior."""
    return np.asarray((sums + PRIOR_COUNT * prior) / (counts + PRIOR_COUNT), dtype=np.float64)
