"""Means over few observations, pulled towards what is known anyway. Arrays only."""

from typing import Final

import numpy as np

from router.predictions import FloatArray

#: A prior counts as much as so many observations, as in published routers that learn a new expert from few probes.
PRIOR_COUNT: Final = 24.0


def shrunk_means(values: FloatArray, prior: FloatArray, axis: int) -> FloatArray:
    """(sum + 24 * prior) / (count + 24) over `axis`, of what is there (NaN else); with nothing there the prior."""
    present = ~np.isnan(values)
    sums, counts = np.where(present, values, 0.0).sum(axis=axis), present.sum(axis=axis)
    return np.asarray((sums + PRIOR_COUNT * prior) / (counts + PRIOR_COUNT), dtype=np.float64)


def expert_means(qualities: FloatArray) -> FloatArray:
    """Each expert's mean (m,) over the prompts that it answered (n, m; NaN else), shrunk to the mean of all answers."""
    return shrunk_means(qualities, np.asarray(np.nanmean(qualities)), axis=0)
